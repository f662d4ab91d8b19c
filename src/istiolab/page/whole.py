"""A notebook and its Markdown as mkdocs-jupyter renders it in, its page in the site's look out.

mkdocs-jupyter's HTML is made for a page of its own: 575 kB of CSS and a script from elsewhere in
each, headings without an id where none of their letters is ASCII, classes that are not the site's.

Rule 1: every cell of the notebook is there, in its order; Markdown is found by its id in that HTML,
code and outputs are shown as on a chapter's page.
Rule 2: a raw cell is shown as nbformat says: it is meant for any form of the notebook, or for the
one that its format names. The head of a file that a raw cell may hold is for programs.
Rule 3: a block of code in a Markdown cell needs a reason, as on any page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import Any

from bs4 import BeautifulSoup, Tag
from markdown.extensions.toc import unique  # type: ignore[import-untyped]
from nbconvert.filters.markdown_mistune import (
    InvalidNotebook,
    IPythonRenderer,
    MarkdownWithMath,
)
from pymdownx.slugs import slugify

from istiolab.errors import IstiolabError
from istiolab.notebook.cells import Cell, Notebook, Output
from istiolab.page.clean import clean_html
from istiolab.page.coverage import check_code
from istiolab.page.diagram import check_diagrams
from istiolab.page.directives import Part, Problem
from istiolab.page.embed import render_cell, shows_output
from istiolab.page.links import mark_links
from istiolab.page.outline import split_front_matter
from istiolab.page.words import Words

LANGUAGE = "en"
"""The language that notebooks are written in."""
_CELL_ID = "cell-id="
_HEADING = re.compile(r"^h[1-6]$")
_PICTURE = re.compile(r"<(?:img|svg|canvas|iframe)\b", re.IGNORECASE)
_slug = slugify(case="lower")


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """The page of a notebook."""

    html: str
    """Its text."""
    headings: tuple[dict[str, Any], ...]
    """Its headings in order, with `level`, `id` and `name`, as Python-Markdown lists them."""
    problems: tuple[Problem, ...]
    """The code in its Markdown that no cell ran; lines are counted from the top of each cell."""


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
        IstiolabError: a Markdown cell is not in the HTML, or an output cannot be shown.
    """
    soup = BeautifulSoup(html, "html.parser")
    rendered = {
        str(each["id"]).removeprefix(_CELL_ID): each for each in soup.select(".jp-Cell[id]")
    }
    page = _Page(notebook=notebook, words=words, link_title=link_title)
    cells = (page.cell(cell, rendered.get(cell.id)) for cell in notebook.cells)
    parts = [part for part in cells if part]
    head, rest = parts[:1], parts[1:]
    text = "\n".join([*_said(head), above, *_said(rest)])
    return Whole(html=text, headings=tuple(page.headings), problems=tuple(page.problems))


def check_notebook(notebook: Notebook, *, page: str) -> tuple[Problem, ...]:
    """Return the diagrams in a notebook's Markdown that have no words.

    Lines are counted from the top of each cell.
    """
    return tuple(
        each
        for cell in notebook.cells
        if cell.kind == "markdown"
        for each in check_diagrams(cell.source, page=f"{page}: {cell.label}", language=LANGUAGE)
    )


def lacking_attachments(notebook: Notebook) -> tuple[str, ...]:
    """Return the images in a notebook's Markdown that name an attachment which is not there."""
    lacking = []
    for cell in notebook.cells:
        if cell.kind == "markdown" and "attachment:" in cell.source:
            renderer = IPythonRenderer(escape=False, attachments=dict(cell.attachments))
            try:
                MarkdownWithMath(renderer=renderer).render(cell.source)
            except InvalidNotebook as wrong:
                lacking.append(f"{cell.label} of `{notebook.path.name}`: {wrong}")
    return tuple(lacking)


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
        self.problems: list[Problem] = []
        """The code so far that no cell ran."""

    def cell(self, cell: Cell, found: Tag | None) -> str:
        """Return a cell; nothing, if there is nothing to see of it."""
        if cell.kind == "raw":
            return self._raw(cell)
        if cell.kind == "markdown":
            return self._said(cell, found)
        if not cell.source.strip():
            return ""
        if any(_is_picture(output) for output in cell.outputs):
            raise IstiolabError(
                f"{cell.label} of `{self._notebook.path.name}` put out a picture",
                where=("show it as a table or as text",),
            )
        part = Part.BOTH if shows_output(cell) else Part.CODE
        body = render_cell(self._notebook, cell, part=part, words=self._words)
        return f'<div id="{escape(anchor(cell))}" class="cell">{body}</div>'

    def _said(self, cell: Cell, found: Tag | None) -> str:
        body = found.select_one(".jp-RenderedMarkdown") if found else None
        if body is None:
            raise IstiolabError(f"{cell.label} of `{self._notebook.path.name}` was not rendered")
        for heading in body.find_all(_HEADING):
            self._entitle(heading)
        mark_links(body, cell)
        self._demand_reasons(body.decode_contents(), cell)
        # What the site's script draws looks so in every page.
        for drawing in body.select(".jp-Mermaid"):
            drawn = f'<pre class="mermaid"><code>{escape(drawing.get_text())}</code></pre>'
            drawing.replace_with(BeautifulSoup(drawn, "html.parser"))
        return body.decode_contents().strip()

    def _raw(self, cell: Cell) -> str:
        if cell.format not in {"", "text/html"}:
            return ""
        _, body = split_front_matter(f"{cell.source}\n")
        self._demand_reasons(body, cell)
        return clean_html(body)

    def _demand_reasons(self, html: str, cell: Cell) -> None:
        place = f"{self._notebook.path.parent.name}/{self._notebook.path.name}: {cell.label}"
        self.problems += check_code(html, source=cell.source, page=place)[1]

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


def _said(parts: list[str]) -> list[str]:
    # A screen reader is to read English as English, also on the page in another language.
    return [f'<div lang="{LANGUAGE}">', *parts, "</div>"] if parts else []


def _is_picture(output: Output) -> bool:
    given = any(name.startswith("image/") for name in output.others)
    return given or bool(_PICTURE.search(output.html or ""))
