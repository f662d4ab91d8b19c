"""A notebook as mkdocs-jupyter renders it in, its page in the site's look out.

mkdocs-jupyter's HTML is made for a page of its own: 575 kB of CSS and a script from elsewhere in
each, headings without an id where none of their letters is ASCII, classes that are not the site's.

Rule 1: every cell of the notebook is there, in its order, found by its id in that HTML.
Rule 2: of HTML that a cell put out, only what `clean` lets pass is shown, and bounded as on a
chapter's page.
Rule 3: a block of code in a Markdown cell needs a reason, as on any page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import Any

from bs4 import BeautifulSoup, Tag
from markdown.extensions.toc import unique  # type: ignore[import-untyped]
from pymdownx.slugs import slugify

from istiolab.errors import IstiolabError
from istiolab.notebook.cells import Cell, Notebook
from istiolab.page.clean import clean_html
from istiolab.page.coverage import check_blocks, in_order
from istiolab.page.diagram import check_diagrams
from istiolab.page.directives import Problem
from istiolab.page.frame import fold_table, fold_text, frame
from istiolab.page.words import Words

LANGUAGE = "en"
"""The language that notebooks are written in."""
_CELL_ID = "cell-id="
_HEADING = re.compile(r"^h[1-6]$")
_slug = slugify(case="lower")


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """The page of a notebook."""

    html: str
    """Its text."""
    headings: tuple[dict[str, Any], ...]
    """Its headings in order, with `level`, `id` and `name`, as Python-Markdown lists them."""


def fit_notebook(
    html: str, notebook: Notebook, *, words: Words, above: str = "", link_title: str = ""
) -> Whole:
    """Return a notebook's page, made from what mkdocs-jupyter made of the notebook.

    Args:
        html: mkdocs-jupyter's HTML of the notebook.
        notebook: the notebook.
        words: the words of the site's language.
        above: HTML that stands below the notebook's first cell, which is its head: its stamp.
        link_title: what the link beside a heading says.

    Raises:
        IstiolabError: a cell is not in the HTML, or an output cannot be shown.
    """
    soup = BeautifulSoup(html, "html.parser")
    rendered = {
        str(each["id"]).removeprefix(_CELL_ID): each for each in soup.select(".jp-Cell[id]")
    }
    page = _Page(notebook=notebook, words=words, link_title=link_title)
    parts = []
    for cell in notebook.cells:
        if cell.id not in rendered:
            raise IstiolabError(f"{cell.label} of `{notebook.path.name}` was not rendered")
        parts.append(page.cell(cell, rendered[cell.id]))
    head, rest = parts[:1], parts[1:]
    text = "\n".join([*_said(head), above, *_said(rest)])
    return Whole(html=text, headings=tuple(page.headings))


def check_notebook(notebook: Notebook, *, page: str) -> tuple[Problem, ...]:
    """Return the code in a notebook's Markdown that no cell ran, and its diagrams without words.

    Lines are counted from the top of each cell.
    """
    return tuple(
        each
        for cell in notebook.cells
        if cell.kind == "markdown"
        for place in (f"{page}: {cell.label}",)
        for each in in_order(
            check_blocks(cell.source, page=place)[1],
            check_diagrams(cell.source, page=place, language=LANGUAGE),
        )
    )


def anchor(cell: Cell) -> str:
    """Return the id of a cell on the page of its notebook."""
    return f"cell-{cell.called}"


class _Page:
    """What is to be known of the cells before, to go on with the next."""

    def __init__(self, *, notebook: Notebook, words: Words, link_title: str) -> None:
        self._notebook = notebook
        self._words = words
        self._link_title = link_title
        self._ids = {anchor(cell) for cell in notebook.cells}
        self.headings: list[dict[str, Any]] = []
        """The headings so far."""

    def cell(self, cell: Cell, found: Tag) -> str:
        """Return a cell."""
        if cell.kind == "markdown":
            return self._said(found)
        if not cell.source.strip():
            return ""
        title = f"{self._notebook.path.stem} · {cell.called}"
        body = _code(found, title) + self._outputs(cell, found)
        return f'<div id="{escape(anchor(cell))}" class="cell">{body}</div>'

    def _said(self, found: Tag) -> str:
        body = found.select_one(".jp-RenderedMarkdown")
        if body is None:
            return ""
        for heading in body.find_all(_HEADING):
            self._entitle(heading)
        # What the site's script draws looks so in every page.
        for drawing in body.select(".jp-Mermaid"):
            drawn = f'<pre class="mermaid"><code>{escape(drawing.get_text())}</code></pre>'
            drawing.replace_with(BeautifulSoup(drawn, "html.parser"))
        return body.decode_contents().strip()

    def _entitle(self, heading: Tag) -> None:
        for link in heading.select(".anchor-link"):
            link.decompose()
        name = heading.get_text().strip()
        place = unique(_slug(name, "-"), self._ids)
        heading["id"] = place
        self.headings.append({"level": int(heading.name[1]), "id": place, "name": escape(name)})
        permanent = (
            f'<a class="headerlink" href="#{place}" title="{escape(self._link_title)}">¶</a>'
        )
        heading.append(BeautifulSoup(permanent, "html.parser"))

    def _outputs(self, cell: Cell, found: Tag) -> str:
        label = self._words.cell_output.format(cell=cell.called)
        return "".join(
            self._output(cell, label, output) for output in found.select(".jp-OutputArea-output")
        )

    def _output(self, cell: Cell, label: str, output: Tag) -> str:
        if output.find(["img", "svg", "canvas", "iframe"]):
            raise IstiolabError(
                f"{cell.label} of `{self._notebook.path.name}` put out a picture",
                where=("show it as a table or as text",),
            )
        text = output.get_text().strip("\n")
        if not text.strip():
            return ""
        if "jp-RenderedText" in (output.get("class") or ()):
            code = f"<pre><code>{escape(text)}\n</code></pre>"
            body = f'<div class="language-text highlight">{code}</div>'
            fold = fold_text(text, self._words)
        else:
            body = clean_html(output.decode_contents())
            fold = fold_table(body, self._words)
        return frame(body, label, fold=fold, markdown=False)


def _said(parts: list[str]) -> list[str]:
    # A screen reader is to read English as English, also on the page in another language.
    return [f'<div lang="{LANGUAGE}">', *parts, "</div>"] if parts else []


def _code(found: Tag, title: str) -> str:
    code = found.select_one(".jp-InputArea-editor pre")
    coloured = code.decode_contents().removeprefix("<span></span>") if code else ""
    return (
        f'<div class="language-python highlight"><span class="filename">{escape(title)}</span>'
        f"<pre><code>{coloured}</code></pre></div>"
    )
