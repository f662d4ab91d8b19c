"""What a race of verification found in, Markdown or JSON out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict

from istiolab.race.peers import PEERS
from istiolab.race.result import (
    OURS,
    Again,
    Goal,
    Race,
    Run,
    breakdown,
    full_at,
    goals,
    ours,
    overhead,
    ratio,
)

_CALLS = {OURS: "istiolab verify", **{peer.key: peer.call for peer in PEERS}}
_MARKS = {True: "yes", False: "**no**", None: "not measured"}
_GIB = 2**30
_HOW = (
    "Each tool had a copy of its own, and the lab to itself. Those that cannot run notebooks side "
    "by side were started once for each, as many at a time as `istiolab verify` runs; "
    "jupyter-cache as many as there are cores. The time of `istiolab verify` includes comparison, "
    "leaks, receipts and the end of all namespaces; those of the others were deleted off the clock."
)


def as_json(race: Race, machine: Mapping[str, str], versions: Mapping[str, str]) -> str:
    """Return everything that was measured as JSON."""
    found = {
        "machine": dict(machine),
        "versions": dict(versions),
        **asdict(race),
        "goals": [{**asdict(goal), "met": goal.met} for goal in goals(race)],
        "all_cores_busy_at": full.notebooks
        if (full := full_at(race.copies, cores=race.cores))
        else None,
        "breakdown": [dict(breakdown(run)) for run in ours(race.copies) if run.notebooks == 1],
    }
    return json.dumps(found, indent=2, ensure_ascii=False)


def render(race: Race, machine: Mapping[str, str], versions: Mapping[str, str]) -> str:
    """Return everything that was measured as Markdown, ready for a page."""
    parts = [
        f"On {', '.join(machine.values())}; room for {race.workers} notebooks at a time.",
        f"{', '.join(f'{name} {number}' for name, number in versions.items())}.",
        f"{race.cores_busy_before:.1f} of {race.cores} cores were busy with something else before.",
        _table(("promised", "found", "kept"), (_goal_row(goal) for goal in goals(race))),
    ]
    if race.together:
        title = f"All {race.together[0].notebooks} notebooks together"
        parts += [f"**{title}**", _table(*_runs_table(race.together))]
    parts += [f"**`{race.longest}`, so many copies at once**", _table(*_copies_table(race))]
    parts += [_limit(race), *_problems(race), _HOW]
    if one := next((run for run in ours(race.copies) if run.notebooks == 1), None):
        parts += ["**Where the time of one notebook goes**", *_one_notebook(one)]
    parts += ["**Nothing has changed**", _table(("", "seconds"), _again_rows(race))]
    return "\n\n".join(parts)


def _goal_row(goal: Goal) -> tuple[str, ...]:
    found = "" if goal.found is None else _figure(goal)
    return (goal.name, " ".join((found, f"({goal.note})")).strip(), _MARKS[goal.met])


def _figure(goal: Goal) -> str:
    if goal.limit < 1:
        return f"{goal.found:.1%}"
    return f"{goal.found:.2f}"


def _runs_table(runs: Sequence[Run]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    head = ("", "seconds", "at a time", "cores busy", "memory")
    return head, [(f"`{_CALLS[run.who]}`", *_run_cells(run)) for run in runs]


def _run_cells(run: Run) -> tuple[str, ...]:
    if run.seconds is None:
        return ("–", "", "", "")
    memory = f"{run.memory_bytes / _GIB:.1f} GiB"
    return (f"{run.seconds:.0f}", f"{run.at_once}", f"{run.cores_busy:.1f}", memory)


def _copies_table(race: Race) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    numbers = sorted({run.notebooks for run in race.copies})
    whom = list(dict.fromkeys(run.who for run in race.copies))
    by = {(run.who, run.notebooks): run for run in race.copies}
    head = (
        "copies",
        *(f"`{_CALLS[who]}`" for who in whom),
        "ratio to one",
        "at a time",
        "cores busy",
    )
    rows = []
    for number in numbers:
        own = by[OURS, number]
        grown = ratio(own, race.copies)
        rows.append(
            (
                f"{number}",
                *(_seconds(by[who, number]) for who in whom),
                f"{grown:.2f}" if grown else "–",
                f"{own.at_once}",
                f"{own.cores_busy:.1f}",
            )
        )
    return head, rows


def _seconds(run: Run) -> str:
    return "–" if run.seconds is None else f"{run.seconds:.0f} s"


def _limit(race: Race) -> str:
    """Say where the processor is what limits."""
    full = full_at(race.copies, cores=race.cores)
    if full is None:
        most = max((run.cores_busy for run in ours(race.copies)), default=0.0)
        return f"The {race.cores} cores were never all busy: {most:.1f} at the most."
    one = "one notebook" if full.notebooks == 1 else f"{full.notebooks} copies"
    return (
        f"From {one} on, all {race.cores} cores are busy ({full.cores_busy:.1f}): they are the "
        "limit, and time grows with the number of copies."
    )


def _problems(race: Race) -> Iterator[str]:
    found = [run for run in (*race.together, *race.copies) if run.problem]
    if found:
        yield "\n".join(
            f"- `{_CALLS[run.who]}`, {run.notebooks} at once: {run.problem}" for run in found
        )


def _one_notebook(run: Run) -> Iterator[str]:
    total = run.verdict_seconds or 1.0
    found = breakdown(run)
    if not found:
        yield "The run that was measured left no receipt."
        return
    share = overhead(run) or 0.0
    rows = [
        (what, f"{seconds:.2f}", f"{seconds / total:.1%}" if place < len(found) - 1 else "")
        for place, (what, seconds) in enumerate(found)
    ]
    yield _table(("", "seconds", "of the time to the verdict"), rows)
    yield f"What is no cell takes {share:.1%} of the {total:.1f} s to the verdict."


def _again_rows(race: Race) -> Iterator[tuple[str, ...]]:
    for again in race.again:
        yield (f"`{_CALLS[again.who]}`", _again_cell(again))
    asked = {again.who for again in race.again}
    for who in dict.fromkeys(run.who for run in race.copies):
        if who not in asked:
            yield (f"`{_CALLS[who]}`", _without_memory(who))


def _again_cell(again: Again) -> str:
    return f"{again.seconds:.1f}" if again.problem is None else f"– ({again.problem})"


def _without_memory(who: str) -> str:
    remembers = who == OURS or any(peer.key == who and peer.remembers for peer in PEERS)
    return "– (it had not passed)" if remembers else "runs everything again"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---" for _ in head], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
