from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import monotonic

import pytest

from istiolab.lab.spec import Lab
from istiolab.race import run
from istiolab.race.course import Course
from istiolab.race.peers import Lineup, Peer
from istiolab.race.run import Track, run_peer
from istiolab.system.crew import Crew
from istiolab.system.process import is_alive
from istiolab.system.retry import Answer, wait_until

LAB = Lab(name="mine", provider="embedded", kubeconfig=Path("/k"), context="", fingerprint="f")
# A tool, and in a session of its own its kernel; what each of them is told is in its arguments.
TOOL = """
import os, signal, subprocess, sys, time
from pathlib import Path
if "deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "kernel" not in sys.argv:
    call = [sys.executable, __file__, "kernel", *sys.argv[1:]]
    subprocess.Popen(call, start_new_session=True)
Path(f"pid-{os.getpid()}").touch()
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def course(tmp_path: Path) -> Course:
    course = Course(folder=tmp_path, notebooks=(tmp_path / "notebooks" / "a.ipynb",))
    course.home.mkdir()
    (course.home / "tool.py").write_text(TOOL)
    return course


@pytest.fixture
def deleted(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return when the namespaces of peers were deleted."""
    deleted: list[float] = []
    monkeypatch.setattr(run, "delete_prefixed", lambda *_: deleted.append(monotonic()))
    return deleted


def peer(times: int, *words: str, prepare: bool = False) -> Peer:
    argv = (sys.executable, "tool.py", *words)

    def line_up(_python: str, _notebooks: Sequence[Path], workers: int) -> Lineup:
        return Lineup(
            commands=(argv,) * times,
            at_once=workers,
            width=workers,
            prepare=(argv,) if prepare else (),
        )

    return Peer(
        key="tool", call="tool", distribution="tool", line_up=line_up, failed=lambda _done: False
    )


def pids(course: Course) -> list[int]:
    return [int(path.name.removeprefix("pid-")) for path in course.home.glob("pid-*")]


def interrupted_at(course: Course, *, processes: int) -> Callable[[], float]:
    """Interrupt us when so many processes are up; return what tells when that was."""
    at: list[float] = []

    def interrupt() -> None:
        up = wait_until(
            lambda: Answer(done=len(pids(course)) >= processes),
            timeout_seconds=30,
            longest_delay_seconds=0.1,
        )
        at.append(monotonic() if up.done else 0.0)
        os.kill(os.getpid(), signal.SIGINT)

    helper = threading.Thread(target=interrupt)
    helper.start()

    def when() -> float:
        helper.join()
        return at[0]

    return when


def track(crew: Crew | None = None) -> Track:
    return Track(lab=LAB, environment={}, workers=2, python="", crew=crew or Crew())


@pytest.mark.parametrize(
    ("words", "grace_seconds", "limit_seconds"),
    [((), 20.0, 5.0), (("deaf",), 1.0, 6.0)],
    ids=["polite", "deaf"],
)
def test_interrupted_all_that_peers_started_is_ended_then_their_namespaces_go(
    *,
    course: Course,
    deleted: list[float],
    words: tuple[str, ...],
    grace_seconds: float,
    limit_seconds: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run, "_PEER_GRACE_SECONDS", grace_seconds)
    told: list[str] = []
    when = interrupted_at(course, processes=4)
    crew = Crew(on_interrupt=lambda: told.append("interrupted"))
    with pytest.raises(KeyboardInterrupt):
        # Three of them, two at a time.
        run_peer(peer(3, *words), course, track(crew), timeout_seconds=50.0)
    assert monotonic() - when() < limit_seconds
    assert told == ["interrupted"]
    assert len(pids(course)) == 4, "no other is begun"
    assert [pid for pid in pids(course) if is_alive(pid)] == []
    assert len(deleted) == 1


def test_interrupted_while_a_peer_prepares_all_that_it_started_is_ended_as_well(
    course: Course, deleted: list[float]
) -> None:
    when = interrupted_at(course, processes=2)
    with pytest.raises(KeyboardInterrupt):
        run_peer(peer(1, prepare=True), course, track(), timeout_seconds=50.0)
    assert monotonic() - when() < 5
    assert [pid for pid in pids(course) if is_alive(pid)] == []
    assert len(deleted) == 1


def test_at_its_deadline_a_peer_goes_with_its_kernels(course: Course, deleted: list[float]) -> None:
    run_peer(peer(1), course, track(), timeout_seconds=3.0)
    assert len(pids(course)) == 2
    assert [pid for pid in pids(course) if is_alive(pid)] == []
    assert len(deleted) == 1
