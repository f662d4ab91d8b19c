"""Values in; how each may be written, and the pieces that a long one is known by, out.

Rule: what is in here is in no need of being read sign by sign; `escaped.py` does that.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from istiolab.notebook.escaped import readings

# A piece as long as this is that value's: 20 signs of base64 are 120 bits.
PIECE = 20
# Any piece holds a whole stride, wherever it begins.
_STRIDE = PIECE // 2
# So many hashes are told apart for each stride: the more, the fewer are looked at in vain.
_HASHES = 8
# What every private key shares with every public one: the algorithm's identifier, and the first
# bits of what follows it (RFC 5280 §4.1.2.7, RFC 5958 §2): RSA, and EC on P-256 and on P-384.
_ALGORITHMS = tuple(
    bytes.fromhex(each)
    for each in (
        "300d06092a864886f70d010101050003",
        "301306072a8648ce3d020106082a8648ce3d03010703",
        "301006072a8648ce3d020106052b8104002203",
    )
)
# What may stand between two pieces of a word that was wrapped; and backslashes, of which there are
# the more, the more texts in JSON or strings of Python are around a word.
_GAP = re.compile(r"(?:\\+[nrt]?|\s|<br\s*/?>|[\"'],?\s*b?[\"'])+")


class Pieces:
    """The pieces of long values, found wherever a text holds some."""

    def __init__(self, forms: Iterable[str], *, public: Iterable[str]) -> None:
        """Take the forms of what is secret, and the values that are public."""
        listed = [each for each in forms if len(each) >= PIECE]
        common = (each for algorithm in _ALGORITHMS for each in _base64_forms(algorithm))
        self._pieces = _cut(listed, PIECE) - _cut(all_forms((*public, *common)), PIECE)
        self._hashes = 1 + _HASHES * sum(map(len, listed))
        self._marked = bytearray(self._hashes)
        for form in listed:
            for place in range(len(form) - _STRIDE + 1):
                self._marked[hash(form[place : place + _STRIDE]) % self._hashes] = 1

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def runs(self, flat: str) -> Iterator[tuple[int, int]]:
        """Yield the runs of pieces in a text that has no gaps."""
        start = end = -1
        for place in self._places(flat):
            if place > end:
                if end > 0:
                    yield start, end
                start = place
            end = place + PIECE
        if end > 0:
            yield start, end

    def _places(self, flat: str) -> Iterator[int]:
        """Yield where pieces begin, in order; a tenth of the text is looked at for most of it."""
        marked, hashes, pieces = self._marked, self._hashes, self._pieces
        for stride in range(0, len(flat) - _STRIDE + 1, _STRIDE):
            if marked[hash(flat[stride : stride + _STRIDE]) % hashes]:
                for place in range(max(0, stride - _STRIDE + 1), stride + 1):
                    if flat[place : place + PIECE] in pieces:
                        yield place


def flatten(text: str) -> str:
    """Return a text without gaps."""
    return _GAP.sub("", text)


def places_of(text: str) -> list[int]:
    """Return the place in a text of each sign that it has without gaps."""
    places: list[int] = []
    end = 0
    for gap in _GAP.finditer(text):
        places += range(end, gap.start())
        end = gap.end()
    places += range(end, len(text))
    return places


def all_forms(values: Iterable[str]) -> set[str]:
    """Return how values may be written, without gaps."""
    return {flatten(form) for value in values for form in _forms(value)}


def _cut(texts: Iterable[str], length: int) -> set[str]:
    return {
        text[place : place + length] for text in texts for place in range(len(text) - length + 1)
    }


def _forms(value: str) -> Iterator[str]:
    yield from {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    yield from {repr(value)[1:-1], html.escape(value), html.escape(value, quote=False)}
    # An environment may hold what is no UTF-8.
    yield from {quote(value, safe="", errors="replace"), quote_plus(value, errors="replace")}
    yield value.replace(" ", "+")
    # A value with a `%41` of its own is read too far, where another sign of it is escaped.
    yield from readings(value)
    data = value.encode(errors="replace")
    yield from {data.hex(), data.hex().upper(), *_base32_forms(data)}
    first, *others = _base64_forms(data)
    for form in (first, *others, *_base64_forms(first.encode())):
        yield from {form, form.replace("+", "-").replace("/", "_")}


def _base64_forms(data: bytes) -> Iterator[str]:
    """Yield bytes in base64, without padding; then what a longer base64 with them in it holds."""
    yield base64.b64encode(data).decode().rstrip("=")
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + data).decode()
        # The signs at both ends that hold bits of what stands before and behind.
        yield encoded[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]


def _base32_forms(data: bytes) -> Iterator[str]:
    """Yield bytes in base32, as `_base64_forms` does in base64; five bytes are eight signs."""
    yield base64.b32encode(data).decode().rstrip("=")
    for before in range(5):
        encoded = base64.b32encode(bytes(before) + data).decode()
        yield encoded[-(-before * 8 // 5) : (before + len(data)) * 8 // 5]
