"""What came of verifying notebooks in, GitHub workflow annotations at the notebooks' cells out.

The format: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from istiolab.cli.report.text import explanation
from istiolab.runner.verify import Verified


def render(found: Iterable[Verified]) -> str:
    """Return the annotations, a line each; none for what passed."""
    return "\n".join(line for each in found for line in _annotations(each))


def cell_line(text: str, cell_id: str) -> int:
    """Return the line of a notebook's file, from 1, on which the cell with this id names itself."""
    mark = f'"id": "{cell_id}"'
    for number, line in enumerate(text.splitlines(), start=1):
        if mark in line:
            return number
    return 1


def _annotations(found: Verified) -> Iterator[str]:
    run = found.execution
    if found.barred:
        yield _command(found, 1, str(found.outcome), found.barred)
    if found.changed:
        yield _command(found, 1, str(found.outcome), "\n".join(explanation(found)))
    if run is None or found.changed:  # its file may be gone
        return
    text = found.notebook.read_text(encoding="utf-8")
    if found.leaks:
        yield _command(found, 1, str(found.outcome), "\n".join(found.leaks))
    for drift in found.drifts:
        line = cell_line(text, run.document.cells[drift.index].id)
        message = "\n".join((drift.headline, *drift.diff))
        yield _command(found, line, str(found.outcome), message)
    if run.failure is not None:
        line = cell_line(text, run.document.cells[run.failure.index].id)
        message = f"{run.failure.label}: {run.failure.ending}: {run.failure.message}"
        yield _command(found, line, str(found.outcome), message)


def _command(found: Verified, line: int, title: str, message: str) -> str:
    place = f"file={_property(str(found.notebook))},line={line},title={_property(title)}"
    return f"::error {place}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
