from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import ClusterError
from istiolab.probe.wire import Exchange, MalformedError, Request, read_response
from tests.unit.probe.build import answered, exchange

TAIL = b"HTTP/1.1 500 Oops\r\n\r\nsurplus"


@dataclass(frozen=True, kw_only=True)
class Case:
    data: bytes
    status: int = 200
    reason: str = "OK"
    body: bytes = b""
    http_version: str = "1.1"
    headers: tuple[tuple[str, str], ...] = ()
    method: str = "GET"

    def demand(self, found: Exchange | None, *, body: bytes | None = None) -> None:
        assert found is not None
        assert (found.status, found.reason) == (self.status, self.reason)
        assert found.body == (self.body if body is None else body)
        assert found.http_version == self.http_version
        assert found.headers == self.headers


# Messages that tell their own end.
FRAMED = {
    "content-length": Case(
        data=b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        body=b"hello",
        headers=(("Content-Length", "5"),),
    ),
    "content-length with leading zeros": Case(
        data=b"HTTP/1.1 200 OK\r\nContent-Length: 0000000000000005\r\n\r\nhello",
        body=b"hello",
        headers=(("Content-Length", "0000000000000005"),),
    ),
    "content-length of none": Case(
        data=b"HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n", headers=(("content-length", "0"),)
    ),
    "envoy turning 1.0 away": Case(
        data=b"HTTP/1.1 426 Upgrade Required\r\nconnection: close\r\ncontent-length: 3\r\n\r\nno!",
        status=426,
        reason="Upgrade Required",
        body=b"no!",
        headers=(("connection", "close"), ("content-length", "3")),
    ),
    "http/1.0 with content-length": Case(
        data=b"HTTP/1.0 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
        status=404,
        reason="Not Found",
        body=b"no",
        http_version="1.0",
        headers=(("Content-Length", "2"),),
    ),
    "no reason": Case(
        data=b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
        reason="",
        headers=(("Content-Length", "0"),),
    ),
    "no reason and no space": Case(
        data=b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
        reason="",
        headers=(("Content-Length", "0"),),
    ),
    "a reason in latin-1": Case(
        data=b"HTTP/1.1 200 \xe9\r\nContent-Length: 0\r\n\r\n",
        reason="é",
        headers=(("Content-Length", "0"),),
    ),
    "a header twice, one empty, one padded": Case(
        data=b"HTTP/1.1 204 OK\r\nA: 1\r\na: 2\r\nB:\r\nC: \t x y \t\r\n\r\n",
        status=204,
        headers=(("A", "1"), ("a", "2"), ("B", ""), ("C", "x y")),
    ),
    "lines that end in LF alone": Case(
        data=b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi",
        body=b"hi",
        headers=(("Content-Length", "2"),),
    ),
    "chunked": Case(
        data=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n",
        body=b"hello!",
        headers=(("Transfer-Encoding", "chunked"),),
    ),
    "chunked with hexadecimal sizes and extensions": Case(
        data=b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n"
        b"00a;name=value\r\n0123456789\r\nc ; x\r\n\r\n\r\n0\r\n\r\nABC\r\n0\r\n\r\n",
        body=b"0123456789\r\n\r\n0\r\n\r\nABC",
        headers=(("transfer-encoding", "Chunked"),),
    ),
    "chunked with trailers": Case(
        data=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\nhi\r\n0\r\nX-A: 1\r\nX-B: 2\r\n\r\n",
        body=b"hi",
        headers=(("Transfer-Encoding", "chunked"),),
    ),
    "chunked without a chunk": Case(
        data=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        headers=(("Transfer-Encoding", "chunked"),),
    ),
    "chunked beats content-length": Case(
        data=b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\nhi\r\n0\r\n\r\n",
        body=b"hi",
        headers=(("Content-Length", "1"), ("Transfer-Encoding", "chunked")),
    ),
    "the answer to head": Case(
        data=b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        headers=(("Content-Length", "5"),),
        method="HEAD",
    ),
    "204": Case(data=b"HTTP/1.1 204 No Content\r\n\r\n", status=204, reason="No Content"),
    "304 with the length of what it does not send": Case(
        data=b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
        status=304,
        reason="Not Modified",
        headers=(("Content-Length", "5"),),
    ),
    "101": Case(
        data=b"HTTP/1.1 101 Switching Protocols\r\n\r\n", status=101, reason="Switching Protocols"
    ),
    "interim answers first": Case(
        data=b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        body=b"hi",
        headers=(("Content-Length", "2"),),
    ),
}  # fmt: skip

