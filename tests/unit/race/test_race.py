from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from istiolab.lab.spec import Lab
from istiolab.race import race as module
from istiolab.race.course import Course
from istiolab.race.peers import PEERS, Peer
from istiolab.race.race import Heat, plan_heats, run_race
from istiolab.race.result import OURS, Again, Race, Run
from istiolab.race.run import Track
from istiolab.system.progress import SILENT
from tests.unit.notebook.build import code, write

TRACK = Track(
    lab=Lab.__new__(Lab),  # nothing here asks for it
    environment={},
    workers=4,
    python="python",
)


def test_one_notebook_is_copied_and_asked_again_after_its_run_alone() -> None:
    assert plan_heats(1, (2, 4)) == (
        Heat(together=False, copies=1, again=True),
        Heat(together=False, copies=2, again=False),
        Heat(together=False, copies=4, again=False),
    )


def test_several_notebooks_run_together_first_and_are_asked_again_then() -> None:
    assert plan_heats(3, (1,)) == (
        Heat(together=True, copies=1, again=True),
        Heat(together=False, copies=1, again=False),
    )


class Field:
    """Stands in for tools and lab: notes who ran what, each in so many seconds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ran: list[tuple[str, tuple[str, ...]]] = []
        self.now = 0.0
        self.takes: Callable[[str], float] = lambda _: 10.0
        self.problems: dict[str, str] = {}
        monkeypatch.setattr(module, "run_ours", self._ours)
        monkeypatch.setattr(module, "run_peer", self._peer)
        monkeypatch.setattr(module, "run_again", self._again)
        monkeypatch.setattr(module, "monotonic", lambda: self.now)
        monkeypatch.setattr(module, "_QUIET_SECONDS", 0.0)

    def _run(self, who: str, course: Course) -> Run:
        names = tuple(path.stem for path in course.notebooks)
        self.ran.append((who, names))
        self.now += self.takes(who)
        problem = self.problems.get(who)
        return Run(
            who=who,
            notebooks=len(names),
            at_once=1,
            seconds=None if problem else self.takes(who),
            problem=problem,
            longest=names[-1],
        )

    def _ours(self, course: Course, _: Track, *, timeout_seconds: float) -> Run:
        assert timeout_seconds > 0
        return self._run(OURS, course)

    def _peer(self, peer: Peer, course: Course, _: Track, *, timeout_seconds: float) -> Run:
        assert timeout_seconds > 0
        return self._run(peer.key, course)

    def _again(self, course: Course, _: Track, peer: Peer | None) -> Again:
        who = peer.key if peer else OURS
        return Again(who=who, notebooks=len(course.notebooks), seconds=1.0)


@pytest.fixture
def field(monkeypatch: pytest.MonkeyPatch) -> Field:
    return Field(monkeypatch)


def hold(paths: list[Path], *, copies: tuple[int, ...] = (1, 2), minutes: float = 60.0) -> Race:
    return run_race(paths, TRACK, PEERS[2:], copies=copies, minutes=minutes, reporter=SILENT)


def test_all_tools_run_the_same_and_the_longest_is_copied(tmp_path: Path, field: Field) -> None:
    paths = [write(tmp_path, code("1"), name=name) for name in ("a", "b")]
    found = hold(paths)
    whom = [OURS, "jupyter-cache", "papermill"]
    assert [who for who, _ in field.ran] == whom * 3
    assert [names for _, names in field.ran][::3] == [
        *(("a", "b"), ("b",)),
        ("b-copy-01", "b-copy-02"),
    ]
    assert found.longest == "b"
    assert [run.notebooks for run in found.together] == [2, 2, 2]
    assert [run.notebooks for run in found.copies] == [1, 1, 1, 2, 2, 2]


def test_only_those_are_asked_again_that_remember_and_passed(tmp_path: Path, field: Field) -> None:
    path = write(tmp_path, code("1"))
    assert [each.who for each in hold([path]).again] == [OURS, "jupyter-cache"]
    field.problems = {"jupyter-cache": "ended with 1"}
    assert [each.who for each in hold([path]).again] == [OURS]


def test_what_does_not_fit_into_the_time_is_left_out_and_says_so(
    tmp_path: Path, field: Field
) -> None:
    field.takes = lambda who: 40.0 if who == "papermill" else 10.0
    found = hold([write(tmp_path, code("1"))], copies=(1, 2, 4), minutes=100 / 60)
    assert [(who, len(names)) for who, names in field.ran] == [
        *((OURS, 1), ("jupyter-cache", 1), ("papermill", 1)),
        *((OURS, 2), ("jupyter-cache", 2), (OURS, 4)),
    ]
    left_out = [run for run in found.copies if run.problem]
    assert [(run.who, run.notebooks) for run in left_out] == [
        *(("papermill", 2), ("jupyter-cache", 4), ("papermill", 4)),
    ]
    assert all(run.problem == "left out: 1.66667 minutes were over" for run in left_out)


def test_a_tool_that_cannot_run_them_stays_in_with_its_reason(tmp_path: Path, field: Field) -> None:
    field.problems = {"papermill": "ended with 1: ModuleNotFoundError"}
    found = hold([write(tmp_path, code("1"))], copies=(1,))
    assert [run.problem for run in found.copies] == [
        None,
        None,
        "ended with 1: ModuleNotFoundError",
    ]
