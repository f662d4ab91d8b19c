from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import ClusterError, ExitCode
from istiolab.mesh.refusals import ForbiddenError, MissingError, TakenError, refusal


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [
        (404, MissingError, "the cluster has no such object"),
        (409, TakenError, "the object is there already, or has changed"),
        (401, ForbiddenError, "the kubeconfig's user may not do this"),
        (403, ForbiddenError, "the kubeconfig's user may not do this"),
        (400, ClusterError, "the cluster's API refused a call"),
        (500, ClusterError, "the cluster's API refused a call"),
    ],
)
def test_each_status_has_its_class_and_message(
    status: int, kind: type[ClusterError], message: str
) -> None:
    made = refusal("GET /x", status, b'{"message": "because"}')
    assert type(made) is kind
    assert made.message == message
    assert made.where == ("call: GET /x", f"answer: {status} because")
    assert made.exit_code is ExitCode.CLUSTER


def test_only_a_lack_of_rights_has_a_hint() -> None:
    hinted = [status for status in range(400, 600) if refusal("GET /x", status, b"").hint]
    assert hinted == [401, 403]


@pytest.mark.parametrize("data", [b"Bad Gateway\n", b"[1]", b'"text"', b"{}", b"null"])
def test_a_body_that_is_no_status_object_is_shown_as_it_is(data: bytes) -> None:
    assert refusal("GET /x", 502, data).where[1] == f"answer: 502 {data.decode().strip()}"


@given(st.binary(), st.integers(400, 599))
def test_any_body_makes_a_refusal_of_bounded_length(data: bytes, status: int) -> None:
    assert len(refusal("GET /x", status, data).where[1]) <= len("answer: 502 ") + 300
