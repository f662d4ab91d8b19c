"""Several requests on one connection: lines of text to bytes, what came back to answers in a row.

Rule 1: no socket in here.
Rule 2: a request is sent as it is written, with no field that its writer did not write.

RFC 9112, 9.3: whether a connection stays; 9.3.2: pipelining, and that answers come in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from istiolab.errors import UsageError
from istiolab.mesh.table import Table
from istiolab.probe.wire import Exchange, read_response

NONE = "-"
CLOSED = "(the server has closed the connection)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What was sent in one go, and what came until the next."""

    sent: bytes
    """The bytes sent."""
    received: bytes
    """The bytes received; none if the server had closed the connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """Requests sent on one connection, and the answers to them."""

    requests: tuple[bytes, ...]
    """The requests, in order."""
    turns: tuple[Turn, ...]
    """What went over the wire, in order."""
    answers: tuple[Exchange, ...]
    """The answers, in order; fewer than requests if the server closed the connection."""
    closed: bool
    """The server closed the connection while an answer was still waited for."""
    server: str = ""
    """What to call the server in a table."""

    @property
    def answered(self) -> int:
        """Return how many of the requests were answered."""
        return len(self.answers)

    @property
    def statuses(self) -> tuple[int | None, ...]:
        """Return the answers' status codes."""
        return tuple(answer.status for answer in self.answers)

    @property
    def request_line(self) -> str:
        """Return the first request's first line."""
        return self._lines[0]

    @property
    def fields(self) -> str:
        """Return the first request's header fields; `-` if it has none."""
        return "; ".join(self._lines[1:]) or NONE

    @property
    def status_line(self) -> str:
        """Return the first answer's first line, or that there was none."""
        if not self.answers:
            return "no answer"
        return f"HTTP/{self.answers[0].http_version} {self.answers[0].answer}"

    def header(self, name: str) -> str:
        """Return a header field of the first answer; `-` if it is not there."""
        return (self.answers[0].header(name) if self.answers else "") or NONE

    @property
    def body(self) -> str:
        """Return the first answer's body; of one with several lines, how long it is."""
        text = self.answers[0].text if self.answers else ""
        return f"{len(self.answers[0].body)} bytes" if "\n" in text else text or NONE

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table, with the server first if it has a name."""
        return {
            **({"server": self.server} if self.server else {}),
            "request": self.request_line,
            "its fields": self.fields,
            "answered": f"{self.answered} of {len(self.requests)}",
            "first answer": self.status_line,
        }

    @property
    def _lines(self) -> list[str]:
        return self.requests[0].decode("latin-1").split("\r\n")[:-2]

    def __str__(self) -> str:
        shown = []
        for turn in self.turns:
            shown += [f"> {line}" for line in _lines(turn.sent)]
            shown += [f"< {line}" for line in _lines(turn.received)]
        return "\n".join([*(line.rstrip() for line in shown), *([CLOSED] if self.closed else [])])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return f"<pre><code>{escape(str(self))}</code></pre>\n"


def to_bytes(request: str) -> bytes:
    r"""Return the bytes of a request that is written as lines.

    `GET / HTTP/1.1\nHost: a` becomes two lines that end in CRLF, and the empty line that ends the
    header (RFC 9112, 2.1).

    Raises:
        UsageError: it is empty, has an empty line or a line's end of its own, or is not ASCII.
    """
    lines = request.strip("\n").split("\n")
    if not request.isascii() or "\r" in request or not all(line.strip() for line in lines):
        raise UsageError(
            f"`{request!r}` is no request",
            hint="write its lines, without their ends and without the empty one: "
            "`GET / HTTP/1.1\\nHost: a`",
        )
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def read_answers(
    received: bytes, requests: Sequence[bytes], *, closed: bool
) -> tuple[Exchange, ...]:
    """Read the answers that have come whole so far, at most one for each request.

    Args:
        received: the bytes.
        requests: the requests that were sent, in order.
        closed: the server has closed the connection, so that no more will come.

    Raises:
        MalformedError: this is not HTTP/1, or it was cut off.
    """
    found: list[Exchange] = []
    rest = received
    for request in requests:
        if not rest:
            break
        method = request.partition(b" ")[0].decode("latin-1")
        answer = read_response(rest, request, method=method, closed=closed)
        if answer is None:
            break
        found.append(answer)
        rest = answer.surplus
    return tuple(found)


def compare(dialogues: Iterable[Dialogue], *headers: str, body: bool = False) -> Table:
    """Return dialogues side by side, with header fields of their first answers.

    Args:
        dialogues: the dialogues; how many requests were answered is left out where each had one.
        headers: names of header fields, a column each.
        body: whether to show the first answer's body, too.
    """
    all_of_them = list(dialogues)
    rows = []
    for each in all_of_them:
        row = dict(each.row())
        if all(len(other.requests) == 1 for other in all_of_them):
            row["answer"] = row.pop("first answer")
            del row["answered"]
        row |= {name: each.header(name) for name in headers}
        if body:
            row["body"] = each.body
        rows.append(row)
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    return Table(
        columns=columns, rows=tuple(tuple(row.get(name, "") for name in columns) for row in rows)
    )


def _lines(data: bytes) -> list[str]:
    text = data.decode(errors="replace").replace("\r\n", "\n")
    return text.removesuffix("\n").split("\n") if data else []
