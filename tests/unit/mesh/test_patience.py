from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from istiolab.errors import ClusterError, SilentError
from istiolab.mesh import patience
from istiolab.mesh.client import open_cluster
from istiolab.mesh.patience import PATIENCE_SECONDS, Patience
from istiolab.mesh.refusals import TakenError, refusal
from tests.unit.mesh.loopback import http_api
from tests.unit.mesh.test_client import kubeconfig
from tests.unit.system.clock import FrozenClock

SILENT = SilentError("away")
FORBIDDEN = refusal("GET /x", 403, b"")


def calls(*outcomes: ClusterError | str) -> tuple[Callable[[], str], list[int]]:
    """Return a call with these outcomes, the last one for ever, and how often it was made."""
    made: list[int] = []

    def attempt() -> str:
        outcome = outcomes[min(len(made), len(outcomes) - 1)]
        made.append(1)
        if isinstance(outcome, ClusterError):
            raise outcome
        return outcome

    return attempt, made


def patient(clock: FrozenClock) -> Patience:
    made = Patience(lambda: True, server="http://nowhere", clock=clock)
    made.begin()
    return made


@pytest.fixture(autouse=True)
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Forget what other tests have given up; return where waits are written down."""
    monkeypatch.setattr(patience, "_GIVEN_UP", set())
    monkeypatch.setattr(patience, "_WELL", set())
    path = tmp_path / "waits.jsonl"
    monkeypatch.setenv("ISTIOLAB_WAITS", str(path))
    return path


def test_a_call_is_made_again_until_the_server_is_back(record: Path) -> None:
    attempt, made = calls(SILENT, SILENT, "answer")
    clock = FrozenClock()
    assert patient(clock).call(attempt) == "answer"
    assert len(made) == 3
    assert clock.pauses == sorted(clock.pauses)
    assert json.loads(record.read_text()) == {
        "what": "the API server to be back",
        "seconds": round(sum(clock.pauses), 3),
    }


def test_a_call_that_is_answered_at_once_is_no_wait(record: Path) -> None:
    attempt, _ = calls("answer")
    assert patient(FrozenClock()).call(attempt) == "answer"
    assert not record.exists()


def test_a_server_that_stays_away_is_told_when_patience_is_over() -> None:
    attempt, _ = calls(SILENT)
    clock = FrozenClock()
    with pytest.raises(SilentError):
        patient(clock).call(attempt)
    assert PATIENCE_SECONDS <= clock.now < PATIENCE_SECONDS + 1


def test_a_server_that_was_waited_for_in_vain_is_not_waited_for_until_it_answers() -> None:
    clock = FrozenClock()
    attempt, _ = calls(SILENT)
    with pytest.raises(SilentError):
        patient(clock).call(attempt)
    given_up = clock.now
    again, made = calls(SILENT, "answer")
    with pytest.raises(SilentError):
        patient(clock).call(again)
    assert (clock.now, len(made)) == (given_up, 1)
    assert patient(clock).call(again) == "answer"
    later, made = calls(SILENT, "answer")
    assert patient(clock).call(later) == "answer"
    assert len(made) == 2


def test_what_may_have_arrived_is_not_sent_twice() -> None:
    attempt, made = calls(SilentError("cut", again=False), "answer")
    with pytest.raises(SilentError):
        patient(FrozenClock()).call(attempt)
    assert len(made) == 1


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        ((True, False), False),  # it was ready, and is not: it is coming up
        ((True, True), True),
        ((False, False), True),  # it has never said so: something keeps that from us
    ],
)
def test_a_refusal_counts_unless_the_server_is_just_coming_up(
    *, said: tuple[bool, bool], counts: bool
) -> None:
    attempt, made = calls(FORBIDDEN, "answer")
    says = iter(said)
    waiting = Patience(lambda: next(says), server="http://nowhere", clock=FrozenClock())
    waiting.begin()
    waiting.begin_if_ready()
    if not counts:
        assert waiting.call(attempt) == "answer"
        assert len(made) == 2
        return
    with pytest.raises(ClusterError):
        waiting.call(attempt)
    assert len(made) == 1


def test_what_is_there_already_is_no_sign_of_a_server_that_comes_up() -> None:
    attempt, made = calls(TakenError("there"), "answer")
    says = iter((True, False))
    waiting = Patience(lambda: next(says), server="http://nowhere", clock=FrozenClock())
    waiting.begin_if_ready()
    with pytest.raises(TakenError):
        waiting.call(attempt)
    assert len(made) == 1


@pytest.mark.parametrize("ready", [False, None])
def test_a_server_that_was_never_seen_to_be_well_is_told_at_once(*, ready: bool | None) -> None:
    attempt, made = calls(SILENT, "answer")
    waiting = Patience(lambda: bool(ready), server="http://nowhere", clock=FrozenClock())
    if ready is not None:
        waiting.begin_if_ready()
    with pytest.raises(SilentError):
        waiting.call(attempt)
    assert len(made) == 1


def test_a_cluster_waits_for_a_server_that_comes_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ok = (200, b"{}")
    answers = {("GET", "/version"): ok, ("GET", "/readyz"): ok, ("GET", "/x"): (403, b"")}
    with http_api(answers) as (port, heard):
        cluster = open_cluster(kubeconfig(tmp_path, port))
        with pytest.raises(ClusterError, match="may not do this"):
            cluster.get("/x")
        # It was killed, and has not read yet who may do what.
        answers["GET", "/readyz"] = (500, b"not yet")
        monkeypatch.setattr(
            "istiolab.system.retry.SystemClock.sleep",
            lambda *_: answers.update({("GET", "/x"): ok}),
        )
        assert cluster.get("/x") == {}
        cluster.close()
    asked = [call.path for call in heard]
    assert asked == ["/version", "/readyz", "/x", "/readyz", "/x", "/readyz", "/x"]
