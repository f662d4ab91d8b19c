"""One object of a cluster in; what of it a person wrote out, as a digest, or that none wrote it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from istiolab.mesh.client import Json

# Set when it is deleted, while something has yet to be done before it is gone
# (Kubernetes API conventions, "Metadata").
_GOING = "deletionTimestamp"
# Of the metadata, what a person writes; the rest is the API server's.
_METADATA = ("annotations", "finalizers", "labels")
# What controllers note on objects that are otherwise as they were.
_NOTES = (
    "control-plane.alpha.kubernetes.io/leader",
    "deployment.kubernetes.io/revision",
    "kubectl.kubernetes.io/restartedAt",
)


def is_going(item: Json) -> bool:
    """Tell whether an object is being deleted."""
    return _GOING in item["metadata"]


def is_made_of_another(item: Json) -> bool:
    """Tell whether a controller made an object out of another one, and would do so again.

    Most pods are (a static one is its node's), and a CronJob's Jobs: what a person wrote is the
    other one.
    """
    return any(owner.get("controller") for owner in item["metadata"].get("ownerReferences") or ())


def digest(item: Json, *, scaled: bool = False) -> str:
    """Return a digest of what a person wrote of an object: all but its status and bookkeeping.

    Args:
        item: the object.
        scaled: an autoscaler says how many replicas it has.
    """
    kept: dict[str, Any] = {
        key: value for key, value in item.items() if key not in ("status", "metadata")
    }
    if scaled:
        kept["spec"] = {key: value for key, value in kept["spec"].items() if key != "replicas"}
    for key in _METADATA:
        value = item["metadata"].get(key)
        if isinstance(value, Mapping):
            value = {name: text for name, text in value.items() if name not in _NOTES}
        if value:
            kept[f"metadata.{key}"] = value
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()
