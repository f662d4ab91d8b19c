"""A cluster in memory, and the JSON of its objects as the API tells it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from istiolab.errors import ClusterError
from istiolab.mesh.client import Cluster, Json
from istiolab.mesh.inventory import Inventory
from istiolab.mesh.patience import Result
from istiolab.mesh.pods import Pod
from istiolab.mesh.programs import Executed
from istiolab.mesh.refusals import refusal
from istiolab.mesh.revision import WEBHOOKS

Said = Json | str | ClusterError
Place = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Json | None = None
    content_type: str = "application/json"


CONFIG_MAPS = "/api/v1/namespaces/istio-system/configmaps"


def inventory_of(objects: Mapping[str, str | None], *unseen: str) -> Inventory:
    """Return an inventory; what is of a kind `Kind` is at the path `/Kind`."""
    return Inventory(
        objects=dict(objects),
        paths={name: f"/{name.partition(' ')[0]}" for name in objects},
        unseen={path: ClusterError("away") for path in unseen},
    )


def executed(stdout: bytes = b"", *, stderr: str = "", exit_code: int = 0) -> Executed:
    return Executed(stdout=stdout, stderr=stderr, exit_code=exit_code)


def an_object(name: str, *, namespace: str = "", **fields: Any) -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"metadata": {**metadata, **fields.pop("metadata", {})}, **fields}


class FakeCluster(Cluster):
    """Gives the answers that it was given, and keeps what is put into it.

    `answers` are for GET, under a path, or a path with its query.
    """

    def __init__(self, answers: Mapping[str, Said | Callable[[], Said]] | None = None) -> None:
        self.kubeconfig = Path("/nowhere/kubeconfig")
        nothing = listed()
        self.answers: dict[str, Said | Callable[[], Said]] = {
            **dict.fromkeys((WEBHOOKS, CONFIG_MAPS), nothing),
            **(answers or {}),
        }
        self.objects: dict[str, dict[str, Any]] = {}
        self.calls: list[Call] = []
        self.programs: list[tuple[Place, tuple[str, ...]]] = []
        self.run: Callable[[Place, Sequence[str]], Executed] = lambda *_: executed()
        self.closed = 0

    @property
    def address(self) -> str:
        return "http://nowhere"

    def close(self) -> None:
        self.closed += 1

    def patiently(self, attempt: Callable[[], Result]) -> Result:
        return attempt()

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        content_type: str = "application/json",
    ) -> bytes:
        asked = dict(query or {})
        self.calls.append(
            Call(method=method, path=path, query=asked, body=body, content_type=content_type)
        )
        if method == "GET":
            return self._get(path, asked)
        if method == "DELETE":
            self._demand(method, path, there=not path.endswith("/pods"))
            self.objects.pop(path, None)
            return b"{}"
        assert body is not None
        if method == "POST":
            path = f"{path}/{body['metadata']['name']}"
            if path in self.objects:
                raise refusal(f"POST {path}", 409, b"")
        self._keep(path, body)
        return b"{}"

    def execute(
        self, place: Place, argv: Sequence[str], *, timeout_seconds: float = 30.0
    ) -> Executed:
        assert timeout_seconds > 0
        self.programs.append((place, tuple(argv)))
        return self.run(place, argv)

    def made(self, method: str) -> list[Call]:
        return [call for call in self.calls if call.method == method]

    def _get(self, path: str, query: Mapping[str, str]) -> bytes:
        answer = self.answers.get(f"{path}?{urlencode(query)}", self.answers.get(path))
        if answer is None:
            self._demand("GET", path, there=True)
            answer = self.objects[path]
        if callable(answer):
            answer = answer()
        if isinstance(answer, ClusterError):
            raise answer
        return (answer if isinstance(answer, str) else json.dumps(answer)).encode()

    def _demand(self, method: str, path: str, *, there: bool) -> None:
        if there and path not in self.objects:
            raise refusal(f"{method} {path}", 404, b"")

    def _keep(self, path: str, body: Json) -> None:
        known = self.objects.get(path, {})
        version = int(known.get("metadata", {}).get("resourceVersion", "0"))
        now = {**known, **body}
        now["metadata"] = {**known.get("metadata", {}), **body["metadata"]}
        if now != known:
            now["metadata"]["resourceVersion"] = str(version + 1)
        self.objects[path] = now


def listed(*items: Json) -> Json:
    return {"items": list(items)}


def pod_json(
    name: str = "web-1",
    *,
    namespace: str = "demo",
    app: str = "web",
    containers: Iterable[str] = ("web",),
    native: Iterable[str] = (),
    init: Iterable[str] = (),
    unready: Iterable[str] = (),
    waiting: Mapping[str, str] | None = None,
    terminating: bool = False,
    phase: str = "Running",
    restarts: int = 0,
) -> Json:
    reasons = waiting or {}

    def state(container: str) -> Json:
        waits = {"waiting": {"reason": reasons[container]}} if container in reasons else {}
        ready = container not in reasons and container not in set(unready)
        state = waits or {"running": {}}
        return {"name": container, "ready": ready, "state": state, "restartCount": restarts}

    metadata: dict[str, Any] = {"namespace": namespace, "name": name, "labels": {"app": app}}
    if terminating:
        metadata["deletionTimestamp"] = "2026-01-26T07:54:42Z"
    return {
        "metadata": metadata,
        "spec": {
            "initContainers": [
                *({"name": name} for name in init),
                *({"name": name, "restartPolicy": "Always"} for name in native),
            ],
            "containers": [{"name": name} for name in containers],
        },
        "status": {
            "phase": phase,
            "podIP": "10.244.0.5",
            "initContainerStatuses": [state(container) for container in (*init, *native)],
            "containerStatuses": [state(container) for container in containers],
        },
    }


def pod(
    name: str = "web-1",
    *,
    app: str = "web",
    sidecar: bool = False,
    status: str = "Running",
    terminating: bool = False,
    stuck: str = "",
) -> Pod:
    containers = ("istio-proxy", app) if sidecar else (app,)
    return Pod(
        namespace="demo",
        name=name,
        app=app,
        containers=containers,
        ready_containers=len(containers),
        status=status,
        ip="10.244.0.5",
        terminating=terminating,
        stuck=stuck,
    )
