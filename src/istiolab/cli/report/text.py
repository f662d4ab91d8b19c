"""What came of verifying notebooks in, lines for a terminal out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from istiolab.receipt.store import receipt_path
from istiolab.runner.verify import Verified
from istiolab.verdict.judge import Outcome

TRACEBACK_LINES = 15


def render(found: Iterable[Verified], *, explain: bool = False) -> str:
    """Return the report of all notebooks; with `explain`, also why each was run."""
    return "\n".join(line for each in found for line in _lines(each, explain=explain))


def headline(found: Verified) -> str:
    """Return in one line what came of a notebook."""
    name, run = found.notebook.name, found.execution
    match found.outcome:
        case Outcome.UNCHANGED:
            return f"{name}: unchanged"
        case Outcome.VERIFIED:
            seconds = run.seconds if run else 0.0
            return f"{name}: verified in {seconds:.0f} s, {receipt_path(found.notebook)}"
        case Outcome.UPDATED | Outcome.DRIFTED:
            cells = len(found.drifts)
            return f"{name}: {found.outcome} in {cells} {'cell' if cells == 1 else 'cells'}"
        case _:
            return f"{name}: {found.outcome}"


def explanation(found: Verified) -> Iterator[str]:
    """Yield what is wrong, or was taken over: cell, diff or traceback, and the evidence's path."""
    if found.barred:
        yield found.barred
    if found.changed:
        yield f"{found.changed} is not what ran any more; nothing was written"
    yield from found.leaks
    if found.unseen:
        yield (
            f"not looked at, since nothing answers for it: {', '.join(found.unseen)}; "
            "what the notebook may have left there is not known, and Kubernetes keeps its "
            "namespaces, empty, until something does"
        )
    for drift in found.drifts:
        yield drift.headline
        yield from (f"| {line}" for line in drift.diff)
    failure = found.execution.failure if found.execution else None
    if failure is not None:
        yield f"{failure.label}: {failure.ending}: {failure.message}"
        yield from (f"| {line}" for line in failure.traceback.splitlines()[-TRACEBACK_LINES:])
    if found.evidence:
        yield f"evidence: {found.evidence}"


def hint(found: Verified) -> str | None:
    """Return what helps, if anything does."""
    if found.outcome is Outcome.DRIFTED:
        return (
            "if the new output is right, take it over: "
            f"`istiolab verify {found.notebook.stem} --update`, and review the diff"
        )
    if found.outcome is Outcome.EXPOSED:
        return (
            "have that cell put out what is public instead: a certificate, a public key, a "
            "hash, or the names of what is kept secret"
        )
    if found.outcome is Outcome.CHANGED:
        return (
            "run it again, and save nothing that it uses meanwhile: "
            f"`istiolab verify {found.notebook.stem}`"
        )
    if found.outcome is Outcome.UNSUPPORTED:
        return "run it where a lab of our own can be, or leave it out: name the other notebooks"
    return None


def _lines(found: Verified, *, explain: bool) -> Iterator[str]:
    yield headline(found)
    if explain and found.outcome is Outcome.UNCHANGED:
        yield "  not run: each cell, input and part of the cluster is as its receipt has it"
    elif explain:
        yield from (f"  run because: {each}" for each in found.reasons)
    yield from (f"  {line}" for line in explanation(found))
    if said := hint(found):
        yield from ("", f"hint: {said}")