# Messages that end when the connection does; the head's length comes first.
UNTIL_CLOSE = {
    "http/1.0": Case(
        data=b"HTTP/1.0 200 OK\r\nServer: old\r\n\r\nsome\r\n\r\nbody",
        body=b"some\r\n\r\nbody",
        http_version="1.0",
        headers=(("Server", "old"),),
    ),
    "http/1.1 without a length": Case(data=b"HTTP/1.1 200 OK\r\n\r\nbody", body=b"body"),
    "another coding than chunked": Case(
        data=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n\x1f\x8b",
        body=b"\x1f\x8b",
        headers=(("Transfer-Encoding", "gzip"),),
    ),
}


def read(case: Case, data: bytes, *, closed: bool) -> Exchange | None:
    return read_response(data, b"sent", method=case.method, closed=closed)


@pytest.mark.parametrize("case", FRAMED.values(), ids=FRAMED.keys())
@pytest.mark.parametrize("closed", [True, False])
def test_a_whole_answer_is_read_before_and_after_the_close(case: Case, *, closed: bool) -> None:
    found = read(case, case.data, closed=closed)
    case.demand(found)
    assert found is not None
    assert (found.request, found.received, found.surplus) == (b"sent", case.data, b"")


@pytest.mark.parametrize("case", FRAMED.values(), ids=FRAMED.keys())
def test_every_part_of_an_answer_needs_more_and_is_cut_off_by_a_close(case: Case) -> None:
    for end in range(1, len(case.data)):
        assert read(case, case.data[:end], closed=False) is None
        with pytest.raises(MalformedError, match="was cut off"):
            read(case, case.data[:end], closed=True)


@pytest.mark.parametrize("case", FRAMED.values(), ids=FRAMED.keys())
def test_what_comes_after_an_answer_is_surplus(case: Case) -> None:
    found = read(case, case.data + TAIL, closed=False)
    case.demand(found)
    assert found is not None
    assert (found.surplus, found.received) == (TAIL, case.data + TAIL)


@pytest.mark.parametrize("case", UNTIL_CLOSE.values(), ids=UNTIL_CLOSE.keys())
def test_an_answer_without_length_lasts_until_the_close(case: Case) -> None:
    head = len(case.data) - len(case.body)
    case.demand(read(case, case.data, closed=True))
    for end in range(1, len(case.data) + 1):
        assert read(case, case.data[:end], closed=False) is None
    for end in range(head, len(case.data)):
        case.demand(read(case, case.data[:end], closed=True), body=case.data[head:end])
    case.demand(read(case, case.data + TAIL, closed=True), body=case.body + TAIL)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", "does not begin with a status line"),
        (b"\x15\x03\x01\x00\x02\x02\x16", "does not begin with a status line"),
        (b"HTTX", "does not begin with a status line"),
        (b" HTTP/1.1 200 OK\r\n\r\n", "does not begin with a status line"),
        (b"HTTP/1.1 20 OK\r\n\r\n", "does not begin with a status line"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "does not begin with a status line"),
        (b"HTTP/2 200 OK\r\n\r\n", "does not begin with a status line"),
        (b"HTTP/1.1  200 OK\r\n\r\n", "does not begin with a status line"),
        (b"http/1.1 200 OK\r\n\r\n", "does not begin with a status line"),
        (b"GET / HTTP/1.1\r\n\r\n", "does not begin with a status line"),
        (b"HTTP/1.1 100 Continue\r\n\r\nnonsense", "does not begin with a status line"),
        (b"HTTP/1.1 200 OK\r\nA: 1\r\n folded\r\n\r\n", "a header field that is none"),
        (b"HTTP/1.1 200 OK\r\nA : 1\r\n\r\n", "a header field that is none"),
        (b"HTTP/1.1 200 OK\r\n: 1\r\n\r\n", "a header field that is none"),
        (b"HTTP/1.1 200 OK\r\nnothing\r\n\r\n", "a header field that is none"),
        *(
            (b"HTTP/1.1 200 OK\r\nContent-Length: " + length + b"\r\n\r\n", "that is no number")
            for length in (b"", b"ten", b"-1", b"+1", b"1, 1", b"0x1", b"\xb2", b"9" * 5000)
        ),
        *(
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk, "a chunk without")
            for chunk in (b"\r\n", b"zz\r\n", b"-1\r\n", b"1" * 17 + b"\r\n", b"1 x\r\n")
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
            "a chunk longer than its size",
        ),
    ],
)
@pytest.mark.parametrize("closed", [True, False])
def test_what_is_no_http_is_malformed_at_once(data: bytes, message: str, *, closed: bool) -> None:
    with pytest.raises(MalformedError, match=message) as caught:
        read_response(data, closed=closed)
    assert caught.value.where[0].startswith("received: b")
    assert len(caught.value.where[0]) < 600
    assert isinstance(caught.value, ClusterError)


