"""What a witness wrote down: each piece of bytes that came to it, and on which connection.

A witness is a server whose log has a line of JSON for each piece that it read from a connection:
`{"connection": 3, "bytes": "R0VUIC8g…"}`, the bytes in base64. `manifests/http-versions` has one.
Evidence at the server's end: what a proxy made of a request, and how many connections it took.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from istiolab.errors import ClusterError
from istiolab.mesh.pods import LivePod
from istiolab.mesh.waits import wait_for
from istiolab.system.retry import Answer

ARRIVAL_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Bytes that a witness read in one go."""

    connection: int
    """The connection's number."""
    data: bytes
    """The bytes."""

    @property
    def requests(self) -> int:
        """Return how many requests, all of them without a body, end in it."""
        # RFC 9112, 2.1: an empty line ends the header.
        return self.data.count(b"\r\n\r\n")

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {
            "connection": str(self.connection),
            "requests in this piece": str(self.requests),
            "first line": self.data.partition(b"\r\n")[0].decode("latin-1"),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """What came to a witness while something was asked."""

    sender: str
    """Who sent it, in a few words."""
    pieces: tuple[Piece, ...]
    """What came, in order; connections are counted from 1."""

    @property
    def requests(self) -> int:
        """Return how many requests came, all of them without a body."""
        return sum(piece.requests for piece in self.pieces)

    @property
    def connections(self) -> int:
        """Return on how many connections they came."""
        return len({piece.connection for piece in self.pieces})

    @property
    def first(self) -> bytes:
        """Return the first request as it came; nothing if none has."""
        head, end, _ = (
            self.pieces[0].data.partition(b"\r\n\r\n") if self.pieces else (b"", b"", b"")
        )
        return head + end

    @property
    def http_version(self) -> str:
        """Return the HTTP version of the first request, such as `HTTP/1.1`."""
        return self.first.partition(b"\r\n")[0].rpartition(b" ")[2].decode("latin-1")

    def field(self, name: str) -> str:
        """Return a header field of the first request; `-` if it is not there."""
        lines = self.first.decode("latin-1").split("\r\n")[1:]
        fields = (line.partition(":") for line in lines)
        found = [value.strip() for key, _, value in fields if key.lower() == name.lower()]
        return ", ".join(found) or "-"

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {
            "sender": self.sender,
            "version": self.http_version or "-",
            "Host": self.field("Host"),
            "Connection": self.field("Connection"),
            "requests": str(self.requests),
            "connections": str(self.connections),
        }


def watch(
    witness: LivePod, ask: Callable[[], object], *, requests: int, sender: str = ""
) -> Arrivals:
    """Ask something, and return what came to a witness meanwhile.

    Args:
        witness: the pod of the witness.
        ask: sends the requests.
        requests: how many must come, at least.
        sender: who sends them, in a few words, for a table.

    Raises:
        ClusterError: fewer have come at the deadline, or the log is no witness's.
    """
    before = len(read_log(witness.log(witness.pod.workload)))
    ask()
    found: list[Piece] = []

    def look() -> Answer:
        found[:] = read_log(witness.log(witness.pod.workload))[before:]
        came = sum(piece.requests for piece in found)
        return Answer(done=came >= requests, detail=f"{came} of {requests} requests")

    waited = wait_for("arrivals at the witness", look, timeout_seconds=ARRIVAL_SECONDS)
    if not waited.done:
        raise ClusterError(
            f"requests have not come to `{witness.pod.name}`",
            where=(f"sender: {sender or 'not named'}", waited.detail),
        )
    return Arrivals(sender=sender, pieces=tuple(renumber(found)))


def read_log(text: str) -> list[Piece]:
    """Return the pieces in a witness's log, in order.

    Raises:
        ClusterError: a line is none of a witness's.
    """
    pieces = []
    for line in text.splitlines():
        try:
            fields = json.loads(line)
            data = base64.b64decode(fields["bytes"], validate=True)
            pieces.append(Piece(connection=int(fields["connection"]), data=data))
        except (ValueError, KeyError, TypeError) as wrong:
            raise ClusterError(
                "a log has a line that no witness writes", where=(f"line: {line[:120]!r}",)
            ) from wrong
    return pieces


def renumber(pieces: Iterable[Piece]) -> list[Piece]:
    """Return the pieces with their connections counted from 1, in the order in which they came."""
    numbers: dict[int, int] = {}
    return [
        Piece(
            connection=numbers.setdefault(piece.connection, len(numbers) + 1),
            data=piece.data,
        )
        for piece in pieces
    ]
