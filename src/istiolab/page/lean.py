"""A page's HTML in, the same without the marks in its code that change nothing to look at out.

Every name and every gap in a block of code has an element of its own from Pygments, in the colour
of the text around it: a tenth of a page that is mostly code.
"""

from __future__ import annotations

import re

# Of what Pygments tells apart: names, and white space.
_PLAIN = re.compile(r'<span class="(?:n|w)">([^<]*)</span>|<span></span>')


def drop_plain_marks(html: str) -> str:
    """Return `html` without the elements of code that Material gives no colour of their own."""
    return _PLAIN.sub(lambda found: found[1] or "", html)
