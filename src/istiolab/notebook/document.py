"""A notebook's file in, a valid notebook document out; and the way back to text.

A document is nbformat's own tree (`NotebookNode`): what the kernel's client fills with outputs.
Who only reads a notebook takes the frozen values of `cells`.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4.rwbase import rejoin_lines
from nbformat.validator import iter_validate

from istiolab.errors import IstiolabError, KernelError

FORMAT = 4
# Cell ids came with 4.5; without them a cell cannot be found again in two versions of a notebook.
LEAST_MINOR = 5


def load_document(path: Path) -> NotebookNode:
    """Read the notebook at `path` and demand that it is one that can be executed.

    Raises:
        KernelError: it is not there, not JSON, not a valid notebook, or names no kernel.
    """
    document = parse_document(_read_text(path), name=path.name)
    if not document.metadata.get("kernelspec", {}).get("name"):
        raise KernelError(
            f"`{path.name}` names no kernel",
            where=("field: metadata.kernelspec.name",),
            hint='set it to `{"display_name": "Python 3", "language": "python", '
            '"name": "python3"}`',
        )
    return document


def parse_document(text: str, *, name: str) -> NotebookNode:
    """Turn the text of a notebook's file into a valid document; `name` is for messages.

    Raises:
        KernelError: it is not JSON, or not a valid notebook.
    """
    try:
        return _parse(text, name=name)
    except RecursionError as wrong:  # whichever of the steps reaches its limit first
        raise KernelError(f"`{name}` is nested too deeply to be read") from wrong


def _parse(text: str, *, name: str) -> NotebookNode:
    try:
        tree = json.loads(text)
    except json.JSONDecodeError as wrong:
        raise KernelError(
            f"`{name}` is not valid JSON",
            where=(f"line {wrong.lineno}, column {wrong.colno}: {wrong.msg}",),
        ) from wrong
    except ValueError as wrong:  # a number with more digits than Python reads
        raise KernelError(f"`{name}` holds what cannot be read", where=(str(wrong),)) from wrong
    if not isinstance(tree, dict):
        raise KernelError(f"`{name}` is not a notebook: its JSON is no object")
    _demand_format(tree, name=name)
    _demand_valid(tree, name=name)
    document: NotebookNode = nbformat.from_dict(tree)  # type: ignore[no-untyped-call]
    # In the file a long text is a list of its lines; in a document it is one text.
    rejoin_lines(document)  # type: ignore[no-untyped-call]
    return document


def serialize(document: NotebookNode) -> str:
    """Return the text of the document's file: sorted keys, one final newline."""
    text: str = nbformat.writes(document)  # type: ignore[no-untyped-call]
    return text.rstrip("\n") + "\n"


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as missing:
        raise KernelError(f"there is no notebook `{path}`") from missing
    except UnicodeDecodeError as wrong:
        raise KernelError(f"`{path.name}` is not UTF-8 text", where=(str(wrong),)) from wrong
    except OSError as wrong:
        raise IstiolabError(f"`{path}` cannot be read", where=(str(wrong),)) from wrong


def _demand_format(tree: dict[str, object], *, name: str) -> None:
    found = (tree.get("nbformat"), tree.get("nbformat_minor"))
    match found:
        case (int(major), int(minor)) if major == FORMAT and minor >= LEAST_MINOR:
            return
        case (int(major), int(minor)):
            raise KernelError(
                f"`{name}` is in the notebook format {major}.{minor}, not "
                f"{FORMAT}.{LEAST_MINOR} or a later {FORMAT}.x"
            )
        case _:
            raise KernelError(f"`{name}` is not a notebook: it names no notebook format")


def _demand_valid(tree: dict[str, object], *, name: str) -> None:
    # Not `nbformat.validate`: it repairs what it is given, with a warning, so that a cell without
    # an id would get another one on each reading.
    found = [
        f"{'.'.join(str(step) for step in wrong.absolute_path) or 'notebook'}: {wrong.message}"
        for wrong in iter_validate(tree, relax_add_props=True)  # type: ignore[no-untyped-call]
    ]
    cells = tree.get("cells")
    if not found and isinstance(cells, list):
        counted = Counter(str(cell["id"]) for cell in cells)
        found = [f"id `{each}`: on {many} cells" for each, many in counted.items() if many > 1]
    if found:
        lines = tuple(line.splitlines()[0][:200] for line in found[:10])
        raise KernelError(f"`{name}` is not a valid notebook", where=lines)
