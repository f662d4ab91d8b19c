"""What a value is called and the value in; whether it is one that must not get out, out.

A value counts by what it is called, and if it is no common word: paths, times and names such as
`istio-system` would blacken pages that have nothing to hide.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# Longer values are archives or documents, of which every line would be hidden.
LONGEST = 20_000

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_SECRET_WORD = re.compile(
    r".*(?:secret|token|password|passwd|passphrase|credential|key)s?|pass|pat|pwd"
)
_LAST_SECRET_WORD = re.compile(r"auth")
_KEY_WORD = re.compile(r".*keys?")
_PUBLIC_WORDS = frozenset({"public", "pub", "cert", "certs", "certificate", "crt", "fingerprint"})
# The working folders, what lies beside a secret without being one, and names of files.
_PLAIN_NAMES = frozenset(
    {"PWD", "OLDPWD", "description", "expiration", "host", "name", "namespace", "type"}
    | {"user", "username", "client-key", "tokenFile"}
)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z|[+-][\d:]+)?")
_NAMES = re.compile(r"[a-z]+(?:[-./_:][a-z]+)*")
_SIGNS = tuple(re.compile(each) for each in (r"[a-z]", r"[A-Z]", r"[0-9]", r"[^\w./:-]"))
_SHORTEST = 8
_SHORTEST_ALIKE = 12
_SHORTEST_NAMES = 20


def words_of(name: str) -> list[str]:
    """Return the words of a name, in small letters."""
    return [word.lower() for word in _WORD.findall(name)]


def is_hidden(name: str, *, kept_secret: bool) -> bool:
    """Tell whether what goes by a name is to be hidden, if it is no common word.

    Args:
        name: what the value is called.
        kept_secret: it lies where nothing but secrets should.
    """
    words = words_of(name)
    if name in _PLAIN_NAMES or not (kept_secret or _is_secret(words)):
        return False
    return _PUBLIC_WORDS.isdisjoint(words) or _ends_in_secret(words)


def is_telling(words: Sequence[str], value: str) -> bool:
    """Tell whether a value is one that stands nowhere by chance.

    Args:
        words: the words of its name.
        value: the value.
    """
    if not _SHORTEST <= len(value) <= LONGEST or _TIME.fullmatch(value):
        return False
    if _NAMES.fullmatch(value):
        # A pass phrase may be made of words; the last word of its name says that it is one.
        named = bool(words and words[-1] != "key" and _SECRET_WORD.fullmatch(words[-1]))
        shortest = _SHORTEST_ALIKE if named else _SHORTEST_NAMES
        return _is_secret(words) and len(value) >= shortest
    return len(value) >= _SHORTEST_ALIKE or sum(bool(e.search(value)) for e in _SIGNS) >= 2


def _is_secret(words: Sequence[str]) -> bool:
    named = any(_SECRET_WORD.fullmatch(word) for word in words)
    return named or bool(words and _LAST_SECRET_WORD.fullmatch(words[-1]))


def _ends_in_secret(words: Sequence[str]) -> bool:
    """Tell whether a name is a secret's whatever else it says: a certificate has a password.

    Not so a key, of which there are public ones.
    """
    return _is_secret(words[-1:]) and not _KEY_WORD.fullmatch(words[-1])
