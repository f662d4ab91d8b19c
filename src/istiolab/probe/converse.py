"""Several requests out on one connection from this machine, the raw dialogue back."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field

from istiolab.errors import ClusterError
from istiolab.probe.connect import connect
from istiolab.probe.dialogue import Dialogue, Turn, read_answers, to_bytes
from istiolab.probe.send import make_request
from istiolab.system.deadlines import said, scaled
from istiolab.system.retry import SYSTEM_CLOCK


def converse(
    url: str,
    *requests: str,
    at_once: bool = False,
    pause_seconds: float = 0.0,
    server: str = "",
    timeout_seconds: float = 10.0,
) -> Dialogue:
    r"""Send requests as they are written on one connection, and return all that was said.

    Args:
        url: `http://host:port`, for host and port alone.
        requests: each one as its lines, such as `GET / HTTP/1.1\nHost: a`; nothing is added.
        at_once: send them all before the first answer (pipelining); else each one when the one
            before it was answered.
        pause_seconds: how long to wait between an answer and the next request, which is not sent
            any more if the server closes the connection meanwhile. It is what is observed, so
            that no timeout scale stretches it.
        server: what to call the server in a table.
        timeout_seconds: how long each answer may take, before it is scaled to this machine.

    Raises:
        UsageError: the URL, or a request, is none.
        ClusterError: no connection comes about, or an answer does not come in time.
        MalformedError: what came is not HTTP/1.
    """
    place = make_request(url, http="1.1", headers={})
    written = tuple(to_bytes(request) for request in requests)
    batches = [written] if at_once else [(each,) for each in written]
    with connect(place.host, place.port) as connection:
        talk = _Talk(connection, timeout_seconds=timeout_seconds)
        for number, batch in enumerate(batches):
            if number and pause_seconds:
                talk.pause(pause_seconds)
            if talk.closed:
                break
            talk.send(batch)
    return Dialogue(
        requests=written,
        turns=tuple(talk.turns),
        answers=tuple(
            answer
            for turn, batch in zip(talk.turns, batches, strict=False)
            for answer in read_answers(turn.received, batch, closed=talk.closed)
        ),
        closed=talk.closed,
        server=server,
    )


@dataclass(slots=True)
class _Talk:
    connection: socket.socket
    timeout_seconds: float
    turns: list[Turn] = field(default_factory=list)
    closed: bool = False

    def pause(self, seconds: float) -> None:
        """Let time pass, but no longer than the server stays connected."""
        self.connection.settimeout(seconds)
        try:
            self.closed = not self.connection.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return
        except ConnectionResetError:
            self.closed = True

    def send(self, batch: tuple[bytes, ...]) -> None:
        """Send requests in one go, and read until each is answered or the server hangs up."""
        sent, received = b"".join(batch), b""
        deadline = SYSTEM_CLOCK.monotonic() + scaled(self.timeout_seconds)
        try:
            self.connection.sendall(sent)
            while len(read_answers(received, batch, closed=False)) < len(batch):
                self.connection.settimeout(max(0.001, deadline - SYSTEM_CLOCK.monotonic()))
                part = self.connection.recv(65536)
                if not part:
                    self.closed = True
                    break
                received += part
        except (ConnectionResetError, BrokenPipeError):
            self.closed = True
        except TimeoutError as late:
            raise ClusterError(
                f"a request was not answered within {said(scaled(self.timeout_seconds))}, "
                "and the connection not closed",
                where=(f"sent: {sent[:120]!r}", f"received: {received[-120:]!r}"),
            ) from late
        self.turns.append(Turn(sent=sent, received=received))
