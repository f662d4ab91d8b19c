"""Manifests as text in, objects in the cluster out, by server-side apply."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from istiolab.errors import UsageError
from istiolab.mesh.client import FIELD_MANAGER, Cluster, Json
from istiolab.mesh.refusals import MissingError

DEFAULT_IMAGE = "docker.io/istiolab/nginx:1.22"
# What others refer to goes first; workloads, which need the rest when they start, go last.
RANK = {"Namespace": 0, "ServiceAccount": 1, "Secret": 1, "ConfigMap": 1, "Service": 2}
LAST_RANK = {"Deployment": 9, "StatefulSet": 9, "DaemonSet": 9, "Job": 9, "Pod": 9}
_PLACEHOLDER = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of one object of a manifest."""

    kind: str
    """Its kind."""
    name: str
    """Its name."""
    outcome: str
    """`created`, `changed` or `unchanged`."""

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {"kind": self.kind, "name": self.name, "outcome": self.outcome}


def read_source(source: str | Path) -> str:
    """Return a manifest's text: `source` itself if it is one, else the file that it names.

    Raises:
        UsageError: the file is not there.
    """
    if isinstance(source, str) and "\n" in source:
        return source
    path = Path(source)
    if not path.is_file():
        raise UsageError(f"the manifest `{path}` is not there", where=(f"looked in: {Path.cwd()}",))
    return path.read_text(encoding="utf-8")


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put values in for `${NAME}`; names are upper case, so nginx's `$host` stays.

    `${WORKLOAD_IMAGE}` needs no value: it is the environment's `ISTIOLAB_WORKLOAD_IMAGE`, else
    the lab's own image.

    Raises:
        UsageError: a name has no value.
    """
    known = {"WORKLOAD_IMAGE": os.environ.get("ISTIOLAB_WORKLOAD_IMAGE") or DEFAULT_IMAGE, **values}
    lacking = sorted({name for name in _PLACEHOLDER.findall(text) if name not in known})
    if lacking:
        raise UsageError(
            f"the manifest asks for {', '.join(f'`{name}`' for name in lacking)}",
            hint=f"hand it in: `apply(…, {lacking[0]}=…)`",
        )
    return _PLACEHOLDER.sub(lambda found: known[found[1]], text)


def parse(text: str) -> list[dict[str, Any]]:
    """Return a manifest's objects in the order in which they are to be applied.

    Raises:
        UsageError: it is not YAML, or an object has no kind or name.
    """
    try:
        objects = [item for item in yaml.safe_load_all(text) if item]
    # ValueError: PyYAML lets one through for a scalar such as `2001-99-99`.
    except (yaml.YAMLError, ValueError) as error:
        raise UsageError(
            "the manifest is not YAML", where=tuple(str(error).splitlines())
        ) from error
    for item in objects:
        if not _is_object(item):
            raise UsageError("an object of the manifest lacks `apiVersion`, `kind` or a name")
    return sorted(objects, key=lambda item: LAST_RANK.get(item["kind"], RANK.get(item["kind"], 5)))


def _is_object(item: object) -> bool:
    if not isinstance(item, dict) or not isinstance(item.get("metadata"), dict):
        return False
    named = (item.get("apiVersion"), item.get("kind"), item["metadata"].get("name"))
    return all(isinstance(text, str) and text for text in named)


def apply_objects(
    cluster: Cluster, namespace: str, objects: Iterable[dict[str, Any]]
) -> tuple[Applied, ...]:
    """Apply objects in order, those with a namespace in `namespace`.

    Raises:
        ClusterError: the cluster does not know a kind, or refuses an object.
    """
    return tuple(_apply(cluster, namespace, item) for item in objects)


def _apply(cluster: Cluster, namespace: str, item: dict[str, Any]) -> Applied:
    path = f"{_collection(cluster, namespace, item)}/{item['metadata']['name']}"
    before = _version(cluster, path)
    cluster.request(
        "PATCH",
        path,
        # Force: in its own namespace the notebook's word counts, also over an earlier kubectl's.
        query={"fieldManager": FIELD_MANAGER, "force": "true"},
        body=item,
        content_type="application/apply-patch+yaml",
    )
    outcome = "created" if not before else "changed"
    if before and before == _version(cluster, path):
        outcome = "unchanged"
    return Applied(kind=item["kind"], name=item["metadata"]["name"], outcome=outcome)


def _version(cluster: Cluster, path: str) -> str:
    try:
        metadata = cluster.get(path)["metadata"]
    except MissingError:
        return ""
    # The generation leaves out the status, which changes by itself; not every kind has one.
    return str(metadata.get("generation") or metadata["resourceVersion"])


def _collection(cluster: Cluster, namespace: str, item: Json) -> str:
    version, kind = item["apiVersion"], item["kind"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    for resource in cluster.get(root)["resources"]:
        if resource["kind"] == kind and "/" not in resource["name"]:
            middle = f"/namespaces/{namespace}" if resource["namespaced"] else ""
            return f"{root}{middle}/{resource['name']}"
    raise MissingError(
        f"the cluster knows no kind `{kind}` in `{version}`",
        hint="is Istio there? `istioctl version`",
    )
