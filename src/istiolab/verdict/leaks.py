"""A cluster's objects before and after a notebook in; what it left behind or altered out.

What is being deleted has no digest. Before, it is no longer there: that it is gone afterwards is
nobody's doing. Afterwards, it is taken away if it was there before, and left behind if it was not:
for how long one waits for it to go is the caller's.
"""

from __future__ import annotations

from collections.abc import Mapping

Inventory = Mapping[str, str | None]
"""A digest of each object, by its name; None for one that is being deleted."""


def leaks(before: Inventory, after: Inventory) -> tuple[str, ...]:
    """Compare two inventories.

    Args:
        before: the objects before.
        after: the same afterwards.

    Returns:
        What is not as it was, a line each, such as `left behind: ConfigMap default/stray`.
    """
    then, now = _standing(before), _standing(after)
    return (
        *(f"left behind: {name}" for name in sorted(now.keys() - then.keys())),
        *(f"left behind, being deleted: {name}" for name in departing(before, after)),
        *(f"taken away: {name}" for name in sorted(then.keys() - now.keys())),
        *(
            f"altered: {name}"
            for name in sorted(then.keys() & now.keys())
            if then[name] != now[name]
        ),
    )


def departing(before: Inventory, after: Inventory) -> tuple[str, ...]:
    """Return the names of what came after the first look and is on its way out, sorted."""
    return tuple(sorted(after.keys() - _standing(after).keys() - before.keys()))


def _standing(inventory: Inventory) -> dict[str, str]:
    return {name: digest for name, digest in inventory.items() if digest is not None}
