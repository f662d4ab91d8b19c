"""Links and images in a notebook's Markdown in, the same with their addresses on the site out.

A notebook names files as they lie beside it, and headings as Jupyter does; the site has pages.

Rule 1: whatever form a link has in Markdown or in HTML, it is read in what was rendered of it.
Rule 2: what leads nowhere on the site is named with its cell, never left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from bs4 import BeautifulSoup, Tag

from istiolab.notebook.cells import Cell

_CELL = "data-cell"
_ATTACHMENT = "attachment:"
_ELSEWHERE = frozenset({"data", "http", "https", "mailto", "tel"})
_LINKS = "[href], [src]"


def mark_links(body: Tag, cell: Cell) -> None:
    """Note at each link and image of a Markdown cell, as rendered, which cell it is of.

    What the cell has attached is put in its place.
    """
    for element in body.select(_LINKS):
        name, target = _target(element)
        if target.startswith(_ATTACHMENT):
            attached = cell.attachments.get(target.removeprefix(_ATTACHMENT))
            element[name] = data_url(attached) if attached else target
        if _is_here(str(element[name])):
            element[_CELL] = cell.label


def fit_links(
    html: str, address: Callable[[str], str | None]
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return a page with the addresses of the marked links, and those that lead nowhere.

    Args:
        html: the page of a notebook.
        address: returns where a link leads to on the site; None: nowhere.

    Returns:
        The page; and for each link that leads nowhere, its cell and what the notebook says.
    """
    if _CELL not in html:
        return html, ()
    soup = BeautifulSoup(html, "html.parser")
    lost = []
    for element in soup.select(f"[{_CELL}]"):
        name, target = _target(element)
        cell = str(element.attrs.pop(_CELL))
        found = address(target)
        if found is None:
            lost.append((cell, target))
        else:
            element[name] = found
    return str(soup), tuple(lost)


def data_url(attached: Mapping[str, Any]) -> str:
    """Return an attachment as an address that holds it."""
    media_type, content = next(iter(sorted(attached.items())))
    return f"data:{media_type};base64,{content}"


def _target(element: Tag) -> tuple[str, str]:
    name = "href" if element.has_attr("href") else "src"
    return name, str(element[name]).strip()


def _is_here(target: str) -> bool:
    parts = urlsplit(target)
    return not parts.netloc and parts.scheme not in _ELSEWHERE and target not in {"", "#"}
