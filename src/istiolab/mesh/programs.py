"""Programs in containers, over the official client's WebSocket: begun, and waited for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from kubernetes.client import ApiClient
from kubernetes.client.exceptions import ApiException
from kubernetes.stream.ws_client import websocket_call
from websocket import WebSocketException

from istiolab.errors import ClusterError, SilentError
from istiolab.system.deadlines import said, scaled

# What the official client stumbles over when the channel for the exit code holds none.
_NO_EXIT_CODE = (KeyError, IndexError, TypeError, ValueError, yaml.YAMLError)
# What websocket-client says of a server that is not there; the official client keeps no more of it.
_NOT_THERE = re.compile(
    r"refused|reset by peer|timed out|closed|unreachable|no route", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """A program that has run in a container."""

    stdout: bytes
    """What it printed on standard output."""
    stderr: str
    """What it printed on standard error."""
    exit_code: int
    """What it ended with."""


def open_channel(api: ApiClient, place: tuple[str, str, str], argv: Sequence[str]) -> Any:
    """Begin a program in a container; `place` is its namespace, pod and name.

    Raises:
        ApiException: the server does not answer, or refuses.
    """
    namespace, pod, container = place
    # Not by the client's `CoreV1Api`: it loads all models of Kubernetes, half a second's work.
    words = [("command", word) for word in argv]
    method, url, headers, *_ = api.param_serialize(
        "GET",
        f"/api/v1/namespaces/{namespace}/pods/{pod}/exec",
        query_params=[("container", container), ("stdout", "true"), ("stderr", "true"), *words],
        auth_settings=["BearerToken"],
    )
    return websocket_call(  # type: ignore[no-untyped-call]
        api.configuration,
        method,
        url,
        headers=headers,
        binary=True,
        _preload_content=False,
    )


def was_not_there(error: ApiException) -> bool:
    """Tell whether a program was not begun because no server answered."""
    return bool(_NOT_THERE.search(str(error.reason)))


def finish(channel: Any, what: str, timeout_seconds: float) -> Executed:
    """Wait for a program's end, and return how it ended; `what` is what messages call it.

    Raises:
        SilentError: the connection was cut, or no exit code came.
        ClusterError: it took too long.
    """
    try:
        channel.run_forever(timeout=scaled(timeout_seconds))
        if channel.is_open():
            raise ClusterError(f"{what} did not end within {said(scaled(timeout_seconds))}")
        return Executed(
            stdout=bytes(channel.read_stdout(timeout=0)),
            stderr=bytes(channel.read_stderr(timeout=0)).decode(errors="replace"),
            exit_code=int(channel.returncode),
        )
    except (*_NO_EXIT_CODE, WebSocketException, OSError) as error:
        # No exit code came: the connection was cut, or the container's runtime failed.
        # It may have done all of its work, so it is not to be run again.
        raise SilentError(f"{what} broke off", where=(one_line(error),), again=False) from error
    finally:
        channel.close()
        # After the server's goodbye `close` does nothing, and the socket would stay open.
        channel.sock.shutdown()


def one_line(error: Exception) -> str:
    """Return in one line what an exception of the official client says."""
    # An ApiException's own text begins with a line that holds its status and nothing else.
    said = error.reason if isinstance(error, ApiException) else error
    return " ".join(str(said).split())[:800] or type(error).__name__
