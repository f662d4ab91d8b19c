r"""Text in; what stands in it escaped sign by sign, as URLs, JSON and HTML do, out, by its place.

Which signs are escaped, in which case and how, is up to who writes: Go's JSON writes `\u0026` for
`&`, its HTML `&#39;` for `'`, some write `%2f` and some leave `/` alone. So signs are read, not
written in all the ways that there are.
"""

from __future__ import annotations

import html
import re

from istiolab.notebook.encoded import Find
from istiolab.notebook.spans import Span

_HEX = "[0-9a-fA-F]"
# Of backslashes there are the more, the more texts in JSON or strings of Python are around a sign;
# the bound keeps a long row of them from being looked at again and again.
_SLASHES = r"\\{1,16}"
# RFC 3986 §2.1 and Python's bytes: several bytes may be one sign (RFC 3629 §3). RFC 8259 §7: so may
# two `\\u`, the first from D800 up to DBFF. HTML §13.5 has no name that is longer.
_ESCAPED = re.compile(
    rf"%[0-7]{_HEX}|(?P<percent>(?:%[89a-fA-F]{_HEX})+)"
    rf"|{_SLASHES}(?:x[0-7]{_HEX}|u(?P<high>[dD][89abAB]{_HEX}{{2}}){_SLASHES}u"
    rf"(?P<low>[dD][c-fC-F]{_HEX}{{2}})|u{_HEX}{{4}})"
    rf"|(?P<bytes>(?:{_SLASHES}x[89a-fA-F]{_HEX})+)"
    rf"|&(?:\#[0-9]{{1,7}}|\#[xX]{_HEX}{{1,6}}|[a-zA-Z]{{2,31}});"
)
_NO_DIGITS = re.compile(r"%|\\+x")
# A text that is escaped within one that is.
_DEPTH = 3


def readings(text: str, *, depth: int = _DEPTH) -> list[str]:
    """Return what becomes of a text as `behind_escapes` reads it again and again."""
    plain = _ESCAPED.sub(_read, text)
    return [plain, *readings(plain, depth=depth - 1)] if depth and plain != text else []


def behind_escapes(text: str, find: Find, *, depth: int = _DEPTH) -> list[Span]:
    """Return what `find` finds in `text` once its signs are no longer escaped.

    Args:
        text: any text.
        find: tells what is in a text.
        depth: how often escapes within escapes are read.
    """
    plain = _ESCAPED.sub(_read, text) if depth else text
    if plain == text:
        return []
    found = [*find(plain), *behind_escapes(plain, find, depth=depth - 1)]
    places = _places(text) if found else []
    return [Span(places[each.start][0], places[each.end - 1][1], each.kind) for each in found]


def _places(text: str) -> list[tuple[int, int]]:
    """Return where in a text each sign stands that it has once it is read."""
    places: list[tuple[int, int]] = []
    done = 0
    for each in _ESCAPED.finditer(text):
        start, end = each.span()
        places += zip(range(done, start), range(done + 1, start + 1), strict=True)
        places += [(start, end)] * len(_read(each))
        done = end
    places += zip(range(done, len(text)), range(done + 1, len(text) + 1), strict=True)
    return places


def _read(escaped: re.Match[str]) -> str:
    text = escaped[0]
    if text.startswith("&"):
        return html.unescape(text)
    if escaped["percent"] or escaped["bytes"]:
        return bytes.fromhex(_NO_DIGITS.sub("", text)).decode(errors="replace")
    if escaped["high"]:
        return bytes.fromhex(escaped["high"] + escaped["low"]).decode("utf-16-be")
    return chr(int(text.lstrip("\\%xu"), 16))
