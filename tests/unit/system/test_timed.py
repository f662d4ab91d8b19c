from __future__ import annotations

import sys
from pathlib import Path
from time import monotonic

import pytest

from istiolab.system.process import is_alive
from istiolab.system.timed import Timed, run_timed


def python(code: str, folder: Path, *, seconds: float = 30.0, grace: float = 10.0) -> Timed:
    return run_timed(
        [sys.executable, "-u", "-c", code],
        log=folder / "log",
        environment={"WORD": "given"},
        folder=folder,
        timeout_seconds=seconds,
        grace_seconds=grace,
    )


def test_output_and_errors_are_kept_apart_and_the_first_line_is_timed(tmp_path: Path) -> None:
    done = python(
        "import os, sys, time\n"
        "print(os.environ['WORD'], os.getcwd())\nsys.stderr.write('oh')\ntime.sleep(0.5)\n"
        "print('late')\nsys.exit(3)",
        tmp_path,
    )
    assert (done.exit_code, done.stdout) == (3, f"given {tmp_path}\nlate\n")
    assert (tmp_path / "log").read_text() == "oh"
    assert done.first_line_seconds is not None
    assert done.first_line_seconds + 0.4 < done.seconds


def test_who_says_nothing_has_no_first_line(tmp_path: Path) -> None:
    done = python("pass", tmp_path)
    assert (done.exit_code, done.stdout, done.first_line_seconds) == (0, "", None)


def test_at_the_deadline_a_program_may_clean_up(tmp_path: Path) -> None:
    done = python(
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('cleaned'), sys.exit(0)))\n"
        "print('on', flush=True)\ntime.sleep(60)",
        tmp_path,
        seconds=2.0,
    )
    assert done.exit_code is None
    assert done.stdout == "on\ncleaned\n"
    assert done.seconds < 20


def test_one_that_does_not_end_is_killed_with_its_children(tmp_path: Path) -> None:
    done = python(
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import signal, time\\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\\ntime.sleep(60)'])\n"
        "print(child.pid, flush=True)\ntime.sleep(60)",
        tmp_path,
        seconds=2.0,
        grace=0.5,
    )
    assert done.exit_code is None
    assert not is_alive(int(done.stdout))


def test_a_child_that_holds_the_output_open_does_not_hold_up_the_clock(tmp_path: Path) -> None:
    start = monotonic()
    done = python(
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(8)'],"
        " start_new_session=True)\nprint('done')",
        tmp_path,
    )
    assert (done.exit_code, done.stdout) == (0, "done\n")
    assert done.seconds < monotonic() - start < 7


# Each writes the ids of its processes to the file `pids` when all of them are up.
_DEAF = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
_STAY = "import time\ntime.sleep(60)\n"


def parent(folder: Path, *, deaf: bool, apart: bool, deaf_child: bool) -> str:
    child = f"{_DEAF if deaf_child else ''}print(1, flush=True)\n{_STAY}"
    return (
        f"{_DEAF if deaf else ''}import os, subprocess, sys\nfrom pathlib import Path\n"
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}], stdout=subprocess.PIPE,"
        f" start_new_session={apart})\n"
        "child.stdout.readline()\n"
        f"Path({str(folder / 'partial')!r}).write_text(f'{{os.getpid()}} {{child.pid}}')\n"
        f"os.rename({str(folder / 'partial')!r}, {str(folder / 'pids')!r})\n{_STAY}"
    )


@pytest.mark.parametrize("deaf", [False, True], ids=["polite", "deaf"])
@pytest.mark.parametrize("apart", [False, True], ids=["same session", "own session"])
@pytest.mark.parametrize("deaf_child", [False, True], ids=["polite child", "deaf child"])
def test_one_that_is_stopped_ends_with_all_that_it_started(
    tmp_path: Path, *, deaf: bool, apart: bool, deaf_child: bool
) -> None:
    stopped_at: list[float] = []

    def is_stopped() -> bool:
        if (tmp_path / "pids").exists():
            stopped_at.append(monotonic())
        return bool(stopped_at)

    done = run_timed(
        [sys.executable, "-c", parent(tmp_path, deaf=deaf, apart=apart, deaf_child=deaf_child)],
        log=tmp_path / "log",
        environment={},
        folder=tmp_path,
        timeout_seconds=50.0,
        grace_seconds=1.0 if deaf or deaf_child else 20.0,
        is_stopped=is_stopped,
    )
    assert monotonic() - stopped_at[0] < 8
    assert done.exit_code is None
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert [pid for pid in pids if is_alive(pid)] == []


def test_one_that_ends_before_it_is_stopped_says_how_it_ended(tmp_path: Path) -> None:
    done = run_timed(
        [sys.executable, "-c", "raise SystemExit(4)"],
        log=tmp_path / "log",
        environment={},
        folder=tmp_path,
        timeout_seconds=30.0,
        is_stopped=(tmp_path / "never").exists,
    )
    assert done.exit_code == 4
