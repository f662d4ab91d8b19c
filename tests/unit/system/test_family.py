from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import psutil

from istiolab.system.family import ask_group, end_family, family
from istiolab.system.process import is_alive

NOBODY = 2**22 - 1  # the largest id that there can be is one less than 2^22 (proc_sys_kernel(5))


@contextmanager
def program(code: str) -> Iterator[subprocess.Popen[str]]:
    """Start a program in a session of its own, which prints a line when it is up."""
    with subprocess.Popen(
        [sys.executable, "-uc", code], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


CHILD = "import subprocess, sys, time\nchild = subprocess.Popen([sys.executable, '-c', {code!r}]"
STAY = "import time; time.sleep(60)"


def test_a_family_has_children_in_other_sessions_and_neither_us_nor_others() -> None:
    apart = f"{CHILD.format(code=STAY)}, start_new_session=True)\nprint(child.pid)\n{STAY}"
    with program(apart) as first, program(f"print()\n{STAY}") as other:
        child = int(line(first))
        line(other)
        assert {process.pid for process in family(first.pid)} == {first.pid, child}
        end_family(family(first.pid), leader=first.pid, grace_seconds=10.0)
        assert not is_alive(child)
        assert is_alive(other.pid)


def test_who_is_left_of_a_session_belongs_to_it_when_its_leader_is_gone() -> None:
    with program(f"{CHILD.format(code=STAY)})\nprint(child.pid)") as process:
        child = int(line(process))
        process.wait()
        assert {member.pid for member in family(process.pid)} == {child}
        end_family(family(process.pid), leader=process.pid, grace_seconds=0.0)
        assert not is_alive(child)


def test_who_was_asked_with_the_group_is_not_asked_twice() -> None:
    code = (
        "import signal, time\nasked = []\n"
        "signal.signal(signal.SIGTERM, lambda *_: asked.append(1))\nprint()\n"
        "while not asked: time.sleep(0.01)\n"
        "time.sleep(0.5)\nprint(len(asked))"
    )
    with program(code) as process:
        line(process)
        members = family(process.pid)
        ask_group(process.pid)
        end_family(members, leader=process.pid, grace_seconds=20.0)
        assert line(process) == "1"


def test_one_that_ended_and_that_nobody_waits_for_holds_nothing_up() -> None:
    with program("print()") as process:
        line(process)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        start = monotonic()
        end_family([psutil.Process(process.pid)], leader=process.pid, grace_seconds=20.0)
        assert monotonic() - start < 5


def test_to_end_what_is_not_there_is_no_failure() -> None:
    ask_group(NOBODY)
    assert family(NOBODY) == frozenset()
    end_family([], leader=NOBODY, grace_seconds=1.0)
