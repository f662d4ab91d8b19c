"""A text that is no document in; what of it may be a secret each, out: lines, and what they assign.

Rule: what a script or a configuration has in common with others is not given, since pages show it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from istiolab.notebook.telling import LONGEST, is_telling, words_of

# As in `.env` and `.properties` files. A name in other letters may well be half of a password.
_ASSIGNED = re.compile(
    r"(?:export\s+)?(?P<name>[A-Z_][A-Z0-9_]*|[a-z_][A-Za-z0-9_.-]*)\s*=\s*(?P<value>[^=\s].*)"
)
# As in the files of `htpasswd`.
_OF_USER = re.compile(r"[^\s:]+:(?P<value>[^\s:/].{7,})")
_REMARK = re.compile(r"#(?:\s.*)?")
_QUOTES = "\"',;"
# What stands around a word that is plain otherwise: `[default]`, `<server>`, `#!/bin/sh`.
_MARKS = _QUOTES + "()<>[]{}#!/\\:="
# Where there are more, those of several words are a script's or a configuration's.
_FEW = 4


def assigned(text: str) -> Iterator[tuple[str, str]]:
    """Yield the names and the values of lines that give a value a name."""
    for line in _lines(text):
        if found := _ASSIGNED.fullmatch(line):
            yield found["name"], found["value"].strip(_QUOTES)


def alone(name: str, text: str) -> Iterator[str]:
    """Yield the only line of a text, or of several those that may be a secret each.

    Args:
        name: what the text is called.
        text: the text.
    """
    lines = _lines(text)
    for line in lines:
        if len(lines) == 1:
            yield line
        elif not _ASSIGNED.fullmatch(line) and _is_special(name, line, few=len(lines) <= _FEW):
            yield line
            if found := _OF_USER.fullmatch(line):
                yield found["value"].strip(_QUOTES)


def _is_special(name: str, line: str, *, few: bool) -> bool:
    """Tell whether a line of several is one that no script or configuration has."""
    if _REMARK.fullmatch(line) or (" " in line and not few):
        return False
    return is_telling(words_of(name), line.strip(_MARKS))


def _lines(text: str) -> list[str]:
    if len(text) > LONGEST:
        return []
    return [line.strip() for line in text.splitlines() if line.strip()]
