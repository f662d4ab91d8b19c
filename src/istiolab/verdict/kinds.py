"""Values whose kind is known by where they stand: in which column, or in which field."""

from __future__ import annotations

import re
from collections.abc import Mapping

FIELDS: Mapping[str, str] = {"nodePort": "nodeport", "resourceVersion": "resource-version"}
"""Fields of Kubernetes objects that hold a volatile number: its kind by the field's name."""

KINDS: Mapping[str, re.Pattern[str]] = {
    "age": re.compile(r"(?:\d+(?:d|h|m|s|y))+|<duration>"),
    # Not the `-` of an access log: it says that there was no upstream to wait for.
    "duration": re.compile(
        r"\d+(?:\.\d+)?(?: ?(?:ms|s|m|µs|seconds?|minutes?))?"
        r"|(?:\d+(?:\.\d+)?(?:d|h|m|s|ms|µs|us|ns))+|<duration>"
    ),
    "counter": re.compile(r"\d+"),
}
"""Kinds that a column, or a cell, may declare; a value that does not look like it stays."""

COLUMNS: Mapping[str, str] = {
    "age": "age",
    "last seen": "age",
    "duration": "duration",
    "seconds": "duration",
}
"""Columns whose kind is known by their name, in lower case."""


def mask_kind(text: str, kind: str) -> str:
    """Return `text` as a value whose kind is known: it must look like that kind to be masked."""
    pattern = KINDS[kind]
    return f"<{kind}>" if pattern.fullmatch(text.strip()) else text
