"""HTTP/1 on the wire: a request to bytes, bytes received to an Exchange.

Rule 1: no socket in here.
Rule 2: what was sent and received is kept as it was; the fields are only a reading of it.

RFC 9112 is HTTP/1.1's message syntax, RFC 1945 is HTTP/1.0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

from istiolab.errors import ClusterError

# RFC 9112, 4: status-line = HTTP-version SP status-code SP [ reason-phrase ].
# Servers that leave out the second SP when there is no reason are let pass, as most clients do.
_STATUS_LINE = re.compile(rb"HTTP/(\d\.\d) (\d{3})(?: ([^\r\n]*))?")
# RFC 9112, 5: field-line = field-name ":" OWS field-value OWS; field-name is RFC 9110's token.
_FIELD_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*")
# RFC 9112, 7.1: chunk = chunk-size [ chunk-ext ] CRLF chunk-data CRLF.
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?")
_HEAD_END = re.compile(rb"\r?\n\r?\n")


class MalformedError(ClusterError):
    """The peer sent something that is not HTTP/1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request without a body."""

    host: str
    """Where it goes: a name or an address."""
    port: int
    """The TCP port."""
    target: str = "/"
    """The path, with query (RFC 9112, 3.2.1: origin-form)."""
    http_version: str = "1.1"
    """`1.0` or `1.1`."""
    method: str = "GET"
    """The method."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Header fields, in order; they replace those that we would send ourselves."""

    def to_bytes(self) -> bytes:
        """Return the request as it goes over the wire.

        Both versions carry a Host field: RFC 9112, 3.2 demands it of HTTP/1.1, and nginx's
        proxy_pass sends one with HTTP/1.0 too. HTTP/1.1 asks for the connection to be closed
        (RFC 9112, 9.6), which HTTP/1.0 does anyway (RFC 1945, 1.3).
        """
        own = {"Host": f"{self.host}:{self.port}", "User-Agent": "istiolab"}
        if self.http_version == "1.1":
            own["Connection"] = "close"
        given = {name.lower() for name in self.headers}
        fields = {name: value for name, value in own.items() if name.lower() not in given}
        lines = [f"{self.method} {self.target} HTTP/{self.http_version}"]
        lines += [f"{name}: {value}" for name, value in {**fields, **self.headers}.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request and what came back."""

    request: bytes
    """The bytes sent."""
    received: bytes
    """The bytes received, all of them."""
    status: int | None
    """The status code; None if the connection was closed without a byte."""
    reason: str
    """The reason phrase."""
    headers: tuple[tuple[str, str], ...]
    """The header fields in the order in which they came, names as sent."""
    body: bytes
    """The body, with any chunked coding taken off."""
    http_version: str
    """The version in the status line: `1.0` or `1.1`; empty if there was no answer."""
    surplus: bytes = b""
    """Bytes after the message's end, which are no part of it (RFC 9112, 6.3)."""

    @property
    def answer(self) -> str:
        """Return the status and reason, such as `426 Upgrade Required`, or `no answer`."""
        return "no answer" if self.status is None else f"{self.status} {self.reason}".strip()

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode(errors="replace").strip()

    def header(self, name: str) -> str:
        """Return a header field's values, joined by commas (RFC 9110, 5.3); empty if absent."""
        return ", ".join(value for key, value in self.headers if key.lower() == name.lower())

    def __str__(self) -> str:
        sent = [f"> {line}" for line in _lines(self.request)]
        came = [f"< {line}" for line in _lines(self.received)] or ["(closed without an answer)"]
        return "\n".join(line.rstrip() for line in (*sent, *came))

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return f"<pre><code>{escape(str(self))}</code></pre>\n"


def read_response(
    received: bytes, request: bytes = b"", *, method: str = "GET", closed: bool
) -> Exchange | None:
    """Read a response from the bytes that have come so far.

    Interim responses (1xx; RFC 9110, 15.2) before the final one are passed over.

    Args:
        received: the bytes.
        request: the bytes that were sent, for the record.
        method: the request's method; the answer to HEAD has no body.
        closed: the peer has closed the connection, so that no more will come.

    Returns:
        The exchange, or None if more bytes are needed.

    Raises:
        MalformedError: this is not HTTP/1, or it was cut off.
    """
    if not received and closed:
        return Exchange(
            request=request, received=b"", status=None, reason="", headers=(), body=b"",
            http_version="",
        )  # fmt: skip
    rest = received
    while True:
        head = _read_head(rest)
        if head is None:
            _demand_open(received, closed=closed)
            return None
        version, status, reason, headers, rest = head
        if not 100 <= status < 200 or status == 101:
            break
    ended = _read_body(rest, status=status, method=method, headers=headers, closed=closed)
    if ended is None:
        _demand_open(received, closed=closed)
        return None
    return Exchange(
        request=request,
        received=received,
        status=status,
        reason=reason,
        headers=headers,
        body=ended[0],
        http_version=version,
        surplus=ended[1],
    )


_Fields = tuple[tuple[str, str], ...]


def _read_head(data: bytes) -> tuple[str, int, str, _Fields, bytes] | None:
    end = _HEAD_END.search(data)
    if end is None:
        # Tell early that this is no HTTP, instead of waiting for the end of it.
        if not b"HTTP/"[: len(data)] == data[:5]:
            raise _malformed("the answer does not begin with a status line", data)
        return None
    first, *others = re.split(rb"\r?\n", data[: end.start()])
    line = _STATUS_LINE.fullmatch(first)
    if line is None:
        raise _malformed("the answer does not begin with a status line", data)
    fields = []
    for other in others:
        found = _FIELD_LINE.fullmatch(other)
        if found is None:
            raise _malformed("the answer has a header field that is none", other)
        fields.append((found[1].decode("latin-1"), found[2].decode("latin-1")))
    reason = (line[3] or b"").decode("latin-1")
    return line[1].decode(), int(line[2]), reason, tuple(fields), data[end.end() :]


def _read_body(
    data: bytes, *, status: int, method: str, headers: _Fields, closed: bool
) -> tuple[bytes, bytes] | None:
    """Return body and surplus by the rules of RFC 9112, 6.3, in their order; None: more needed."""
    if method == "HEAD" or status in (101, 204, 304):
        return b"", data
    fields = {name.lower(): value for name, value in headers}
    if "chunked" in fields.get("transfer-encoding", "").lower():
        return _read_chunks(data)
    if "content-length" in fields:
        length = fields["content-length"]
        # Sixteen digits, as for a chunk: more than any answer has, and less than int() refuses.
        if not (length.isascii() and length.isdigit() and len(length) <= 16):
            raise _malformed("the answer has a Content-Length that is no number", data)
        size = int(length)
        return (data[:size], data[size:]) if len(data) >= size else None
    return (data, b"") if closed else None


def _read_chunks(data: bytes) -> tuple[bytes, bytes] | None:
    body = b""
    while True:
        line, found, data = data.partition(b"\r\n")
        if not found:
            return None
        size = _CHUNK_SIZE.fullmatch(line)
        if size is None:
            raise _malformed("the answer has a chunk without a size", line)
        length = int(size[1], 16)
        if length == 0:
            return _read_trailers(body, data)
        if len(data) < length + 2:
            return None
        if data[length : length + 2] != b"\r\n":
            raise _malformed("the answer has a chunk longer than its size", line)
        body, data = body + data[:length], data[length + 2 :]


def _read_trailers(body: bytes, data: bytes) -> tuple[bytes, bytes] | None:
    # RFC 9112, 7.1.2: the trailer section ends with an empty line.
    if data.startswith(b"\r\n"):
        return body, data[2:]
    end = data.find(b"\r\n\r\n")
    return (body, data[end + 4 :]) if end >= 0 else None


def _demand_open(received: bytes, *, closed: bool) -> None:
    if closed:
        raise _malformed("the answer was cut off", received)


def _malformed(message: str, data: bytes) -> MalformedError:
    return MalformedError(message, where=(f"received: {data[:120]!r}",))


def _lines(data: bytes) -> list[str]:
    return (
        data.decode(errors="replace").replace("\r\n", "\n").rstrip("\n").split("\n") if data else []
    )
