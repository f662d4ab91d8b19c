"""A cluster's objects before and after a notebook in; what it left behind or altered out."""

from __future__ import annotations

from collections.abc import Mapping


def leaks(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """Compare two inventories.

    Args:
        before: a digest of each object, by its name, before.
        after: the same afterwards.

    Returns:
        What is not as it was, a line each, such as `left behind: ConfigMap default/stray`.
    """
    return (
        *(f"left behind: {name}" for name in sorted(after.keys() - before.keys())),
        *(f"taken away: {name}" for name in sorted(before.keys() - after.keys())),
        *(
            f"altered: {name}"
            for name in sorted(before.keys() & after.keys())
            if before[name] != after[name]
        ),
    )
