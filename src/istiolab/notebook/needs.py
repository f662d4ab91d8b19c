"""What a notebook says about itself as a whole, in its own metadata: what kind of lab it needs.

{"istiolab": {"lab": "bare"}}: one without a mesh, which the notebook itself installs and removes.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from istiolab.errors import KernelError
from istiolab.notebook.document import load_document


class Need(StrEnum):
    """What kind of lab a notebook runs on."""

    MESH = "mesh"
    """One with Istio; what a notebook needs that says nothing."""
    BARE = "bare"
    """One without."""


def need_of(path: Path) -> Need:
    """Return what kind of lab the notebook at `path` says that it needs.

    Raises:
        KernelError: it is no notebook, or names a kind that there is not.
    """
    said = load_document(path).metadata.get("istiolab", {}).get("lab", Need.MESH)
    try:
        return Need(said)
    except ValueError as unknown:
        raise KernelError(
            f"`{path.name}` needs a lab of the kind `{said}`, which there is not",
            where=(f"kinds there are: {', '.join(Need)}",),
        ) from unknown
