"""HTML in, what a reader sees of it out: tables as rows of cells, and the text around them.

Rule 1: what pages leave out of HTML (`page/clean.py`: programs and styles) is nothing to compare.
Rule 2: where a link leads, and what a tooltip says, is seen, too: it stands in brackets.
Rule 3: a line ends where a browser ends it; in `pre` every blank counts, elsewhere a run is one.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

Rows = tuple[tuple[str, ...], ...]
"""A table, its head first."""

_PROGRAMS = frozenset({"script", "style"})
_PARTS = {"article", "div", "footer", "form", "header", "hr", "main", "nav", "section"}
_TEXTS = {"blockquote", "br", "figcaption", "figure", "p", "pre", "details", "summary"}
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_LISTS = {"dd", "dl", "dt", "li", "ol", "ul"}
_TABLES = {"caption", "table", "tr"}
_BLOCKS = frozenset(_PARTS | _TEXTS | _HEADINGS | _LISTS | _TABLES)
_SEEN = frozenset({"alt", "href", "src", "title"})
# What HTML calls white space, which a no-break space is not.
_BLANKS = re.compile(r"[ \t\r\n\f]+")


def read_html(html: str) -> tuple[Rows | str, ...]:
    """Return the tables of HTML, and the text before, between and after them."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.result()


class LenientParser(HTMLParser):
    """A parser that takes `<![` for the beginning of a comment, as browsers do.

    Python's own raises AssertionError there (https://html.spec.whatwg.org/#bogus-comment-state).
    """

    def parse_marked_section(self, i: int, report: bool = True) -> int:  # noqa: FBT001, FBT002
        """Pass over a marked section, which HTML does not have."""
        return self.parse_bogus_comment(i, report)


class _Reader(LenientParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[list[list[str]] | str] = []
        self._text: list[str] = []
        """Pieces of the text that is being read, none of them empty."""
        self._rows: list[list[str]] = []
        self._in_cell = self._hidden = False
        self._pre = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden = tag in _PROGRAMS
        self._break(tag)
        self._pre += tag == "pre"
        if tag == "table":
            self._end_text()
            self._rows = []
            self._parts.append(self._rows)
            self._in_cell = False
        elif tag == "tr":
            self._rows.append([])
            self._in_cell = False
        elif tag in ("td", "th") and self._rows:
            self._rows[-1].append("")
            self._in_cell = True
        for name, value in attrs:
            if name in _SEEN and value:
                self.handle_data(f" [{name}: {value}] ")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False
        self._break(tag)
        self._pre = max(0, self._pre - (tag == "pre"))
        if tag in ("td", "th"):
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        if self._in_cell:
            self._rows[-1][-1] += data
            return
        if not self._pre:
            data = _BLANKS.sub(" ", data)
            if not self._text or self._text[-1].endswith(("\n", " ")):
                data = data.lstrip(" ")
        if data:
            self._text.append(data)

    def _break(self, tag: str) -> None:
        if tag not in _BLOCKS:
            return
        if self._in_cell:
            self._rows[-1][-1] += " "
        elif tag == "br" or (self._text and not self._text[-1].endswith("\n")):
            self._text.append("\n")

    def _end_text(self) -> None:
        text = "".join(self._text).strip("\n")
        if text.strip():
            self._parts.append(text)
        self._text = []

    def result(self) -> tuple[Rows | str, ...]:
        self._end_text()
        return tuple(
            part
            if isinstance(part, str)
            else tuple(tuple(cell.strip() for cell in row) for row in part)
            for part in self._parts
        )
