"""What a tool printed in; why it did not execute everything, and who took longest, out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from istiolab.notebook.cells import plain
from istiolab.system.timed import Timed

_MOST_CHARACTERS = 200
# What a line has that says what went wrong.
_TELLING = re.compile(r"^error: |\b\w*(Error|Exception)\b")


def problem(done: Timed, log: str, *, limit_seconds: float) -> str:
    """Return in one line why a command did not execute everything.

    Args:
        done: the command.
        log: what it printed on standard error.
        limit_seconds: how long it might take.
    """
    if done.exit_code is None:
        return f"not done after {limit_seconds:.0f} s"
    lines = [plain(line).strip() for line in (*log.splitlines(), *done.stdout.splitlines())]
    said = [line for line in lines if line]
    telling = [line for line in said if _TELLING.search(line)]
    return f"ended with {done.exit_code}: {(telling or said or ['without a word'])[-1]}"[
        :_MOST_CHARACTERS
    ]


def our_problem(done: Timed, log: str, *, limit_seconds: float) -> str:
    """Return in one line why `istiolab verify --json` did not pass: the first that did not."""
    reports = _reports(done.stdout)
    found = [each for each in reports if each["outcome"] != "verified"]
    if done.exit_code is None or not found:
        return problem(done, log, limit_seconds=limit_seconds)
    first = found[0]
    drifts = [f"{drift['label']} {drift['change']}" for drift in first["drifts"]]
    why = (first["failure"] or {}).get("message") or "; ".join((*first["leaks"], *drifts))
    many = f" ({len(found)} of {len(reports)})" if len(reports) > 1 else ""
    return f"{Path(first['notebook']).stem} {first['outcome']}{many}: {why}"[:_MOST_CHARACTERS]


def longest(stdout: str) -> tuple[str, Mapping[str, float]]:
    """Return of what `istiolab verify --json` printed the longest notebook's path and stages."""
    found = max(_reports(stdout), key=lambda each: float(each["seconds"]))
    return str(found["notebook"]), {
        str(stage): float(seconds) for stage, seconds in found["stages"].items()
    }


def _reports(stdout: str) -> Sequence[Mapping[str, Any]]:
    try:
        found = json.loads(stdout)
    except ValueError:
        return ()
    # An object is how the command tells that it could not do anything at all.
    return found if isinstance(found, list) else ()
