"""What takes the place of a volatile value: tokens that keep who is who throughout a notebook."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Identities:
    """The tokens given so far in one notebook, by kind and value."""

    pods: frozenset[str] = frozenset()
    """What the notebook calls pods somewhere (`pods_in`)."""
    _given: dict[str, dict[str, str]] = field(default_factory=dict)

    def token(self, kind: str, value: str) -> str:
        """Return the token of a value: the one that it has, else the next of its kind."""
        given = self._given.setdefault(kind, {})
        return given.setdefault(value, f"<{kind}-{len(given) + 1}>")


Replace = Callable[[re.Match[str], Identities], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One pattern, and what takes its place."""

    name: str
    """What it finds, in a few words."""
    pattern: re.Pattern[str]
    """Finds it."""
    replace: Replace
    """Makes the token."""


def whole(kind: str) -> Replace:
    """Return what puts a token of `kind` in the place of all that was found."""
    return lambda found, identities: identities.token(kind, found[0])


def alike(kind: str) -> Replace:
    """Return what puts the same word in the place of every value of `kind`."""
    return lambda _found, _identities: f"<{kind}>"
