"""What a cell put out in, the same within what bounds and folds it on a page out."""

from __future__ import annotations

from html import escape

from istiolab.page.clean import count_rows
from istiolab.page.words import Words

FOLD_TEXT_LINES = 25
FOLD_TABLE_ROWS = 40


def frame(body: str, label: str, *, anchor: str | None = None, fold: str | None) -> str:
    """Return an output in a region that scrolls, folded if it is long.

    Args:
        body: the output, as HTML.
        label: what a screen reader calls the region.
        anchor: the region's id, if it gets one.
        fold: what stands on the folded region; None: it is not folded.
    """
    # A region that scrolls must be reachable by keyboard (WCAG 2.1.1), hence the tabindex.
    place = f' id="{escape(anchor)}"' if anchor else ""
    named = f'role="region" tabindex="0" aria-label="{escape(label)}"'
    region = f'<div class="cell-output"{place} {named}>{body}</div>'
    if fold is None:
        return region
    return f'<details class="cell-folded"><summary>{escape(fold)}</summary>\n{region}</details>'


def fold_table(html: str, words: Words) -> str | None:
    """Return what stands on a table that is to be folded; None: it is short."""
    rows = count_rows(html)
    return words.folded_table.format(count=rows) if rows > FOLD_TABLE_ROWS else None


def fold_text(text: str, words: Words) -> str | None:
    """Return what stands on a text that is to be folded; None: it is short."""
    lines = text.count("\n") + 1
    return words.folded_text.format(count=lines) if lines > FOLD_TEXT_LINES else None
