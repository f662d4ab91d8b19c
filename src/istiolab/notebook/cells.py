"""A notebook's document in, frozen cells with their outputs out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from nbformat import NotebookNode

from istiolab.errors import IstiolabError, KernelError
from istiolab.notebook.document import load_document
from istiolab.notebook.settings import Settings, read_settings

CHECK = "check"
"""Tag of a cell that judges what the cells before it found."""
CAUSE = "cause"
"""Tag of a cell that makes the difference which a check then finds."""
RAISES = "raises-exception"
"""Tag (nbclient's own) of a cell that must end with an error."""

_NAMED = frozenset({"text/plain", "text/html", "text/markdown"})
_RESERVED = frozenset({CHECK, CAUSE, RAISES})
_RESERVED_PREFIXES = ("remove-", "hide-")

# ECMA-48 control sequences: IPython colours its tracebacks with them.
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

_HEADING = re.compile(r"^#\s+(.+?)\s*(?:\{[^}]*\})?\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One output of a cell."""

    kind: str
    """`stream`, `result`, `display` or `error`."""
    text: str
    """What a terminal would show, without colours."""
    html: str | None
    """The same as HTML, if the cell gave it."""
    markdown: str | None
    """The same as Markdown, if the cell gave it."""
    others: Mapping[str, Any] = field(default_factory=dict)
    """Whatever else the cell gave, such as images, by its media type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of a notebook."""

    index: int
    """Its place among all cells, from 0."""
    id: str
    """Its id, which it keeps when it moves."""
    kind: Literal["code", "markdown", "raw"]
    """What it holds."""
    source: str
    """Its text."""
    tags: tuple[str, ...]
    """Its tags, in the notebook's order."""
    outputs: tuple[Output, ...]
    """What it put out when it was last executed."""
    settings: Settings = field(default_factory=Settings)
    """What it says about itself."""
    format: str = ""
    """Of a raw cell: the media type that it is meant for; empty means any."""
    attachments: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    """The files that it carries, by name, each by its media types."""

    @property
    def name(self) -> str | None:
        """Return the one tag that is not reserved: what pages call the cell by."""
        return next(iter(names(self.tags)), None)

    @property
    def called(self) -> str:
        """Return how pages call the cell: its name, else its number from 1."""
        return self.name or str(self.index + 1)

    @property
    def label(self) -> str:
        """Return how messages call the cell: its number from 1, and its name if it has one."""
        return label(self.index, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notebook:
    """A notebook as it lies in its file."""

    path: Path
    """The file."""
    title: str
    """Its first heading of the first level, else the file's stem."""
    cells: tuple[Cell, ...]
    """All cells in order."""


def label(index: int, name: str | None) -> str:
    """Return how messages call the cell at `index`."""
    return f"cell {index + 1} `{name}`" if name else f"cell {index + 1}"


def names(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Return the tags that are not reserved."""
    return tuple(
        tag for tag in tags if tag not in _RESERVED and not tag.startswith(_RESERVED_PREFIXES)
    )


def name_of(cell: NotebookNode) -> str | None:
    """Return the name of a document's cell, if it has one."""
    return next(iter(names(tuple(cell.metadata.get("tags", ())))), None)


def read_notebook(path: Path) -> Notebook:
    """Read the notebook at `path`.

    Raises:
        KernelError: it is not there, not a valid notebook, names no kernel, or has a cell with
            two names.
    """
    return to_notebook(load_document(path), path=path)


def to_notebook(document: NotebookNode, *, path: Path) -> Notebook:
    """Turn a document into frozen values; `path` is where it comes from.

    Raises:
        KernelError: a cell has two names.
    """
    cells = tuple(_cell(node, index) for index, node in enumerate(document.cells))
    for cell in cells:
        if len(names(cell.tags)) > 1:
            raise KernelError(
                f"{cell.label} of `{path.name}` has more than one name",
                where=tuple(f"tag: {tag}" for tag in names(cell.tags)),
                hint="leave it one tag besides the reserved ones",
            )
    return Notebook(path=path, title=_title(cells) or path.stem, cells=cells)


def find_cell(notebook: Notebook, name: str) -> Cell:
    """Return the one cell called `name`.

    Raises:
        IstiolabError: there is none, or more than one.
    """
    found = [cell for cell in notebook.cells if cell.name == name]
    if len(found) == 1:
        return found[0]
    if found:
        raise IstiolabError(
            f"`{notebook.path.name}` has {len(found)} cells called `{name}`",
            where=tuple(f"cell {cell.index + 1}" for cell in found),
        )
    known = ", ".join(f"`{cell.name}`" for cell in notebook.cells if cell.name)
    raise IstiolabError(
        f"`{notebook.path.name}` has no cell called `{name}`",
        where=(f"names there are: {known or 'none'}",),
    )


def _cell(node: NotebookNode, index: int) -> Cell:
    return Cell(
        index=index,
        id=node.id,
        kind=node.cell_type,
        source=node.source,
        tags=tuple(node.metadata.get("tags", ())),
        outputs=tuple(_output(each) for each in node.get("outputs", ())),
        settings=read_settings(node.metadata, cell=label(index, None)),
        # `format` is nbformat's name, `raw_mimetype` what JupyterLab writes.
        format=node.metadata.get("format") or node.metadata.get("raw_mimetype") or "",
        attachments=node.get("attachments", {}),
    )


def _output(node: NotebookNode) -> Output:
    match node.output_type:
        case "stream":
            return Output(kind="stream", text=plain(node.text), html=None, markdown=None)
        case "error":
            lines = node.traceback or [f"{node.ename}: {node.evalue}"]
            return Output(kind="error", text=plain("\n".join(lines)), html=None, markdown=None)
        case _:
            kind = "result" if node.output_type == "execute_result" else "display"
            data = node.data
            return Output(
                kind=kind,
                text=plain(data.get("text/plain", "")),
                html=data.get("text/html"),
                markdown=data.get("text/markdown"),
                others={name: value for name, value in data.items() if name not in _NAMED},
            )


def plain(text: str) -> str:
    """Return `text` without a terminal's colours."""
    return _COLOUR.sub("", text)


def _title(cells: tuple[Cell, ...]) -> str | None:
    for cell in cells:
        if cell.kind == "markdown" and (found := _HEADING.search(cell.source)):
            return found.group(1)
    return None
