"""The cluster's API over the official client: plain JSON in, plain JSON out.

Rule 1: no other module but its neighbours `kubeconfig` and `programs` knows `kubernetes`.
Rule 2: none of its exceptions leaves here; a ClusterError says what was asked and what to do.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from kubernetes.client import ApiClient
from kubernetes.client.exceptions import ApiException
from kubernetes.utils.quantity import parse_quantity
from urllib3.exceptions import ConnectTimeoutError, HTTPError, MaxRetryError, NewConnectionError

from istiolab.errors import ClusterError, SilentError
from istiolab.mesh.kubeconfig import read_kubeconfig
from istiolab.mesh.patience import Patience, Result
from istiolab.mesh.programs import Executed, finish, one_line, open_channel, was_not_there
from istiolab.mesh.refusals import refusal
from istiolab.system.deadlines import scaled

Json = Mapping[str, Any]

FIELD_MANAGER = "istiolab"
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0
_NO_CONNECTION = (ConnectTimeoutError, NewConnectionError)


class Cluster:
    """A cluster's API server, as the user of one kubeconfig sees it."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        self._held = ExitStack()
        self._configuration = read_kubeconfig(kubeconfig, self._held)
        self._api = ApiClient(configuration=self._configuration)
        self.patience = Patience(self._is_ready, server=self.address)

    @property
    def address(self) -> str:
        """Return the API server's URL."""
        return str(self._configuration.host)

    def patiently(self, attempt: Callable[[], Result]) -> Result:
        """Make a call, as `Patience.call` does."""
        return self.patience.call(attempt)

    def close(self) -> None:
        """Close the connections."""
        self._api.close()  # type: ignore[no-untyped-call]
        self._held.close()

    def get(self, path: str, **query: str) -> Json:
        """Return the JSON object at an API path.

        Raises:
            MissingError: there is none.
            ClusterError: the server does not answer, or refuses.
        """
        data = self.request("GET", path, query=query)
        try:
            found: Json = json.loads(data)
        except ValueError as error:
            raise self._no_api(data) from error
        return found

    def items(self, path: str, **query: str) -> list[Json]:
        """Return the objects of the list at an API path."""
        return list(self.get(path, **query)["items"])

    def post(self, path: str, body: Json, **query: str) -> Json:
        """Send a JSON object to an API path, and return the one that is answered.

        Raises:
            ClusterError: the server does not answer, or refuses.
        """
        found: Json = json.loads(self.request("POST", path, query=query, body=body))
        return found

    def text(self, path: str, **query: str) -> str:
        """Return what is at an API path as text; for logs."""
        return self.request("GET", path, query=query).decode(errors="replace")

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        content_type: str = "application/json",
    ) -> bytes:
        """Make one call and return the answer's body.

        Raises:
            MissingError: 404.
            TakenError: 409.
            SilentError: no answer.
            ClusterError: any other refusal.
        """
        return self.patiently(
            lambda: self._request(method, path, query=query, body=body, content_type=content_type)
        )

    def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None,
        body: Json | None,
        content_type: str,
    ) -> bytes:
        prepared = self._api.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params={"Accept": "*/*", "Content-Type": content_type},
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            answer = self._api.call_api(
                *prepared, _request_timeout=(scaled(CONNECT_SECONDS), scaled(ANSWER_SECONDS))
            )
            data: bytes = answer.read()  # type: ignore[no-untyped-call]
        except (ApiException, HTTPError, OSError) as error:
            raise self._silent(error, again=method != "POST" or _was_not_sent(error)) from error
        if not 200 <= answer.status < 300:
            raise refusal(f"{method} {path}", answer.status, data)
        return data

    def execute(
        self,
        place: tuple[str, str, str],
        argv: Sequence[str],
        *,
        timeout_seconds: float = ANSWER_SECONDS,
    ) -> Executed:
        """Run a program in a container to its end, whatever its exit code.

        Args:
            place: namespace, pod and container.
            argv: the program and its arguments.
            timeout_seconds: how long it may take, before it is scaled to this machine.

        Raises:
            ClusterError: the container is not there, or the program took too long.
        """
        namespace, pod, container = place
        what = f"`{argv[0]}` in `{namespace}/{pod}` ({container})"
        channel = self.patiently(lambda: self._channel(place, argv, what))
        return finish(channel, what, timeout_seconds)

    def _channel(self, place: tuple[str, str, str], argv: Sequence[str], what: str) -> Any:
        try:
            return open_channel(self._api, place, argv)
        except ApiException as error:
            if was_not_there(error):
                raise self._silent(error) from error
            raise ClusterError(f"could not run {what}", where=(one_line(error),)) from error

    def _is_ready(self) -> bool:
        try:
            self._request("GET", "/readyz", query=None, body=None, content_type="text/plain")
        except ClusterError:
            return False
        return True

    def _no_api(self, data: bytes) -> ClusterError:
        return ClusterError(
            f"what answers at `{self.address}` is no cluster's API",
            where=(f"kubeconfig: {self.kubeconfig}", f"answer: {data[:120]!r}"),
        )

    def _silent(self, error: Exception, *, again: bool = True) -> SilentError:
        return SilentError(
            f"the cluster's API at `{self.address}` does not answer",
            where=(f"kubeconfig: {self.kubeconfig}", one_line(error)),
            hint="is the lab up? `istiolab status`; another cluster: `export KUBECONFIG=FILE`",
            again=again,
        )


def quantity(text: str) -> float:
    """Return a resource quantity such as `250m` or `1Gi` as a number of cores or bytes.

    Raises:
        ClusterError: it is none.
    """
    try:
        return float(parse_quantity(text))  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise ClusterError(f"`{text}` is no quantity", where=(one_line(error),)) from error


def open_cluster(kubeconfig: Path | None = None, *, known: bool = False) -> Cluster:
    """Open the cluster of a kubeconfig's current context, and make sure that it answers.

    Args:
        kubeconfig: the file; None means the environment's `KUBECONFIG`, else ~/.kube/config.
        known: it was there just before, so that it is worth waiting for if it is away.

    Raises:
        ClusterError: there is no such file, it is no kubeconfig, the server does not answer, or
            it does not know the user.
    """
    named = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    cluster = Cluster(kubeconfig or Path(named))
    try:
        if known:
            cluster.patience.begin()
        cluster.get("/version")
        cluster.patience.begin_if_ready()
    except ClusterError as error:
        if isinstance(error, SilentError):
            cluster.patience.give_up()
        cluster.close()
        raise
    return cluster


def _was_not_sent(error: Exception) -> bool:
    """Tell whether a call failed before anything of it was sent."""
    return isinstance(error, MaxRetryError) and isinstance(error.reason, _NO_CONNECTION)
