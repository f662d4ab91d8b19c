"""What a cluster keeps in Secrets, also in those that come and go while a notebook runs."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self

from istiolab.errors import ClusterError
from istiolab.mesh.client import Json, open_cluster
from istiolab.mesh.namespaces import NAMESPACES

SECRETS = "/api/v1/secrets"
SERVICES = "/api/v1/services"
_PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretData:
    """The data of one Secret."""

    called: str
    """Its namespace and name."""
    data: Mapping[str, bytes]
    """Its values by key, decoded."""


class SecretWatch:
    """The Secrets of a cluster from now on: those that are there, and each that comes or changes.

    A thread asks for all changes since the last answer, again and again, so that none is missed
    that is taken back within a second. The API server ends each answer after a second.

    Raises:
        ClusterError: the cluster does not answer, or refuses to list Secrets.
    """

    def __init__(self, kubeconfig: Path) -> None:
        self.error: ClusterError | None = None
        """Why the last changes are not known, if that is so."""
        self._cluster = open_cluster(kubeconfig, known=True)
        self._found: list[SecretData] = []
        self._lock = Lock()
        self._ended = Event()
        self._thread = Thread(target=self._follow, name="secrets", daemon=True)
        try:
            self.names = frozenset(
                str(item["metadata"]["name"])
                for path in (NAMESPACES, SERVICES)
                for item in self._cluster.items(path)
            )
            """Names that the cluster gives openly: its namespaces' and services'."""
            self._version = self._list()
        except ClusterError:
            self._cluster.close()
            raise

    def take(self) -> tuple[SecretData, ...]:
        """Return what was found since this was asked last."""
        with self._lock:
            found, self._found = self._found, []
        return tuple(found)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait until all changes up to now are known, and close the connection."""
        self._ended.set()
        self._thread.join()
        self._cluster.close()

    def _follow(self) -> None:
        ending = False
        while not ending:
            ending = self._ended.is_set()  # one more time: changes up to then count
            try:
                self._catch_up()
                self.error = None
            except ClusterError as error:
                self.error = error
                self._ended.wait(_PAUSE_SECONDS)

    def _list(self) -> str:
        """Take over all Secrets that there are; return the version of the list."""
        listed = self._cluster.get(SECRETS)
        for item in listed["items"]:
            self._add(item)
        return str(listed.get("metadata", {}).get("resourceVersion", ""))

    def _catch_up(self) -> None:
        """Take over the changes since the last version that is known, and of the next second."""
        said = self._cluster.text(
            SECRETS, watch="true", resourceVersion=self._version, timeoutSeconds="1"
        )
        for line in said.splitlines():
            try:
                event = json.loads(line)
            except ValueError:  # it was cut off, and is asked for again
                return
            if event["type"] == "ERROR":
                # The API server began anew, and does not know what was before.
                self._version = self._list()
                return
            self._version = str(event["object"]["metadata"]["resourceVersion"])
            self._add(event["object"])

    def _add(self, secret: Json) -> None:
        metadata = secret["metadata"]
        called = f"{metadata.get('namespace', '')}/{metadata['name']}"
        with self._lock:
            self._found.append(SecretData(called=called, data=decode(secret)))


def decode(secret: Json) -> Mapping[str, bytes]:
    """Return the data of one Secret, decoded."""
    data = secret.get("data") or {}
    return {str(name): base64.b64decode(value) for name, value in data.items()}
