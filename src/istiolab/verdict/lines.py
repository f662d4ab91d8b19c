"""A part of an output in, its lines as two runs share them out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from istiolab.notebook.settings import Settings, Split
from istiolab.verdict.kinds import COLUMNS, FIELDS, mask_kind
from istiolab.verdict.shape import Grid, Shape
from istiolab.verdict.split import binomial_bounds
from istiolab.verdict.times import mask_epoch
from istiolab.verdict.tokens import Identities
from istiolab.verdict.volatile import CELLS, DECLARED, mask

# RFC 9110, 8.6, as `send` and curl show it: alone on its line, behind `<` or `>`.
_LENGTH = re.compile(r"(?P<before>\s*(?:[<>] )?content-length:\s*)\d+", re.IGNORECASE)
# How many requests: more digits than that are none, and int() refuses 4300.
_COUNT = re.compile(r"[0-9]{1,15}")
_ALIGNED = re.compile(r"(?<=\S) {2,}")


def shape_lines(shape: Shape, settings: Settings, identities: Identities) -> Iterable[str]:
    """Yield the lines of a part; `identities` grows with what is masked in it."""
    match shape:
        case Grid():
            yield from _grid_lines(shape, settings, identities)
        case str():
            yield from _text_lines(shape, identities)
        case _:
            yield from value_lines(shape, settings, identities)


def value_lines(value: Any, settings: Settings, identities: Identities) -> Iterable[str]:
    """Yield the lines of a JSON or YAML value, the order of its keys left out of account."""
    kinds = {name.lower(): kind for name, kind in settings.columns.items()}
    masked = _masked_value(value, kinds, identities)
    yield from json.dumps(masked, indent=1, sort_keys=True, ensure_ascii=False).split("\n")


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
            yield mask(" | ".join(row), identities, CELLS)
            continue
        cells = []
        for place in order:
            name, value = grid.columns[place], row[place]
            kind = kinds.get(name.lower())
            known = mask_kind(value, kind) if kind else value
            masked = counts.get((number, name), known if known != value else "")
            masked = masked or mask_epoch(name, value, identities) or ""
            cells.append(f"{name}: {masked or mask(value, identities, CELLS)}")
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
    if (time := mask_epoch(key, text, identities)) is not None:
        return time
    if key in FIELDS:
        return identities.token(FIELDS[key], text)
    return value if isinstance(value, int | float) else mask(text, identities, DECLARED)


def _masked_mapping(
    table: Mapping[Any, Any], kinds: Mapping[str, str], identities: Identities
) -> dict[str, Any]:
    # Sorted, so that the order of keys gives nobody another identity; by what is not volatile in
    # them, since a pod that has another name is not to come before another pod.
    masked: dict[str, Any] = {}

    def constant(key: object) -> str:
        return mask(str(key), Identities(pods=identities.pods), DECLARED)

    for key in sorted(table, key=constant):
        name = mask(str(key), identities, DECLARED)
        masked[name] = _masked_value(table[key], kinds, identities, key=str(key))
    return masked