def test_a_close_without_a_byte_is_no_answer() -> None:
    found = read_response(b"", b"sent", closed=True)
    assert found is not None
    assert (found.status, found.answer, found.received, found.http_version) == (
        None,
        "no answer",
        b"",
        "",
    )
    assert read_response(b"", closed=False) is None


PIECES = st.sampled_from(
    [b"HTTP/1.1 200 OK", b"HTTP/1.0 204 No", b"HTTP/1.1 100 C", b"\r\n", b"\n", b"\r", b": ", b"A",
     b"Content-Length: 3", b"Transfer-Encoding: chunked", b"3", b"0", b"abc", b";", b" ", b"\xff"]
)  # fmt: skip
ANYTHING = st.binary() | st.lists(PIECES, max_size=14).map(b"".join)
LIKELY = st.tuples(
    st.sampled_from([case.data for case in (*FRAMED.values(), *UNTIL_CLOSE.values())]),
    st.integers(0, 120),
    st.binary(max_size=3),
).map(lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] + 1 :])


@given(ANYTHING | LIKELY, st.booleans(), st.sampled_from(["GET", "HEAD"]))
def test_any_bytes_are_read_or_malformed(data: bytes, closed: bool, method: str) -> None:  # noqa: FBT001
    try:
        found = read_response(data, method=method, closed=closed)
    except MalformedError:
        return
    assert found is not None or not closed
    assert found is None or found.received == data


@given(LIKELY, st.binary(min_size=1, max_size=9))
def test_more_bytes_never_change_an_answer_that_was_whole(data: bytes, more: bytes) -> None:
    try:
        found = read_response(data, closed=False)
    except MalformedError:
        found = None
    if found is not None:
        longer = read_response(data + more, closed=False)
        assert longer is not None
        assert (longer.status, longer.headers, longer.body) == (
            found.status,
            found.headers,
            found.body,
        )
        assert longer.surplus == found.surplus + more


@given(st.binary(max_size=60), st.sets(st.integers(1, 59), max_size=5))
def test_any_body_in_any_chunks_is_put_together(body: bytes, cuts: set[int]) -> None:
    places = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    chunks = [body[start:end] for start, end in pairwise(places)]
    coded = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    found = read_response(head + coded + b"0\r\n\r\n", closed=False)
    assert found is not None
    assert (found.body, found.surplus) == (body, b"")


def test_a_1_1_request_carries_host_and_asks_for_the_close() -> None:
    assert Request(host="backend", port=10000, target="/a?b=c").to_bytes() == (
        b"GET /a?b=c HTTP/1.1\r\nHost: backend:10000\r\nUser-Agent: istiolab\r\n"
        b"Connection: close\r\n\r\n"
    )


def test_a_1_0_request_carries_host_and_nothing_about_the_connection() -> None:
    assert Request(host="backend", port=80, http_version="1.0").to_bytes() == (
        b"GET / HTTP/1.0\r\nHost: backend:80\r\nUser-Agent: istiolab\r\n\r\n"
    )


def test_header_fields_replace_ours_whatever_their_case() -> None:
    given_fields = {"hOST": "example.org", "CONNECTION": "keep-alive", "X-A": "1"}
    request = Request(host="backend", port=80, method="HEAD", headers=given_fields)
    assert request.to_bytes() == (
        b"HEAD / HTTP/1.1\r\nUser-Agent: istiolab\r\nhOST: example.org\r\n"
        b"CONNECTION: keep-alive\r\nX-A: 1\r\n\r\n"
    )


def test_an_exchange_answers_questions_about_its_answer() -> None:
    found = exchange(b"HTTP/1.1 426 Upgrade Required\r\nA: 1\r\nb: x\r\na: 2\r\n\r\n hi\n")
    assert found.answer == "426 Upgrade Required"
    assert found.text == "hi"
    assert (found.header("a"), found.header("B"), found.header("c")) == ("1, 2", "x", "")
    assert exchange(b"HTTP/1.1 200\r\n\r\n").answer == "200"


def test_an_exchange_is_shown_as_sent_and_received() -> None:
    found = exchange(b"HTTP/1.1 200 OK\r\nA: <b>\r\n\r\n\xffhi\n")
    assert (
        str(found)
        == repr(found)
        == ("> GET / HTTP/1.1\n< HTTP/1.1 200 OK\n< A: <b>\n<\n< \N{REPLACEMENT CHARACTER}hi")
    )
    assert found._repr_html_().startswith("<pre><code>&gt; GET / HTTP/1.1\n&lt; HTTP/1.1 200 OK")
    assert "<b>" not in found._repr_html_()
    assert str(exchange()) == "> GET / HTTP/1.1\n(closed without an answer)"
    assert answered(200, "x").text == "x"
