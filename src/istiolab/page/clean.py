"""HTML that a cell put out in, HTML that may stand on a page out.

Rule 1: only what is listed here passes: no script, no style, no event handler, no image.
Rule 2: the result is one line, so that Markdown takes it as one block and changes nothing in it.
"""

from __future__ import annotations

from html import escape

from istiolab.verdict.markup import LenientParser

_BLOCKS = {"details", "div", "figcaption", "figure", "p", "pre", "summary"}
_LISTS = {"dd", "dl", "dt", "li", "ol", "ul"}
_TABLES = {"caption", "col", "colgroup", "table", "tbody", "td", "tfoot", "th", "thead", "tr"}
_WORDS = {"a", "abbr", "b", "br", "em", "i", "s", "small", "span", "strong", "sub", "sup", "u"}
_PROGRAM_WORDS = {"code", "kbd", "samp", "var"}
_TAGS = frozenset(_BLOCKS | _LISTS | _TABLES | _WORDS | _PROGRAM_WORDS)
_VOID = frozenset({"br", "col"})
# Their text is program, not something to read.
_DROPPED = frozenset({"script", "style", "template", "title"})
_ATTRIBUTES = frozenset({"colspan", "rowspan", "scope", "title", "href", "open", "lang"})
_SAFE_LINKS = ("https://", "http://", "#")


def clean_html(html: str) -> str:
    """Return `html` with only harmless elements and attributes, balanced, on one line."""
    cleaner = _Cleaner()
    cleaner.feed(html)
    cleaner.close()
    return cleaner.result()


def count_rows(html: str) -> int:
    """Return how many table rows there are in `html`, those of the head left out."""
    counter = _RowCounter()
    counter.feed(html)
    counter.close()
    return counter.rows


class _Cleaner(LenientParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._open: list[str] = []
        self._dropping = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED:
            self._dropping += 1
        elif tag in _TAGS and not self._dropping:
            self._parts.append(f"<{tag}{''.join(_attribute(*each) for each in attrs)}>")
            if tag not in _VOID:
                self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _DROPPED:
            self._dropping = max(0, self._dropping - 1)
        elif tag in self._open and not self._dropping:
            while (last := self._open.pop()) != tag:
                self._parts.append(f"</{last}>")
            self._parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._dropping:
            # Markdown takes a carriage return for the end of a line, too.
            text = escape(data, quote=False).replace("\r\n", "\n").replace("\r", "\n")
            self._parts.append(text.replace("\n", "&#10;" if "pre" in self._open else " "))

    def result(self) -> str:
        return "".join([*self._parts, *(f"</{tag}>" for tag in reversed(self._open))]).strip()


class _RowCounter(LenientParser):
    def __init__(self) -> None:
        super().__init__()
        self.rows = 0
        self._in_head = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag == "thead":
            self._in_head = True
        if tag == "tr" and not self._in_head:
            self.rows += 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "thead":
            self._in_head = False


def _attribute(name: str, value: str | None) -> str:
    if name not in _ATTRIBUTES:
        return ""
    if name == "href" and not (value or "").lower().startswith(_SAFE_LINKS):
        return ""
    flat = " ".join((value or "").split())
    return f' {name}="{escape(flat)}"'
