"""The mesh's configuration changed for a while: what it was before is kept beside it.

It is the text `mesh` in the ConfigMap `istio`, or `istio-REVISION`, which istiod watches
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
from istiolab.mesh.revision import control_plane
from istiolab.mesh.session import Mesh
from istiolab.mesh.table import Listing

_CONFIG_MAPS = "/api/v1/namespaces/istio-system/configmaps"
BEFORE = "istiolab.dev/mesh-before"
CHANGED_BY = "istiolab.dev/mesh-changed-by"
NOT_SET = "not set"
STDOUT = "/dev/stdout"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that is not as it should be."""

    what: str
    """What."""
    remedy: str
    """What helps."""


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
    path = control_plane(mesh.cluster).config_map
    config_map = mesh.cluster.get(path)
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
    body = {"metadata": {"annotations": annotations}, "data": {"mesh": changed}}
    _patch(mesh.cluster, path, body)
    return Listing(settings)


def access_log_trouble(cluster: Cluster) -> Trouble | None:
    """Return what keeps the mesh's access log from being read; None if nothing does.

    Raises:
        ClusterError: the cluster does not answer, or there is no configuration.
    """
    return describe_access_log(str(cluster.get(control_plane(cluster).config_map)["data"]["mesh"]))


def describe_access_log(text: str) -> Trouble | None:
    """Return what in a mesh's configuration keeps its access log from being read.

    What can be read are Istio's own formats, as text and as JSON. What a Telemetry resource says
    instead is not looked at.

    Args:
        text: the configuration as YAML.
    """
    table: dict[str, Any] = yaml.safe_load(text) or {}
    file, form = table.get("accessLogFile"), table.get("accessLogFormat")
    encoding = table.get("accessLogEncoding", "TEXT")
    if file != STDOUT:
        said = f"`accessLogFile: {file}`" if file else "`accessLogFile` is not set"
        return Trouble(
            what=f"the mesh does not write its access log to {STDOUT}: {said}",
            remedy=f"`istioctl install --set meshConfig.accessLogFile={STDOUT}`, with what Istio "
            "was installed with",
        )
    if form:
        return Trouble(
            what=f"the mesh's access log, in {encoding}, has a format of its own: {form.strip()}",
            remedy="`istioctl install` without `meshConfig.accessLogFormat`, with what else Istio "
            "was installed with",
        )
    return None


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

    Of all revisions: which is the default may have changed since.

    Returns:
        Whether there was anything to put back.

    Raises:
        ClusterError: the cluster does not answer, or refuses.
    """
    cleared = {"metadata": {"annotations": {BEFORE: None, CHANGED_BY: None, MAKER: None}}}
    found = False
    for item in cluster.items(_CONFIG_MAPS):
        notes = item["metadata"].get("annotations", {})
        if BEFORE in notes and is_wanted(notes):
            path = f"{_CONFIG_MAPS}/{item['metadata']['name']}"
            _patch(cluster, path, {**cleared, "data": {"mesh": str(notes[BEFORE])}})
            found = True
    return found


def _patch(cluster: Cluster, path: str, body: Json) -> None:
    cluster.request("PATCH", path, body=body, content_type=_MERGE)
