"""The cluster's API over the official client: plain JSON in, plain JSON out.

Rule 1: no other module knows `kubernetes`.
Rule 2: none of its exceptions leaves here; a ClusterError says what was asked and what to do.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from kubernetes.client import ApiClient, Configuration, CoreV1Api
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException, load_kube_config
from kubernetes.stream import stream
from kubernetes.utils.quantity import parse_quantity
from urllib3.exceptions import HTTPError
from websocket import WebSocketException

from istiolab.errors import ClusterError
from istiolab.mesh.refusals import refusal

Json = Mapping[str, Any]

FIELD_MANAGER = "istiolab"
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0
# What the official client stumbles over when the channel for the exit code holds none.
_NO_EXIT_CODE = (KeyError, IndexError, TypeError, ValueError, yaml.YAMLError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """A program that has run in a container."""

    stdout: bytes
    """What it printed on standard output."""
    stderr: str
    """What it printed on standard error."""
    exit_code: int
    """What it ended with."""


class Cluster:
    """A cluster's API server, as the user of one kubeconfig sees it."""

    def __init__(self, kubeconfig: Path, *, context: str = "") -> None:
        self.kubeconfig = kubeconfig
        self.context = context
        self._configuration = _configuration(kubeconfig, context)
        self._api = ApiClient(configuration=self._configuration)

    @property
    def address(self) -> str:
        """Return the API server's URL."""
        return str(self._configuration.host)

    def close(self) -> None:
        """Close the connections."""
        self._api.close()  # type: ignore[no-untyped-call]

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
            ClusterError: any other refusal, or no answer.
        """
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
                *prepared, _request_timeout=(CONNECT_SECONDS, ANSWER_SECONDS)
            )
            data: bytes = answer.read()  # type: ignore[no-untyped-call]
        except (ApiException, HTTPError, OSError) as error:
            raise self._silent(error) from error
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
            timeout_seconds: how long it may take.

        Raises:
            ClusterError: the container is not there, or the program took too long.
        """
        namespace, pod, container = place
        what = f"`{argv[0]}` in `{namespace}/{pod}` ({container})"
        # `stream` swaps a method of its client while it connects: a client of its own for each
        # call keeps threads apart.
        api = ApiClient(configuration=self._configuration)
        try:
            channel = stream(
                CoreV1Api(api).connect_get_namespaced_pod_exec,
                pod,
                namespace,
                container=container,
                command=list(argv),
                stdin=False,
                stdout=True,
                stderr=True,
                tty=False,
                binary=True,
                _preload_content=False,
            )
        except ApiException as error:
            raise ClusterError(f"could not run {what}", where=(_one_line(error),)) from error
        finally:
            api.close()  # type: ignore[no-untyped-call]
        return _finish(channel, what, timeout_seconds)

    def _no_api(self, data: bytes) -> ClusterError:
        return ClusterError(
            f"what answers at `{self.address}` is no cluster's API",
            where=(f"kubeconfig: {self.kubeconfig}", f"answer: {data[:120]!r}"),
        )

    def _silent(self, error: Exception) -> ClusterError:
        return ClusterError(
            f"the cluster's API at `{self.address}` does not answer",
            where=(f"kubeconfig: {self.kubeconfig}", _one_line(error)),
            hint="is the lab up? `istiolab status`; another cluster: `export KUBECONFIG=FILE`",
        )


def quantity(text: str) -> float:
    """Return a resource quantity such as `250m` or `1Gi` as a number of cores or bytes.

    Raises:
        ClusterError: it is none.
    """
    try:
        return float(parse_quantity(text))  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise ClusterError(f"`{text}` is no quantity", where=(_one_line(error),)) from error


def open_cluster(kubeconfig: Path | None = None, *, context: str | None = None) -> Cluster:
    """Open the cluster of a kubeconfig, and make sure that it answers.

    Args:
        kubeconfig: the file; None means the environment's `KUBECONFIG`, else ~/.kube/config.
        context: a context in it; None means `ISTIOLAB_CONTEXT`, else the current one.

    Raises:
        ClusterError: there is no such file, it is no kubeconfig, the server does not answer, or
            it does not know the user.
    """
    named = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    chosen = context if context is not None else os.environ.get("ISTIOLAB_CONTEXT", "")
    cluster = Cluster(kubeconfig or Path(named), context=chosen)
    try:
        cluster.get("/version")
    except ClusterError:
        cluster.close()
        raise
    return cluster


def _configuration(kubeconfig: Path, context: str) -> Configuration:
    configuration = Configuration()
    hint = "bring a lab up with `istiolab up`, or name a kubeconfig: `export KUBECONFIG=FILE`"
    if not kubeconfig.is_file():
        raise ClusterError(f"the kubeconfig `{kubeconfig}` is not there", hint=hint)
    try:
        load_kube_config(  # type: ignore[no-untyped-call]
            config_file=str(kubeconfig),
            context=context or None,
            client_configuration=configuration,
            persist_config=False,
        )
    except (ConfigException, yaml.YAMLError, ValueError, TypeError, AttributeError) as error:
        raise ClusterError(
            f"the kubeconfig `{kubeconfig}` cannot be used", where=(_one_line(error),), hint=hint
        ) from error
    configuration.retries = 1
    configuration.connection_pool_maxsize = 16
    return configuration


def _finish(channel: Any, what: str, timeout_seconds: float) -> Executed:
    try:
        channel.run_forever(timeout=timeout_seconds)
        if channel.is_open():
            raise ClusterError(f"{what} did not end within {timeout_seconds:g} s")
        return Executed(
            stdout=bytes(channel.read_stdout(timeout=0)),
            stderr=bytes(channel.read_stderr(timeout=0)).decode(errors="replace"),
            exit_code=int(channel.returncode),
        )
    except (*_NO_EXIT_CODE, WebSocketException, OSError) as error:
        # No exit code came: the connection was cut, or the container's runtime failed.
        raise ClusterError(f"{what} broke off", where=(_one_line(error),)) from error
    finally:
        channel.close()
        # After the server's goodbye `close` does nothing, and the socket would stay open.
        channel.sock.shutdown()


def _one_line(error: Exception) -> str:
    # An ApiException's own text begins with a line that holds its status and nothing else.
    said = error.reason if isinstance(error, ApiException) else error
    return " ".join(str(said).split())[:800] or type(error).__name__
