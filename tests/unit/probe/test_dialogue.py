from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import UsageError
from istiolab.probe.dialogue import CLOSED, Dialogue, Turn, compare, read_answers, to_bytes
from istiolab.probe.wire import MalformedError

ASKED = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
GONE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
PAGE = b"HTTP/1.0 200 OK\r\n\r\none\ntwo"


def dialogue(
    *answers: bytes,
    request: bytes = ASKED,
    requests: int = 1,
    closed: bool = False,
    server: str = "",
) -> Dialogue:
    sent = (request,) * requests
    received = b"".join(answers)
    return Dialogue(
        requests=sent,
        turns=(Turn(sent=b"".join(sent), received=received),),
        answers=read_answers(received, sent, closed=closed),
        closed=closed,
        server=server,
    )


def test_a_request_is_sent_as_written_with_lines_that_end_in_crlf() -> None:
    assert to_bytes("GET / HTTP/1.0") == b"GET / HTTP/1.0\r\n\r\n"
    assert to_bytes("GET / HTTP/1.1\nHost: a\n") == ASKED


@pytest.mark.parametrize(
    "text", ["", "\n", "GET / HTTP/1.1\r\nHost: a", "GET / HTTP/1.1\n\nHost: a", "GET /é HTTP/1.1"]
)
def test_what_is_no_request_is_a_usage_error_that_says_how_to_write_one(text: str) -> None:
    with pytest.raises(UsageError, match="is no request") as caught:
        to_bytes(text)
    assert "GET / HTTP/1.1" in (caught.value.hint or "")


def test_answers_are_read_in_order_and_one_for_each_request() -> None:
    found = read_answers(OK + GONE + OK, [ASKED] * 2, closed=False)
    assert [answer.status for answer in found] == [200, 404]
    assert found[0].text == "hi"


def test_an_answer_that_lasts_until_the_end_takes_what_follows() -> None:
    assert read_answers(PAGE, [ASKED] * 2, closed=False) == ()
    (found,) = read_answers(PAGE + OK, [ASKED] * 2, closed=True)
    assert found.body.endswith(OK)


def test_the_answer_to_head_has_no_body() -> None:
    head = ASKED.replace(b"GET", b"HEAD")
    found = read_answers(OK[:-2] + GONE, [head, ASKED], closed=False)
    assert [answer.status for answer in found] == [200, 404]


@given(st.integers(0, 3 * len(OK)), st.integers(1, 4))
def test_a_part_of_the_bytes_holds_the_answers_that_are_whole(cut: int, requests: int) -> None:
    found = read_answers((OK * 3)[:cut], [ASKED] * requests, closed=False)
    assert len(found) == min(requests, cut // len(OK))


def test_bytes_that_are_no_http_are_told_apart_from_no_answer() -> None:
    assert read_answers(b"", [ASKED], closed=True) == ()
    with pytest.raises(MalformedError):
        read_answers(b"SSH-2.0", [ASKED], closed=False)
    with pytest.raises(MalformedError):
        read_answers(OK[:-1], [ASKED], closed=True)


def test_a_dialogue_shows_itself_as_it_went_over_the_wire() -> None:
    shown = str(dialogue(GONE, requests=2, closed=True))
    assert shown.splitlines() == [
        *("> GET / HTTP/1.1", "> Host: a", ">", "> GET / HTTP/1.1", "> Host: a", ">"),
        *("< HTTP/1.1 404 Not Found", "< Content-Length: 0", "< Connection: close", "<"),
        CLOSED,
    ]


def test_its_html_is_escaped() -> None:
    assert "&lt;b&gt;" in dialogue(b"HTTP/1.1 200 OK\r\n\r\n<b>", closed=True)._repr_html_()


def test_a_row_tells_request_fields_and_how_many_were_answered() -> None:
    assert dialogue(OK, GONE, requests=3, closed=True).row() == {
        "request": "GET / HTTP/1.1",
        "its fields": "Host: a",
        "answered": "2 of 3",
        "first answer": "HTTP/1.1 200 OK",
    }
    bare = dialogue(request=b"GET / HTTP/1.0\r\n\r\n", closed=True, server="nginx")
    assert bare.row() == {
        "server": "nginx",
        "request": "GET / HTTP/1.0",
        "its fields": "-",
        "answered": "0 of 1",
        "first answer": "no answer",
    }
    assert (bare.statuses, bare.header("Date"), bare.body) == ((), "-", "-")


def test_single_requests_are_compared_by_their_answer_and_its_fields() -> None:
    table = compare([dialogue(OK), dialogue(GONE)], "Connection", body=True)
    assert table.columns == ("request", "its fields", "answer", "Connection", "body")
    assert [row[2:] for row in table.rows] == [
        ("HTTP/1.1 200 OK", "-", "hi"),
        ("HTTP/1.1 404 Not Found", "close", "-"),
    ]


def test_where_one_had_more_requests_all_tell_how_many_were_answered() -> None:
    table = compare([dialogue(OK), dialogue(OK, OK, requests=2)])
    assert table.columns == ("request", "its fields", "answered", "first answer")
    assert [row[2] for row in table.rows] == ["1 of 1", "2 of 2"]


def test_a_column_that_only_some_have_is_empty_for_the_others() -> None:
    table = compare([dialogue(OK), dialogue(OK, server="nginx")])
    place = table.columns.index("server")
    assert [row[place] for row in table.rows] == ["", "nginx"]


def test_a_body_of_several_lines_is_told_by_its_length() -> None:
    assert dialogue(PAGE, closed=True).body == "7 bytes"
