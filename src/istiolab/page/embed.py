"""A cell of an executed notebook in, HTML for a page out: its code and what it put out.

Rule 1: nothing is shown that the file does not hold; an output that is asked for must be there.
Rule 2: both languages get the same code and the same outputs; only the labels differ.
Rule 3: of HTML, also of what a notebook's Markdown becomes, only what `clean` lets pass is shown.
Rule 4: the result never passes through a page's Markdown, to which code and output could look like
syntax (`placeholders`).
"""

from __future__ import annotations

import re
from html import escape
from itertools import groupby

from markdown import markdown  # type: ignore[import-untyped]
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from istiolab.errors import IstiolabError
from istiolab.notebook.cells import RAISES, Cell, Notebook, Output
from istiolab.page.clean import clean_html
from istiolab.page.directives import Part
from istiolab.page.frame import fold_table, fold_text, frame
from istiolab.page.marks import Mark, mark_cells
from istiolab.page.words import Words

_TAG = re.compile(r"<[^>]*>")
_FORMATTER = HtmlFormatter(nowrap=True)


def render_cell(
    notebook: Notebook,
    cell: Cell,
    *,
    part: Part,
    words: Words,
    marks: tuple[Mark, ...] = (),
    anchor: str | None = None,
) -> str:
    """Return the HTML of a cell.

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
    return "\n".join(parts)


def shows_output(cell: Cell) -> bool:
    """Return whether a reader would see something of what a cell put out."""
    return any(_is_seen(output) for output in cell.outputs)


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
    place = f' id="{escape(anchor)}"' if anchor else ""
    coloured = highlight(cell.source.rstrip(), PythonLexer(stripnl=False), _FORMATTER)
    return (
        f'<div{place} class="language-python highlight">'
        f'<span class="filename">{escape(title)}</span>'
        f"<pre><code>{coloured}</code></pre></div>"
    )


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
    return "\n".join(text for text, _ in drawn)


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
        return frame(html, label, anchor=anchor, fold=fold), fitted
    text = output.text.strip("\n")
    code = f"<pre><code>{escape(text)}\n</code></pre>"
    body = f'<div class="language-text highlight">{code}</div>'
    return frame(body, label, anchor=anchor, fold=fold_text(text, words)), frozenset()
