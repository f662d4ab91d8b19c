"""The records of a notebook: where they lie, a record in, its JSON out; and the strict way back.

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
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import AfterValidator, ConfigDict, TypeAdapter, ValidationError

from istiolab.errors import HostError, IstiolabError
from istiolab.system.files import write_text

STRICT = ConfigDict(extra="forbid", strict=True)
"""What a record's class, and that of each of its parts, names as `__pydantic_config__`."""
FOLDER = "receipts"
"""The folder, beside the notebooks, that their records lie in."""
_DIGEST = "digest"
_AGAIN = "run `istiolab verify` again"


class OldRecordError(IstiolabError):
    """A record is in the format of an older version."""


class Record:
    """What the class of a record, a dataclass with a field `schema`, says about itself."""

    __slots__ = ()
    SCHEMA: ClassVar[int]
    """The version of the format that is understood."""
    KIND: ClassVar[str]
    """What its file is called after the notebook's name; nothing means the receipt."""
    CALLED: ClassVar[str]
    """What messages call it, such as `the receipt`."""


Some = TypeVar("Some", bound=Record)


def _demand_zone(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("a time without a zone")
    return text


Timestamp = Annotated[str, AfterValidator(_demand_zone)]
"""A time, ISO 8601 with its zone."""


def record_path(notebook_path: Path, kind: type[Record]) -> Path:
    """Return where a record of a notebook lies: in a folder beside the notebook."""
    ending = f".{kind.KIND}.json" if kind.KIND else ".json"
    return notebook_path.parent / FOLDER / f"{notebook_path.stem}{ending}"


def load_record(notebook_path: Path, kind: type[Some]) -> Some | None:
    """Read a record of a notebook; None if there is none.

    Raises:
        OldRecordError: it is in the format of an older version.
        IstiolabError: it cannot be read, or is not as it was written.
    """
    try:
        text = record_path(notebook_path, kind).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as wrong:
        raise IstiolabError(f"{kind.CALLED} cannot be read", where=(str(wrong),)) from wrong
    return parse(text, kind)


def save_record(notebook_path: Path, record: Record) -> Path:
    """Write a record of a notebook in one piece, and return where it lies.

    Raises:
        HostError: the disk is full, or the folder cannot be written.
    """
    path = record_path(notebook_path, type(record))
    write_text(path, dump(record))
    return path


def remove_record(notebook_path: Path, kind: type[Record]) -> None:
    """Remove a record; one that is not there is no error.

    Raises:
        HostError: the folder cannot be written.
    """
    path = record_path(notebook_path, kind)
    try:
        path.unlink(missing_ok=True)
    except OSError as wrong:
        raise HostError(f"`{path}` could not be removed", where=(str(wrong),)) from wrong


def dump(record: Record) -> str:
    """Return a record as JSON text, with its digest."""
    table = asdict(record)  # type: ignore[call-overload]
    table[_DIGEST] = _digest(table)
    return json.dumps(table, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def parse(text: str, kind: type[Some]) -> Some:
    """Read what `dump` wrote.

    Raises:
        OldRecordError: it is in the format of an older version.
        IstiolabError: it is not JSON, not such a record, or was changed after it was written.
    """
    try:
        return _parse(text, kind)
    except RecursionError as wrong:  # whichever of the parsers reaches its limit first
        raise IstiolabError(
            f"{kind.CALLED} is nested too deeply to be read", hint=_AGAIN
        ) from wrong


def _parse(text: str, kind: type[Some]) -> Some:
    table = _object(text, kind.CALLED)
    digest = table.pop(_DIGEST, None)
    _demand_schema(table.get("schema"), kind)
    if digest != _digest(table):
        raise IstiolabError(
            f"{kind.CALLED} was changed after it was written",
            where=("its digest does not match",),
            hint=_AGAIN,
        )
    try:
        # As JSON, which has lists where Python has tuples; strict, Python's lists are no tuples.
        return TypeAdapter(kind).validate_json(json.dumps(table))
    except ValidationError as wrong:
        where = tuple(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in wrong.errors()
        )
        raise IstiolabError(
            f"{kind.CALLED} has other fields than it must have", where=where, hint=_AGAIN
        ) from wrong


def _object(text: str, called: str) -> dict[str, Any]:
    try:
        table = json.loads(text)
    except ValueError as wrong:  # also a number with more digits than Python reads
        raise IstiolabError(f"{called} is not valid JSON", where=(str(wrong),)) from wrong
    if not isinstance(table, dict):
        raise IstiolabError(f"{called} is not a JSON object")
    return table


def _demand_schema(found: object, kind: type[Record]) -> None:
    if isinstance(found, int) and 0 < found < kind.SCHEMA:
        raise OldRecordError(f"{kind.CALLED} was made by an older version of istiolab", hint=_AGAIN)
    if found != kind.SCHEMA:
        raise IstiolabError(
            f"{kind.CALLED} has the schema {found!r}, not {kind.SCHEMA}", hint=_AGAIN
        )


def _digest(table: Mapping[str, Any]) -> str:
    # A hand can write half a surrogate pair, which no encoding has: it is to be found, as any edit.
    canonical = json.dumps(table, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode(errors="surrogatepass")).hexdigest()
