from __future__ import annotations

import json
from pathlib import Path

import pytest

from istiolab.errors import SilentError
from istiolab.mesh.waits import wait_for
from istiolab.system.retry import Answer


def test_every_wait_adds_a_line_to_the_record_however_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = tmp_path / "waits.jsonl"
    monkeypatch.setenv("ISTIOLAB_WAITS", str(record))
    done = wait_for("é", lambda: Answer(done=True), timeout_seconds=9)
    late = wait_for("late", lambda: Answer(done=False, detail="d"), timeout_seconds=0)
    hopeless = wait_for("no", lambda: Answer(done=False, hopeless=True), timeout_seconds=9)
    assert (done.done, late.done, hopeless.done, late.detail) == (True, False, False, "d")
    lines = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    assert [line["what"] for line in lines] == ["é", "late", "no"]
    assert [set(line) for line in lines] == [{"what", "seconds"}] * 3
    assert lines[0]["seconds"] == round(done.seconds, 3)


@pytest.mark.parametrize("value", [None, ""])
def test_without_a_record_file_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    if value is None:
        monkeypatch.delenv("ISTIOLAB_WAITS", raising=False)
    else:
        monkeypatch.setenv("ISTIOLAB_WAITS", value)
    assert wait_for("x", lambda: Answer(done=True), timeout_seconds=9).done
    assert list(tmp_path.iterdir()) == []


def test_a_condition_that_comes_to_hold_is_looked_at_again() -> None:
    looks = iter([False, False, True])
    waited = wait_for("x", lambda: Answer(done=next(looks)), timeout_seconds=9)
    assert (waited.done, waited.attempts) == (True, 3)


def test_a_look_that_was_cut_off_in_its_middle_is_made_again() -> None:
    looks = iter([False, True])

    def look() -> Answer:
        if not next(looks):
            raise SilentError("cut", again=False)
        return Answer(done=True)

    assert wait_for("x", look, timeout_seconds=9).attempts == 2


def test_a_cluster_that_stays_away_ends_the_wait() -> None:
    def look() -> Answer:
        raise SilentError("away")

    with pytest.raises(SilentError):
        wait_for("x", look, timeout_seconds=9)
