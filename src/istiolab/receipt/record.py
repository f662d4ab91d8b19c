"""A record in, its JSON out; and the strict way back.

Rule 1: reading is strict. A field too many or too few, or of a wrong type, is an error.
Rule 2: the JSON carries a digest over all else in it. It is no signature: it finds the slip of a
hand that edits a date or a version, and demands a run instead.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import AfterValidator, ConfigDict, TypeAdapter, ValidationError

from istiolab.errors import IstiolabError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

STRICT = ConfigDict(extra="forbid", strict=True)
"""What a record's class, and that of each of its parts, names as `__pydantic_config__`."""
_DIGEST = "digest"
_AGAIN = "run `istiolab verify` again"

Kind = TypeVar("Kind")


def _demand_zone(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("a time without a zone")
    return text


Timestamp = Annotated[str, AfterValidator(_demand_zone)]
"""A time, ISO 8601 with its zone."""


def dump(record: DataclassInstance) -> str:
    """Return a record as JSON text, with its digest."""
    table = asdict(record)
    table[_DIGEST] = _digest(table)
    return json.dumps(table, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def load(kind: type[Kind], text: str, *, schema: int, called: str) -> Kind:
    """Read what `dump` wrote.

    Args:
        kind: the record's class, a dataclass with a field `schema`.
        text: the JSON.
        schema: the version of the format that is understood.
        called: what messages call the record, such as `the receipt`.

    Raises:
        IstiolabError: it is not JSON, not such a record, or was changed after it was written.
    """
    try:
        return _load(kind, text, schema=schema, called=called)
    except RecursionError as wrong:  # whichever of the parsers reaches its limit first
        raise IstiolabError(f"{called} is nested too deeply to be read", hint=_AGAIN) from wrong


def _load(kind: type[Kind], text: str, *, schema: int, called: str) -> Kind:
    table = _object(text, called)
    digest = table.pop(_DIGEST, None)
    if table.get("schema") != schema:
        raise IstiolabError(
            f"{called} has the schema {table.get('schema')!r}, not {schema}", hint=_AGAIN
        )
    if digest != _digest(table):
        raise IstiolabError(
            f"{called} was changed after it was written",
            where=("its digest does not match",),
            hint=_AGAIN,
        )
    try:
        # As JSON, which has lists where Python has tuples; strict, Python's lists are no tuples.
        return TypeAdapter(kind).validate_json(json.dumps(table))
    except ValidationError as wrong:
        where = tuple(f"{_place(each['loc'])}: {each['msg']}" for each in wrong.errors())
        raise IstiolabError(
            f"{called} has other fields than it must have", where=where, hint=_AGAIN
        ) from wrong


def _object(text: str, called: str) -> dict[str, Any]:
    try:
        table = json.loads(text)
    except ValueError as wrong:  # also a number with more digits than Python reads
        raise IstiolabError(f"{called} is not valid JSON", where=(str(wrong),)) from wrong
    if not isinstance(table, dict):
        raise IstiolabError(f"{called} is not a JSON object")
    return table


def _digest(table: Mapping[str, Any]) -> str:
    # A hand can write half a surrogate pair, which no encoding has: it is to be found, as any edit.
    canonical = json.dumps(table, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode(errors="surrogatepass")).hexdigest()


def _place(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(each) for each in loc)
