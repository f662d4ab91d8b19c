"""Servers on the loopback interface that play the far end of a connection."""

from __future__ import annotations

import json
import socket
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

PATIENCE_SECONDS = 10.0


@contextmanager
def peer(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """Accept one connection, let `talk` have it, then close it; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE_SECONDS)

        def accept() -> None:
            connection, _ = server.accept()
            with connection, suppress(ConnectionError):
                connection.settimeout(PATIENCE_SECONDS)
                talk(connection)

        thread = Thread(target=accept, daemon=True)
        thread.start()
        yield int(server.getsockname()[1])
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def take_head(connection: socket.socket) -> bytes:
    taken = b""
    while b"\r\n\r\n" not in taken:
        part = connection.recv(4096)
        if not part:
            raise ConnectionError("closed before the end of the request")
        taken += part
    return taken


def wait_for_close(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    method: str
    path: str
    content_type: str
    body: bytes


@contextmanager
def http_api(
    answers: Mapping[tuple[str, str], tuple[int, bytes]],
) -> Iterator[tuple[int, list[Heard]]]:
    """Answer (method, path) with (status, body), 404 else; yield the port and what was heard."""
    heard: list[Heard] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            heard.append(
                Heard(
                    method=self.command,
                    path=self.path,
                    content_type=self.headers.get("Content-Type", ""),
                    body=self.rfile.read(length),
                )
            )
            missing = json.dumps({"kind": "Status", "message": "not found by the fake"}).encode()
            status, body = answers.get((self.command, self.path), (404, missing))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server.server_port, heard
        server.shutdown()
        thread.join(PATIENCE_SECONDS)


def accept_websocket(connection: socket.socket) -> str:
    """Answer a WebSocket handshake (RFC 6455, 4.2.2); return the request line."""
    lines = take_head(connection).decode().split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
    raw = next(line for line in lines if line.lower().startswith("sec-websocket-key:"))
    key = raw.split(": ", 1)[1]
    digest = sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
    assert "v4.channel.k8s.io" in fields["sec-websocket-protocol"]
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Protocol: v4.channel.k8s.io\r\nSec-WebSocket-Accept: "
        + b64encode(digest)
        + b"\r\n\r\n"
    )
    return lines[0]


def frame(channel: int, data: bytes) -> bytes:
    payload = bytes([channel]) + data
    if len(payload) < 126:
        return bytes([0x82, len(payload)]) + payload
    return bytes([0x82, 126]) + len(payload).to_bytes(2, "big") + payload


CLOSE_FRAME = bytes([0x88, 2]) + (1000).to_bytes(2, "big")
