"""A page's lines out of fenced blocks in, where code is by its indentation alone out.

Rule 1: text of a note, a tab, a list or a definition is indented, and is no code.
Rule 2: where Python-Markdown's rules are odd, text is taken for code rather than code for text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from istiolab.page.lines import TAB, Line

_ITEM = re.compile(r"^(?:[*+-]|\d+\.) +(?=\S)")
_KINDS = r"[\w-]+(?: +[\w-]+)*"
# As the extensions admonition, pymdownx.details and pymdownx.tabbed read their first lines.
_BOX = re.compile(
    rf'^(?:!!! ?{_KINDS}(?: +".*?")?|\?{{3}}\+? ?{_KINDS}(?: +".*?")?|\?{{3}}\+? +".*?"'
    r'|={3}(?:\+!?|!\+?)? +".*?") *$'
)
_DEFINITION = re.compile(r"^: {1,3}\S")
# After these a new block begins without a blank line: headings, rules, HTML, references.
_ENDS = re.compile(
    r"^(?:#|(?:=+|-+) *$|(?:[-*_] *){3,}$|<.*> *$|\[[^\]^][^\]]*\]:|\*\[[^\]]+\]:|\[\^[^\]]+\]:)"
)
# After these a list may begin, too.
_SURELY_ENDS = re.compile(r"^(?:#|<!--.*--> *$)")
_QUOTE = re.compile(r"^ {0,3}> ?")


def find_indented(lines: Sequence[Line]) -> tuple[int, ...]:
    """Return the number of the first line of each indented block of code in a page."""
    texts = [
        _Text(number=each.number, text=each.text.expandtabs(TAB), fence=each.opens_fence)
        for each in lines
        if each.is_prose or each.opens_fence
    ]
    return tuple(_Margins().read(texts))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    """A line as the search for indented code sees it."""

    number: int
    text: str
    fence: bool
    """Whether it opens a fenced block."""

    @property
    def width(self) -> int:
        return len(self.text) - len(self.text.lstrip(" "))

    def within(self, margin: int) -> _Text:
        """Return the line as what begins at `margin` sees it."""
        text = self.text[min(self.width, margin) :]
        return _Text(number=self.number, text=text, fence=self.fence)

    def unquoted(self) -> _Text:
        """Return the line without the mark of a quote."""
        return _Text(number=self.number, text=_QUOTE.sub("", self.text), fence=self.fence)


@dataclass(slots=True)
class _Margins:
    """Where text stands that is no code, followed line by line."""

    inner: list[tuple[int, bool]] = field(default_factory=list)
    """Where the text of what is open begins, and whether it is a list's, outermost first."""
    begins: bool = True
    """Whether code may begin with the next line."""
    surely: bool = True
    """Whether a list or a note may begin with it."""
    in_list: bool = False
    """Whether the block that the last line is of began as a list."""
    term: int | None = None
    """Where the last line's text begins, if it is one that a definition may follow."""
    code: int | None = None
    """Where the indented code begins that the last line was."""

    def read(self, lines: Sequence[_Text]) -> Iterator[int]:
        """Yield the number of the first line of each indented block of code."""
        quoted: list[_Text] = []
        for line in lines:
            if quoted and not self._goes_on(line, quoted[0]):
                yield from self._unquote(quoted)
                quoted = []
            if quoted or _QUOTE.match(line.within(self._margin(line.width)).text):
                quoted.append(line)
            elif not line.text.strip():
                self.begins = self.surely = True
            elif self._is_code(line):
                yield from self._begin_code(line)
            else:
                self._pass_text(line, line.text.strip())
        yield from self._unquote(quoted)

    def _margin(self, width: int) -> int:
        return max((start for start, _ in self.inner if start <= width), default=0)

    def _goes_on(self, line: _Text, quote: _Text) -> bool:
        """Whether a line belongs to the quote above: until a blank line, with `>` or without."""
        margin = self._margin(line.width)
        here = line.within(margin)
        text = here.text.strip()
        ends = here.width < TAB and any(each.match(text) for each in (_ENDS, _BOX, _DEFINITION))
        return bool(text) and not ends and margin >= self._margin(quote.width)

    def _unquote(self, quoted: list[_Text]) -> Iterator[int]:
        if quoted:
            margin = self._margin(quoted[0].width)
            within = _Margins()
            yield from within.read([line.within(margin).unquoted() for line in quoted])
            self.inner = [each for each in self.inner if each[0] <= margin]
            self.begins, self.surely, self.in_list = within.begins, False, False
            self.term = self.code = None

    def _is_code(self, line: _Text) -> bool:
        if line.fence:
            return False
        if self.code is not None and line.width >= self.code:
            return True
        begins = self.begins or self.code is not None
        return begins and line.width >= self._margin(line.width) + TAB

    def _begin_code(self, line: _Text) -> Iterator[int]:
        if self.code is None or line.width < self.code:
            margin = self._margin(line.width)
            self.inner = [each for each in self.inner if each[0] <= margin]
            self.code = margin + TAB
            yield line.number
        self.term = None

    def _pass_text(self, line: _Text, text: str) -> None:
        begins = self.surely or self.code is not None
        looks_like_box = bool(_BOX.match(text))
        goes_on = not (begins or looks_like_box or _ENDS.match(text))
        self.inner = [each for each in self.inner if each[0] <= line.width or (each[1] and goes_on)]
        margin = self._margin(line.width)
        shift = line.width - margin
        opens = self._opens(text, margin, shift, begins=begins)
        if opens:
            start = line.width // TAB * TAB + TAB
            outer = (each for each in self.inner if each[0] < start)
            self.inner = [*outer, (start, bool(_ITEM.match(text)))]
        self.in_list = (opens and bool(_ITEM.match(text))) or (self.in_list and goes_on)
        self.code = None
        self.surely = shift == 0 and bool(_SURELY_ENDS.match(text) or (opens and looks_like_box))
        self.begins = bool(
            line.fence
            or looks_like_box
            or _ENDS.match(_ITEM.sub("", text))
            or (_DEFINITION.match(text) and not opens)
        )
        self.term = None if self.begins or _ITEM.match(text) else margin

    def _opens(self, text: str, margin: int, shift: int, *, begins: bool) -> bool:
        """Whether what is below a line, itself `shift` right of the margin, may belong to it."""
        if _BOX.match(text):
            return shift == 0 and (begins or not self.inner)
        if _ITEM.match(text):
            return shift < TAB and (begins or self.in_list)
        # Within a list, nothing more belongs to a definition than its first lines.
        may_define = self.term == margin and not any(is_list for _, is_list in self.inner)
        return shift < TAB and may_define and bool(_DEFINITION.match(text))
