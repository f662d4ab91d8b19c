"""What the ablations of notebooks found in, lines for a terminal or JSON out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from istiolab.errors import ExitCode
from istiolab.runner.ablate import Ablated
from istiolab.verdict.judge import Outcome


def render(found: Iterable[Ablated]) -> str:
    """Return the report of all notebooks."""
    return "\n".join(line for each in found for line in _lines(each))


def as_json(found: Iterable[Ablated]) -> str:
    """Return the report of all notebooks as a JSON list."""
    rows = [
        {
            "notebook": str(each.notebook),
            "ablations": [
                {"cause": cause, "check": check, "how": how} for cause, check, how in each.rows
            ],
            "problems": list(each.problems),
            "barred": each.barred or None,
            "changed": each.changed or None,
        }
        for each in found
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False)


def exit_code(found: Iterable[Ablated]) -> ExitCode:
    """Return the exit code: what could not be tried, or broke, outweighs what is not proven."""
    listed = list(found)
    if any(each.barred or each.broken or each.changed for each in listed):
        return ExitCode.KERNEL
    return ExitCode.FINDING if any(each.problems for each in listed) else ExitCode.OK


def _lines(found: Ablated) -> Iterator[str]:
    if found.barred:
        yield from (f"{found.notebook.name}: {Outcome.UNSUPPORTED}", f"  {found.barred}")
        return
    if found.changed:
        yield f"{found.notebook.name}: {Outcome.CHANGED}"
        yield f"  {found.changed} is not what ran any more; nothing was written"
        said = "run it again, and save nothing that it uses meanwhile"
        yield from ("", f"hint: {said}: `istiolab verify {found.notebook.stem} --ablate`")
        return
    state = "not proven" if found.problems else "proven"
    yield f"{found.notebook.name}: {state}"
    for cause, check, how in found.rows:
        yield f"  without {cause}: {check} fails ({how})"
    yield from (f"  problem: {each}" for each in found.problems)
    if found.hint:
        yield from ("", f"hint: {found.hint}")
