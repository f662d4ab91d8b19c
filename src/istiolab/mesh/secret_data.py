"""What a cluster keeps in Secrets, so that it can be taken out of what is published."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path

from istiolab.mesh.client import Json, open_cluster


def read(kubeconfig: Path) -> tuple[Mapping[str, str], ...]:
    """Return the decoded data of every Secret of a cluster; what is no text is left out.

    Raises:
        ClusterError: the cluster does not answer, or refuses to list Secrets.
    """
    cluster = open_cluster(kubeconfig, known=True)
    try:
        return tuple(decode(item) for item in cluster.items("/api/v1/secrets"))
    finally:
        cluster.close()


def decode(secret: Json) -> Mapping[str, str]:
    """Return the data of one Secret, decoded."""
    found = {}
    for name, value in (secret.get("data") or {}).items():
        try:
            found[str(name)] = base64.b64decode(value).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
    return found
