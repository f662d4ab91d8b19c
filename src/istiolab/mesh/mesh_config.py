"""The mesh's configuration changed for a while: what it was before is kept beside it.

It is the text `mesh` in the ConfigMap `istio`, which istiod watches
(https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/). The text as it was stands in
an annotation of the same ConfigMap, with who changed it: so it can be put back by anyone, also when
the kernel that changed it was killed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from istiolab.errors import ClusterError
from istiolab.mesh.client import Cluster, Json, open_cluster
from istiolab.mesh.namespaces import MAKER, maker
from istiolab.mesh.refusals import MissingError
from istiolab.mesh.session import Mesh
from istiolab.mesh.table import Listing

CONFIG_MAP = "/api/v1/namespaces/istio-system/configmaps/istio"
BEFORE = "istiolab.dev/mesh-before"
CHANGED_BY = "istiolab.dev/mesh-changed-by"
NOT_SET = "not set"
_MERGE = "application/merge-patch+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One field of the mesh's configuration that was changed."""

    field: str
    """Its name."""
    before: str
    """What it was."""
    after: str
    """What it is."""

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {"field": self.field, "before": self.before, "now": self.after}


def configure_mesh(mesh: Mesh, **fields: str | None) -> Listing[Setting]:
    """Change fields of the mesh's configuration; they are put back when the notebook has run.

    A notebook that does so says in its metadata that it changes the mesh, and runs alone.

    Args:
        mesh: the mesh.
        fields: top-level fields and their new values; None takes a field out.

    Returns:
        What was changed, a row for each field.

    Raises:
        ClusterError: the cluster refuses, or somebody else has changed it and not put it back.
    """
    config_map = mesh.cluster.get(CONFIG_MAP)
    notes = config_map["metadata"].get("annotations", {})
    if notes.get(CHANGED_BY, mesh.prefix) != mesh.prefix:
        raise ClusterError(
            "the mesh's configuration is changed by somebody else at the moment",
            where=(f"by: {notes[CHANGED_BY]}",),
            hint=f"wait until that run has ended; if none runs, what it was is in `{BEFORE}`",
        )
    text = str(config_map["data"]["mesh"])
    changed, settings = change_text(text, fields)
    annotations = {
        CHANGED_BY: mesh.prefix,
        MAKER: maker(),
        BEFORE: notes.get(BEFORE, text),
    }
    _patch(mesh.cluster, {"metadata": {"annotations": annotations}, "data": {"mesh": changed}})
    return Listing(settings)


def change_text(text: str, fields: Mapping[str, str | None]) -> tuple[str, tuple[Setting, ...]]:
    """Return the configuration's text with fields changed, and what was changed.

    Args:
        text: the configuration as YAML.
        fields: top-level fields and their new values; None takes a field out.
    """
    table: dict[str, Any] = yaml.safe_load(text) or {}
    settings = []
    for field, value in fields.items():
        before = str(table.pop(field, NOT_SET))
        if value is not None:
            table[field] = value
        settings.append(Setting(field=field, before=before, after=value or NOT_SET))
    return yaml.safe_dump(table, sort_keys=True), tuple(settings)


def put_back(kubeconfig: Path, prefix: str) -> bool:
    """Put the mesh's configuration back to what it was before a notebook changed it.

    Args:
        kubeconfig: the cluster's.
        prefix: the prefix of the notebook's namespaces; what another one changed stays.

    Returns:
        Whether there was anything to put back.

    Raises:
        ClusterError: the cluster does not answer, or refuses.
    """
    cluster = open_cluster(kubeconfig, known=True)
    try:
        return put_back_if(cluster, lambda notes: notes.get(CHANGED_BY) == prefix)
    finally:
        cluster.close()


def put_back_if(cluster: Cluster, is_wanted: Callable[[Mapping[str, str]], bool]) -> bool:
    """Put the mesh's configuration back to what it was if the annotations of its change say so.

    Returns:
        Whether there was anything to put back.

    Raises:
        ClusterError: the cluster does not answer, or refuses.
    """
    try:
        notes = cluster.get(CONFIG_MAP)["metadata"].get("annotations", {})
    except MissingError:  # no Istio, or one of another name
        return False
    if BEFORE not in notes or not is_wanted(notes):
        return False
    cleared = {"metadata": {"annotations": {BEFORE: None, CHANGED_BY: None, MAKER: None}}}
    _patch(cluster, {**cleared, "data": {"mesh": str(notes[BEFORE])}})
    return True


def _patch(cluster: Cluster, body: Json) -> None:
    cluster.request("PATCH", CONFIG_MAP, body=body, content_type=_MERGE)
