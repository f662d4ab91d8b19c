"""A request out, the raw exchange back: from this machine, or from inside a pod."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from urllib.parse import urlsplit

from istiolab.errors import ClusterError, UsageError
from istiolab.mesh.pods import LivePod
from istiolab.probe.connect import CONNECT_SECONDS, connect
from istiolab.probe.wire import Exchange, Request, read_response
from istiolab.system.deadlines import said, scaled
from istiolab.system.retry import SYSTEM_CLOCK

# bash opens TCP connections by itself: raw bytes without a tool that knows better. The exit code
# 7 (as curl's) keeps "could not connect" apart from "was closed without an answer".
_SCRIPT = (
    '{ exec 3<>"/dev/tcp/$1/$2"; } || exit 7; printf %s "$3" | base64 -d >&3; timeout "$4" cat <&3'
)
_NO_CONNECTION = 7
# cat's: it read to the end, or to a reset. Others (127: no `timeout`; 137: killed) tell nothing
# about the answer, and must not pass for a connection that was closed without one.
_ENDED = (0, 1)


def send(
    url: str,
    *,
    http: str = "1.1",
    source: LivePod | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_seconds: float = 10.0,
) -> Exchange:
    """Send a GET request and return the raw exchange.

    Args:
        url: `http://host:port/path`.
        http: the version to speak, `1.0` or `1.1`.
        source: the pod to send from; None means this machine.
        headers: header fields; they replace those that we would send ourselves.
        timeout_seconds: how long the whole answer may take once connected, before it is scaled to
            this machine.

    Raises:
        UsageError: the URL or the version is none that we can speak.
        ClusterError: no connection comes about, or the answer is not whole in time.
    """
    request = make_request(url, http=http, headers=headers or {})
    if source is None:
        return _from_here(request, timeout_seconds=timeout_seconds)
    return _from_pod(source, request, timeout_seconds=timeout_seconds)


def make_request(url: str, *, http: str, headers: Mapping[str, str]) -> Request:
    """Return the request for a URL.

    Raises:
        UsageError: the URL is not `http://…`, or the version is neither 1.0 nor 1.1.
    """
    # RFC 9110, 4.2.1; a URL is ASCII (RFC 3986, 2), so that it can stand in a request as it is.
    try:
        parts = urlsplit(url)
        port = parts.port or 80
    except ValueError as error:
        raise UsageError(f"`{url}` is no http:// URL", where=(str(error),)) from error
    if parts.scheme != "http" or not parts.hostname or not url.isascii():
        raise UsageError(f"`{url}` is no http:// URL")
    if http not in ("1.0", "1.1"):
        raise UsageError(f"HTTP version `{http}` is none of 1.0 and 1.1")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Request(
        host=parts.hostname,
        port=port,
        target=target,
        http_version=http,
        headers=headers,
    )


def _from_here(request: Request, *, timeout_seconds: float) -> Exchange:
    data = request.to_bytes()
    with connect(request.host, request.port) as connection:
        connection.settimeout(scaled(timeout_seconds))
        deadline = SYSTEM_CLOCK.monotonic() + scaled(timeout_seconds)
        received = b""
        try:
            connection.sendall(data)
            while (left := deadline - SYSTEM_CLOCK.monotonic()) > 0:
                connection.settimeout(left)
                part = connection.recv(65536)
                received += part
                exchange = read_response(received, data, method=request.method, closed=not part)
                if exchange is not None:
                    return exchange
        except (ConnectionResetError, BrokenPipeError):
            return _whole(received, data)
        except TimeoutError as late:
            raise _late(request, received, timeout_seconds) from late
    raise _late(request, received, timeout_seconds)


def _from_pod(source: LivePod, request: Request, *, timeout_seconds: float) -> Exchange:
    data = request.to_bytes()
    pod = source.pod
    # The workload's own container sends, so that a sidecar takes it for the workload's traffic.
    done = source.execute(
        pod.workload,
        [
            *("bash", "-c", _SCRIPT, "bash", request.host, str(request.port)),
            *(base64.b64encode(data).decode(), f"{scaled(timeout_seconds):g}"),
        ],
        timeout_seconds=timeout_seconds + CONNECT_SECONDS,
    )
    if done.exit_code == _NO_CONNECTION:
        raise ClusterError(
            f"pod `{pod.name}` cannot connect to `{request.host}:{request.port}`",
            where=tuple(f"| {line}" for line in done.stderr.splitlines()[-3:]),
        )
    if done.exit_code == 124:  # coreutils' timeout: nobody closed the connection
        exchange = read_response(done.stdout, data, method=request.method, closed=False)
        if exchange is None:
            raise _late(request, done.stdout, timeout_seconds)
        return exchange
    if done.exit_code not in _ENDED:
        raise ClusterError(
            f"pod `{pod.name}` could not send: its shell ended with {done.exit_code}",
            where=tuple(f"| {line}" for line in done.stderr.splitlines()[-3:]),
        )
    return _whole(done.stdout, data)


def _whole(received: bytes, data: bytes) -> Exchange:
    exchange = read_response(received, data, closed=True)
    if exchange is None:
        raise AssertionError("a closed connection leaves nothing to wait for")
    return exchange


def _late(request: Request, received: bytes, timeout_seconds: float) -> ClusterError:
    return ClusterError(
        f"`{request.host}:{request.port}` sent no whole answer "
        f"within {said(scaled(timeout_seconds))}",
        where=(f"received: {received[:120]!r}",),
    )
