"""The table of the hosts, at the end, and for the README in `reports/hosts.md`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.hosts.test_hosts import Trial

REPORT = Path("reports/hosts.md")
_STEPS = ("boot", "doctor", "up", "status", "verify", "down", "compare")
_TRIALS: list[Trial] = []


@pytest.fixture(scope="session")
def trials() -> Iterator[list[Trial]]:
    yield _TRIALS
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(table())


def table() -> str:
    """Return a table in Markdown: a row for each host, the seconds of each step."""
    today = datetime.now(UTC).date().isoformat()
    head = ("date", "host", "system", "kernel", "cgroups", *(f"{step}, s" for step in _STEPS))
    rows = [head, ("---",) * len(head)]
    for trial in _TRIALS:
        facts = (trial.facts.get(name, "") for name in ("system", "kernel", "cgroups"))
        seconds = (trial.seconds.get(step) for step in _STEPS)
        shown = ("–" if each is None else f"{each:.0f}" for each in seconds)
        rows.append((today, trial.host.name, *facts, *shown))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _TRIALS:
        terminalreporter.section("hosts")
        terminalreporter.write(table())
