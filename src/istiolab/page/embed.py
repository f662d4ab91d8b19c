"""A cell of an executed notebook in, Markdown for a page out: its code and what it put out.

Rule 1: nothing is shown that the file does not hold; an output that is asked for must be there.
Rule 2: both languages get the same code and the same outputs; only the labels differ.
Rule 3: of HTML, also of what a notebook's Markdown becomes, only what `clean` lets pass is shown.
"""

from __future__ import annotations

import re
from itertools import groupby

from markdown import markdown  # type: ignore[import-untyped]

from istiolab.errors import IstiolabError
from istiolab.notebook.cells import RAISES, Cell, Notebook, Output
from istiolab.page.clean import clean_html
from istiolab.page.directives import Part
from istiolab.page.frame import fold_table, fold_text, frame
from istiolab.page.marks import Mark, mark_cells
from istiolab.page.words import Words

_TAG = re.compile(r"<[^>]*>")
_BACKTICKS = re.compile(r"`{3,}")


def render_cell(
    notebook: Notebook,
    cell: Cell,
    *,
    part: Part,
    words: Words,
    marks: tuple[Mark, ...] = (),
    anchor: str | None = None,
) -> str:
    """Return the Markdown of a cell.

    Args:
        notebook: the notebook that the cell is of.
        cell: the cell.
        part: what of it is shown.
        words: the words of the page's language.
        marks: what of its tables the page points at.
        anchor: the id of this place, if it gets one.

    Raises:
        IstiolabError: there is nothing to show of what is asked for, or nothing fits a mark.
    """
    parts: list[str] = []
    if part is not Part.OUTPUT:
        parts.append(_code(notebook, cell, anchor))
    if part is not Part.CODE:
        parts.append(_outputs(notebook, cell, words, marks, None if parts else anchor))
    return "\n\n".join(parts)


def shows_output(cell: Cell) -> bool:
    """Return whether a reader would see something of what a cell put out."""
    return any(_is_seen(output) for output in cell.outputs)


def demand_no_html(notebook: Notebook, cell: Cell) -> None:
    """Demand that a cell's outputs may stand indented, in a note, a tab or a list.

    Raises:
        IstiolabError: there is HTML in them.
    """
    if any(_html(output) for output in cell.outputs):
        # Indented, it would be text to Markdown, which would read `*`, `_` and `|` in it.
        raise IstiolabError(
            f"{cell.label} of `{notebook.path.name}` has HTML in its outputs, which cannot "
            "stand indented",
            where=("un-indent it, or ask for its `code` alone",),
        )


def demand_no_failure(notebook: Notebook) -> None:
    """Demand that no cell of the notebook ended with an error that it was not meant to end with.

    Raises:
        IstiolabError: one did.
    """
    failed = [
        cell.label
        for cell in notebook.cells
        if RAISES not in cell.tags and any(output.kind == "error" for output in cell.outputs)
    ]
    if failed:
        raise IstiolabError(
            f"`{notebook.path.name}` was left with an error in its outputs", where=tuple(failed)
        )


def _code(notebook: Notebook, cell: Cell, anchor: str | None) -> str:
    if cell.kind != "code" or not cell.source.strip():
        raise IstiolabError(f"{cell.label} of `{notebook.path.name}` has no code")
    title = f"{notebook.path.stem} · {cell.called}"
    head = f'{{ .python #{anchor} title="{title}" }}' if anchor else f'python title="{title}"'
    return _fenced(cell.source.rstrip(), head)


def _outputs(
    notebook: Notebook, cell: Cell, words: Words, marks: tuple[Mark, ...], anchor: str | None
) -> str:
    shown = [
        part
        for is_stream, group in groupby(cell.outputs, key=lambda output: output.kind == "stream")
        for part in _group(list(group), is_stream=is_stream)
        if _is_seen(part)
    ]
    if not shown:
        raise IstiolabError(
            f"{cell.label} of `{notebook.path.name}` has no output",
            where=("execute the notebook, or ask for its `code` alone",),
        )
    label = words.cell_output.format(cell=cell.called)
    drawn = [
        _output(each, label, words, marks=marks, anchor=None if index else anchor)
        for index, each in enumerate(shown)
    ]
    fitted = {mark for _, found in drawn for mark in found}
    if lacking := [str(mark) for mark in marks if mark not in fitted]:
        raise IstiolabError(
            f"{cell.label} of `{notebook.path.name}` has no cell in a table that is to be marked",
            where=tuple(lacking),
        )
    return "\n\n".join(text for text, _ in drawn)


def _group(outputs: list[Output], *, is_stream: bool) -> list[Output]:
    """Join what the cell printed in pieces."""
    if not is_stream:
        return outputs
    text = "".join(output.text for output in outputs)
    return [Output(kind="stream", text=text, html=None, markdown=None)]


def _html(output: Output) -> str | None:
    """Return what of an output is shown as HTML, maybe nothing; None: it is shown as text."""
    if output.html:
        return clean_html(output.html)
    if output.markdown:
        # Made into HTML here: the page's own Markdown would take any HTML and script in it.
        return clean_html(markdown(output.markdown, extensions=["tables", "fenced_code"]))
    return None


def _is_seen(output: Output) -> bool:
    html = _html(output)
    text = output.text if html is None else _TAG.sub("", html)
    return bool(text.strip())


def _output(
    output: Output, label: str, words: Words, *, marks: tuple[Mark, ...], anchor: str | None
) -> tuple[str, frozenset[Mark]]:
    html = _html(output)
    if html is not None:
        html, fitted = mark_cells(html, marks)
        fold = fold_table(html, words)
        return frame(html, label, anchor=anchor, fold=fold, markdown=False), fitted
    text = output.text.strip("\n")
    fold = fold_text(text, words)
    shown = frame(_fenced(text, "text"), label, anchor=anchor, fold=fold, markdown=True)
    return shown, frozenset()


def _fenced(text: str, info: str) -> str:
    longest = max((len(found) for found in _BACKTICKS.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{info}\n{text}\n{fence}"
