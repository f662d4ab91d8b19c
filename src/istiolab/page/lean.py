"""A page's HTML in, the same without the marks in its code that nobody reads by out.

Every name, gap, bracket and dot in a block of code has an element of its own from Pygments: most
of the elements of a page that is mostly code. Names and gaps have the colour of the text around
them anyway; brackets and operators are a shade paler in Material, and get the text's as well.
"""

from __future__ import annotations

import re

# Of what Pygments tells apart: names, white space, operators, punctuation.
_PLAIN = re.compile(r'<span class="(?:n|w|o|p|p p-Indicator)">([^<]*)</span>|<span></span>')


def drop_plain_marks(html: str) -> str:
    """Return `html` without the elements of code that need no colour of their own."""
    return _PLAIN.sub(lambda found: found[1] or "", html)
