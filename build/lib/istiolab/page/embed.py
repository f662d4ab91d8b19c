"""A cell of an executed notebook in, Markdown for a page out: its code and what it put out.

Rule 1: nothing is shown that the file does not hold; an output that is asked for must be there.
Rule 2: both languages get the same code and the same outputs; only the labels differ.
Rule 3: of HTML, also of what a notebook's Markdown becomes, only what `clean` lets pass is shown.
"""

from __future__ import annotations

import re
from html import escape
from itertools import groupby

from markdown import markdown  # type: ignore[import-untyped]

from istiolab.errors import IstiolabError
from istiolab.notebook.cells import RAISES, Cell, Notebook, Output
from istiolab.page.clean import clean_html, count_rows
from istiolab.page.directives import Part
from istiolab.page.words import Words

FOLD_TEXT_LINES = 25
FOLD_TABLE_ROWS = 40
_TAG = re.compile(r"<[^>]*>")
_BACKTICKS = re.compile(r"`{3,}")


def render_cell(
    notebook: Notebook, cell: Cell, *, part: Part, words: Words, indented: bool = False
) -> str:
    """Return the Markdown of a cell.

    Args:
        notebook: the notebook that the cell is of.
        cell: the cell.
        part: what of it is shown.
        words: the words of the page's language.
        indented: whether it is put in a note, a tab or a list.

    Raises:
        IstiolabError: there is nothing to show of what is asked for, or not where it is put.
    """
    parts: list[str] = []
    if part is not Part.OUTPUT:
        parts.append(_code(notebook, cell))
    if part is not Part.CODE:
        if indented and any(_html(output) for output in cell.outputs):
            # Indented, it would be text to Markdown, which would read `*`, `_` and `|` in it.
            raise IstiolabError(
                f"{cell.label} of `{notebook.path.name}` has HTML in its outputs, which cannot "
                "stand indented",
                where=("un-indent it, or ask for its `code` alone",),
            )
        parts.append(_outputs(notebook, cell, words))
    return "\n\n".join(parts)


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


def _code(notebook: Notebook, cell: Cell) -> str:
    if cell.kind != "code" or not cell.source.strip():
        raise IstiolabError(f"{cell.label} of `{notebook.path.name}` has no code")
    title = f"{notebook.path.stem} · {cell.name}"
    return _fenced(cell.source.rstrip(), f'python title="{title}"')


def _outputs(notebook: Notebook, cell: Cell, words: Words) -> str:
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
    label = words.cell_output.format(cell=cell.name)
    return "\n\n".join(_output(each, label, words) for each in shown)


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


def _output(output: Output, label: str, words: Words) -> str:
    html = _html(output)
    if html is not None:
        rows = count_rows(html)
        head = words.folded_table.format(count=rows) if rows > FOLD_TABLE_ROWS else None
        return _folded(_region(html, label, markdown=False), head)
    text = output.text.strip("\n")
    lines = text.count("\n") + 1
    head = words.folded_text.format(count=lines) if lines > FOLD_TEXT_LINES else None
    return _folded(_region(_fenced(text, "text"), label, markdown=True), head)


def _region(body: str, label: str, *, markdown: bool) -> str:
    # A region that scrolls must be reachable by keyboard (WCAG 2.1.1), hence the tabindex.
    opening = f'<div class="cell-output" role="region" tabindex="0" aria-label="{escape(label)}"'
    if not markdown:
        return f"{opening}>{body}</div>"
    return f'{opening} markdown="1">\n\n{body}\n\n</div>'


def _folded(body: str, head: str | None) -> str:
    if head is None:
        return body
    return (
        f'<details class="cell-folded" markdown="1"><summary>{escape(head)}</summary>'
        f"\n\n{body}\n\n</details>"
    )


def _fenced(text: str, info: str) -> str:
    longest = max((len(found) for found in _BACKTICKS.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{info}\n{text}\n{fence}"
