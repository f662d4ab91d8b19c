"""HTML of a page's directives in; marks that stand for it while Markdown is rendered out.

Code and outputs may look like anything: like Markdown, like a snippet to be included, like a
definition, like a directive. None of it is read, since a page's Markdown never holds it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# Of Unicode's private use area, so that no text has them by chance.
_MARK = "\ue0ab{}\ue0ac"
_PARAGRAPH = re.compile("<p>\ue0ab([0-9]+)\ue0ac</p>")
_LEFT = re.compile("\ue0ab([0-9]+)\ue0ac")


@dataclass(slots=True)
class Placeholders:
    """The HTML that a page's directives become."""

    _held: list[str] = field(default_factory=list)

    def hold(self, html: str) -> str:
        """Return what stands for `html` in the page's Markdown: a paragraph of its own."""
        self._held.append(html)
        return _MARK.format(len(self._held) - 1)

    def fill(self, page: str) -> tuple[str, int]:
        """Return the page's HTML with what was held, and how many did not find their place.

        A directive that Markdown takes for code, since it is indented below nothing, has none.
        """
        filled = _PARAGRAPH.sub(lambda found: self._held[int(found[1])], page)
        return filled, len(_LEFT.findall(_PARAGRAPH.sub("", page)))
