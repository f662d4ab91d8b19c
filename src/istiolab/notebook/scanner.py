"""Text in, the name of a secret that it holds out, however it is written, wrapped or cut off.

Rule 1: what is compared are letters and digits alone, without their case, so that line ends,
quotes, colons and backslashes make no difference; escapes of JSON, Python, HTML and URLs are
undone, and base64 is decoded, before that.
Rule 2: of a long value any piece of 40 characters tells; of a short one all of it. A short one of
little variety (`Sesame-7`) must stand alone, as a word does.
Rule 3: a pattern has to be one that nothing but a credential fits.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from string import ascii_lowercase, ascii_uppercase

from istiolab.notebook.known import SecretValue

PIECE = 20
_SHORTEST = 8
_SHORTEST_PLAIN = 16
"""Without their spaces, shorter words and numbers of a sentence may come to be one."""
_MOST_BYTES = 4096
"""So much of a value is looked for: what is longer is an archive."""
_MOST_DECIMAL_BYTES = 1024
_ROUNDS = 4
_DEPTH = 2

# From a letter to a digit, from a small letter to a capital one, and back.
_TURN = re.compile(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[a-z0-9])|(?<=[0-9])(?=[A-Za-z])")
_LEAST_TURNS = 4
_LEAST_VARIETY = 6
_SIGNS = re.compile(r"[\W_]+")
# Of the same length, whatever the sign.
_FOLD = str.maketrans(ascii_uppercase, ascii_lowercase)
# Words in a row: a piece like that may be of a sentence or a host's name.
_WORDY = re.compile(r"[a-z]{6}|[A-Z]{6}")
_TAG = re.compile(r"<[^<>]{1,200}>")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_BLANKS = dict.fromkeys("nrtfv", "\n")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{6,}")
# The end of a line, of a text in JSON or in Python as well, and what stands around it.
# It does not begin amid blanks: from each of a long run the rest would be looked through again.
_WRAPPED = re.compile(r"""(?:["'],?|,|(?<!\s))[^\S\n]*+(?:\n|\\+n)\s*+(?:b?["'])?""")

_PATTERNS = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in {
        "a private key": r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY"  # RFC 7468 §10
        # What `openssl pkey -text` prints.
        r"|(?:privateExponent|prime1|\bpriv):\s*(?:[0-9a-f]{2}:\s*){8}",
        # RFC 7519 §3: the first two of its parts are JSON objects; `{"` is `eyJ`.
        "a JSON Web Token": r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.",
        # RFC 6750 §2.1
        "a bearer token": r"(?i)\bauthorization\b[\"']?\s*[:=,]\s*[\"']?bearer\s+"
        r"(?=[\w.~+/-]*[0-9])[\w.~+/-]{16,}",
        "a token of GitHub": r"\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_\w{36}",
        "a token of GitLab": r"\bglpat-[\w-]{20}",
        "a token of Slack": r"\bxox[abeprs]-[0-9A-Za-z-]{20}",
        "an access key of AWS": r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    }.items()
)


class SecretScanner:
    """What tells whether a text holds a secret: a value that it has learned, or a pattern."""

    def __init__(self, values: Iterable[SecretValue] = ()) -> None:
        self._learned: set[SecretValue] = set()
        self._pieces: dict[str, str] = {}
        self._needles: dict[str, str] = {}
        self._words: dict[str, tuple[re.Pattern[str], str]] = {}
        self.learn(values)

    def learn(self, values: Iterable[SecretValue]) -> None:
        """Look for these values as well; of one that is kept twice, the first place is told."""
        for value in {*values} - self._learned:
            self._learned.add(value)
            data = value.data[:_MOST_BYTES]
            for form in _spellings(data):
                self._learn(form, value)
            for form in _encodings(data):
                self._learn(form, value, as_word=False)

    def find(self, text: str) -> str | None:
        """Return which secret a text holds, by where it is kept; None if it holds none."""
        return next(self._found(text), None)

    def text(self, text: str) -> str:
        """Return a text, or a sentence in its place if it holds a secret."""
        return withheld(found) if (found := self.find(text)) else text

    def _learn(self, form: str, value: SecretValue, *, as_word: bool = True) -> None:
        needle = _reduce(form)
        pieces = [needle[at : at + PIECE] for at in range(0, len(needle) - PIECE + 1, PIECE)]
        telling = [each.translate(_FOLD) for each in pieces if _is_telling(each)]
        shortest = _SHORTEST if _is_varied(needle) else _SHORTEST_PLAIN
        if telling and not value.whole:
            for piece in telling:
                self._pieces.setdefault(piece, value.source)
        elif len(needle) >= shortest:
            self._needles.setdefault(needle.translate(_FOLD), value.source)
        elif as_word and len(form) >= 4:
            self._words.setdefault(form, (_as_word(form), value.source))

    def _found(self, text: str) -> Iterator[str]:
        for view in _views(text):
            yield from (source for word, source in self._words.values() if word.search(view))
            for bare in dict.fromkeys((view, _TAG.sub("", view))):
                flat = _reduce(bare).translate(_FOLD)
                yield from (source for needle, source in self._needles.items() if needle in flat)
                if self._pieces:
                    windows = (flat[at : at + PIECE] for at in range(len(flat) - PIECE + 1))
                    yield from (self._pieces[each] for each in windows if each in self._pieces)
                # A token that was wrapped has blanks and quotes in it, a header's has one before.
                joined = re.sub(r"[\s\"',]+", "", bare)
                for kind, pattern in _PATTERNS:
                    if pattern.search(bare) or pattern.search(joined):
                        yield kind


def withheld(source: str) -> str:
    """Return what stands in the place of a text that holds a secret."""
    return f"[istiolab: withheld, since it holds {source}]\n"


def _spellings(data: bytes) -> Iterator[str]:
    """Yield how a value is written by itself."""
    text = data.decode(errors="replace")
    yield from dict.fromkeys((*_rounds(text), data.decode("latin-1")))
    yield base64.b64encode(data).decode().rstrip("=")
    yield from (data.hex(), data.hex(":"), data.hex(" "))


def _encodings(data: bytes) -> Iterator[str]:
    """Yield how a value is written within others, and as numbers."""
    for each in _inside(data, base64.b64encode, bits=6):
        yield each
        yield from _inside(each.encode(), base64.b64encode, bits=6)
    yield from _inside(data, base64.b32encode, bits=5)
    yield "".join(map(str, data))
    if len(data) <= _MOST_DECIMAL_BYTES:
        yield str(int.from_bytes(data))


def _inside(data: bytes, encode: Callable[[bytes], bytes], *, bits: int) -> Iterator[str]:
    """Yield what an encoding of anything with `data` in it holds, wherever `data` begins."""
    for before in range(3 if bits == 6 else 5):
        encoded = encode(bytes(before) + data).decode()
        # The characters at both ends hold bits of what stands before and behind.
        yield encoded[-(-before * 8 // bits) : (before + len(data)) * 8 // bits]


def _views(text: str, depth: int = _DEPTH) -> Iterator[str]:
    """Yield a text as it stands, with its escapes undone, and what it holds in base64."""
    joined = _WRAPPED.sub("", text)
    for view in dict.fromkeys((*_rounds(text), *_rounds(joined))):
        yield view
        decoded = "\n".join(_behind_base64(view)) if depth else ""
        if decoded:
            yield from _views(decoded, depth - 1)


def _rounds(text: str) -> Iterator[str]:
    for _ in range(_ROUNDS):
        yield text
        plain = _unescape(text)
        if plain == text:
            return
        text = plain


def _unescape(text: str) -> str:
    def one(escape: re.Match[str]) -> str:
        number = escape[1] or escape[2] or escape[3]
        if number is None:
            return _BLANKS.get(escape[4], escape[4])
        code = int(number, 16)
        return chr(code) if code <= 0x10FFFF else ""

    plain = _ESCAPE.sub(one, urllib.parse.unquote(html.unescape(text)))
    # Go and JavaScript write a sign beyond 16 bits as two halves.
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _behind_base64(text: str) -> Iterator[str]:
    for run in _BASE64.findall(text):
        signs = run.replace("-", "+").replace("_", "/")
        try:
            decoded = base64.b64decode(signs + "=" * (-len(signs) % 4)).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
        if decoded.isprintable() or "\n" in decoded:
            yield decoded


def _reduce(text: str) -> str:
    return _SIGNS.sub("", text)


def _is_telling(piece: str) -> bool:
    return len(set(piece)) >= _LEAST_VARIETY and not _WORDY.search(piece)


def _is_varied(needle: str) -> bool:
    return len(_TURN.findall(needle)) >= _LEAST_TURNS


def _as_word(form: str) -> re.Pattern[str]:
    before = r"(?<![^\W_])" if form[0].isalnum() else ""
    behind = r"(?![^\W_])" if form[-1].isalnum() else ""
    return re.compile(before + f"(?:{_WRAPPED.pattern})?".join(map(re.escape, form)) + behind)
