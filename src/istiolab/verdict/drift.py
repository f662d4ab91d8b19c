"""A notebook as it was published and as it has just run in; what differs with a meaning out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from enum import StrEnum
from typing import Any

from istiolab.notebook.cells import Cell, Notebook
from istiolab.notebook.settings import Settings, Split
from istiolab.verdict.shape import Grid, Shape, shapes_of
from istiolab.verdict.split import binomial_bounds
from istiolab.verdict.volatile import COLUMNS, DECLARED, FIELDS, Identities, mask, mask_kind

CONTEXT_LINES = 2

# RFC 9110, 8.6, as `send` and curl show it: alone on its line, behind `<` or `>`.
_LENGTH = re.compile(r"(?P<before>\s*(?:[<>] )?content-length:\s*)\d+", re.IGNORECASE)
# How many requests: more digits than that are none, and int() refuses 4300.
_COUNT = re.compile(r"[0-9]{1,15}")
_ALIGNED = re.compile(r"(?<=\S) {2,}")


class Change(StrEnum):
    """What became of a cell's outputs; the words are those of snapshot tools."""

    NEW = "new"
    """It had none, and has some now."""
    CHANGED = "changed"
    """They are others."""
    GONE = "gone"
    """It had some, and has none now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellDrift:
    """A cell whose outputs differ."""

    index: int
    """Its place among all cells, from 0."""
    label: str
    """How messages call it."""
    change: Change
    """What became of its outputs."""
    diff: tuple[str, ...]
    """The difference as lines of a unified diff, volatile values masked."""


def compare(before: Notebook, after: Notebook) -> tuple[CellDrift, ...]:
    """Compare the outputs of two executions of the same notebook, cell by cell.

    A cell is found again by its id. Values that differ from run to run are masked on both sides,
    each side with identities of its own, given in the order of the notebook.
    """
    old, new = normalise(before), normalise(after)
    drifts = (_drift(cell, old.get(cell.id, ()), new[cell.id]) for cell in after.cells)
    return tuple(drift for drift in drifts if drift is not None)


def add_secrets(
    drifts: Sequence[CellDrift], notebook: Notebook, holders: Iterable[int]
) -> tuple[CellDrift, ...]:
    """Add to drifts the cells whose published outputs hold a secret, the same otherwise or not."""
    found = {drift.index: drift for drift in drifts}
    for index in holders:
        diff = ("-[a secret]", *(found[index].diff if index in found else ()))
        label = notebook.cells[index].label
        found[index] = CellDrift(index=index, label=label, change=Change.CHANGED, diff=diff)
    return tuple(found[index] for index in sorted(found))


def normalise(notebook: Notebook) -> dict[str, tuple[str, ...]]:
    """Return each cell's outputs as lines that two runs share, by the cell's id."""
    identities = Identities()
    return {cell.id: tuple(_lines(cell, identities)) for cell in notebook.cells}


def _drift(cell: Cell, old: Sequence[str], new: Sequence[str]) -> CellDrift | None:
    if tuple(old) == tuple(new):
        return None
    change = Change.CHANGED if old and new else Change.NEW if new else Change.GONE
    # The first two lines of a unified diff name files, of which there are none.
    diff = list(unified_diff(old, new, lineterm="", n=CONTEXT_LINES))[2:]
    return CellDrift(index=cell.index, label=cell.label, change=change, diff=tuple(diff))


def _lines(cell: Cell, identities: Identities) -> Iterable[str]:
    for output in cell.outputs:
        for shape in shapes_of(output):
            yield from _shape_lines(shape, cell.settings, identities)


def _shape_lines(shape: Shape, settings: Settings, identities: Identities) -> Iterable[str]:
    match shape:
        case Grid():
            yield from _grid_lines(shape, settings, identities)
        case str():
            yield from _text_lines(shape, identities)
        case _:
            kinds = {name.lower(): kind for name, kind in settings.columns.items()}
            value = _masked_value(shape, kinds, identities)
            yield from json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False).split("\n")


def _text_lines(text: str, identities: Identities) -> Iterable[str]:
    # Line ends at the edges, and how wide a gap is, are the tools' business.
    lines = [
        mask(_ALIGNED.sub("  ", line.rstrip()), identities) for line in text.strip("\n").split("\n")
    ]
    # A body that names a pod is as long as the name, and a ReplicaSet's hash has 8 to 10 signs.
    named = any("-<pod-" in line for line in lines)
    for line in lines:
        header = _LENGTH.fullmatch(line) if named else None
        yield f"{header['before']}<bytes>" if header else line


def _grid_lines(grid: Grid, settings: Settings, identities: Identities) -> Iterable[str]:
    """Yield the head, and a line for each row: columns by name, whatever their order."""
    kinds = {**COLUMNS, **{name.lower(): kind for name, kind in settings.columns.items()}}
    counts = _split_counts(grid, settings.split) if settings.split else {}
    # By name from here on, identities too: a column that moved gives nobody another one.
    order = sorted(range(len(grid.columns)), key=lambda place: grid.columns[place])
    yield " | ".join(grid.columns[place] for place in order)
    for number, row in enumerate(grid.rows):
        if len(row) != len(grid.columns):
            yield mask(" | ".join(row), identities)
            continue
        cells = []
        for place in order:
            name, value = grid.columns[place], row[place]
            kind = kinds.get(name.lower())
            known = mask_kind(value, kind) if kind else value
            masked = counts.get((number, name), known if known != value else "")
            cells.append(f"{name}: {masked or mask(value, identities)}")
        yield " | ".join(cells)


def _split_counts(grid: Grid, split: Split) -> dict[tuple[int, str], str]:
    """Return what stands for each count of a split: its bound if it holds, else the count."""
    if not {split.column, split.count} <= set(grid.columns):
        return {}
    where, count = grid.columns.index(split.column), grid.columns.index(split.count)
    numbers = {
        number: int(row[count])
        for number, row in enumerate(grid.rows)
        if len(row) == len(grid.columns) and _COUNT.fullmatch(row[count])
    }
    total = sum(numbers.values())
    found = {}
    for number, counted in numbers.items():
        share = split.expected.get(grid.rows[number][where])
        if share is None:
            continue
        least, most = binomial_bounds(total, share, split.significance)
        # With the total: requests that got lost are no chance.
        found[number, split.count] = (
            f"<{share:.0%} of {total} within the bound>"
            if least <= counted <= most
            else f"{counted}, not {least} to {most}"
        )
    return found


def _masked_value(
    value: Any, kinds: Mapping[str, str], identities: Identities, *, key: str = ""
) -> Any:
    match value:
        case Mapping():
            return _masked_mapping(value, kinds, identities)
        case list():
            return [_masked_value(each, kinds, identities, key=key) for each in value]
        case None | bool():
            return value
        case _:
            return _masked_scalar(value, kinds, identities, key=key)


def _masked_scalar(
    value: Any, kinds: Mapping[str, str], identities: Identities, *, key: str
) -> str | int | float:
    kind = kinds.get(key.lower())
    text = str(value)  # which a date, too, becomes, as YAML reads one
    if kind and (known := mask_kind(text, kind)) != text:
        return known
    if key in FIELDS:
        return identities.token(FIELDS[key], text)
    return value if isinstance(value, int | float) else mask(text, identities, DECLARED)


def _masked_mapping(
    table: Mapping[Any, Any], kinds: Mapping[str, str], identities: Identities
) -> dict[str, Any]:
    # Sorted, so that the order of keys gives nobody another identity; by what is not volatile in
    # them, since a pod that has another name is not to come before another pod.
    masked: dict[str, Any] = {}
    for key in sorted(table, key=lambda key: mask(str(key), Identities(), DECLARED)):
        name = mask(str(key), identities, DECLARED)
        masked[name] = _masked_value(table[key], kinds, identities, key=str(key))
    return masked
