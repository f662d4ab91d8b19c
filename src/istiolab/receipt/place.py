"""Where the records of a notebook lie, and how they get there in one piece."""

from __future__ import annotations

from pathlib import Path

from istiolab.errors import HostError, IstiolabError
from istiolab.system.files import make_folder, write_atomic

FOLDER = "receipts"


def record_path(notebook_path: Path, kind: str = "") -> Path:
    """Return where a record of a notebook lies: in a folder beside the notebook.

    Args:
        notebook_path: the notebook.
        kind: which of its records; nothing means the receipt.
    """
    ending = f".{kind}.json" if kind else ".json"
    return notebook_path.parent / FOLDER / f"{notebook_path.stem}{ending}"


def read_record(path: Path, *, called: str) -> str | None:
    """Read the text of a record; None if there is none.

    Args:
        path: where it lies.
        called: what messages call it, such as `the receipt`.

    Raises:
        IstiolabError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as wrong:
        raise IstiolabError(f"{called} cannot be read", where=(str(wrong),)) from wrong


def write_text(path: Path, text: str) -> None:
    """Write a notebook or a record in one piece: a reader finds the old one or the new one.

    Raises:
        HostError: the disk is full, or the folder cannot be written.
    """
    try:
        make_folder(path.parent)
        write_atomic(path, text)
    except OSError as wrong:
        raise HostError(f"`{path}` could not be written", where=(str(wrong),)) from wrong


def remove(path: Path) -> None:
    """Remove a record; one that is not there is no error.

    Raises:
        HostError: the folder cannot be written.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as wrong:
        raise HostError(f"`{path}` could not be removed", where=(str(wrong),)) from wrong
