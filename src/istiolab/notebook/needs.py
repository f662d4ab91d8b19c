"""What a notebook says about itself as a whole, in its own metadata: what kind of lab it needs.

{"istiolab": {"lab": "bare"}}: one without a mesh, which the notebook itself installs and removes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from istiolab.errors import KernelError
from istiolab.notebook.document import load_document

_FIELD = "istiolab"


class Need(StrEnum):
    """What kind of lab a notebook runs on."""

    MESH = "mesh"
    """One with Istio; what a notebook needs that says nothing."""
    BARE = "bare"
    """One without."""


def said_by(path: Path) -> Mapping[str, Any]:
    """Return what the notebook at `path` says about itself; nothing if it says nothing.

    Raises:
        KernelError: it is no notebook, or what it says is no mapping.
    """
    said = load_document(path).metadata.get(_FIELD, {})
    if not isinstance(said, Mapping):
        raise KernelError(
            f"`{path.name}` has metadata `{_FIELD}` that makes no sense",
            where=(f"field: metadata.{_FIELD}: {json.dumps(said)[:80]}",),
            hint='write it as a mapping, such as `{"lab": "bare"}`, or leave it out',
        )
    return said


def need_of(path: Path) -> Need:
    """Return what kind of lab the notebook at `path` says that it needs.

    Raises:
        KernelError: it is no notebook, says no mapping, or names a kind that there is not.
    """
    said = said_by(path).get("lab", Need.MESH)
    try:
        return Need(said)
    except ValueError as unknown:
        raise KernelError(
            f"`{path.name}` needs a lab of the kind `{said}`, which there is not",
            where=(f"kinds there are: {', '.join(Need)}",),
        ) from unknown
