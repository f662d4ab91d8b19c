from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from istiolab.system.identity import is_gone, this_process

TELL = "from istiolab.system.identity import this_process; print(this_process(), flush=True)"


def test_a_process_that_runs_is_not_gone_and_one_that_ended_is() -> None:
    assert not is_gone(this_process())
    with subprocess.Popen(
        [sys.executable, "-c", f"{TELL}; input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        mark = other.stdout.readline().strip()
        assert mark != this_process()
        assert not is_gone(mark)
        other.kill()
        # Before anybody has reaped it.
        for _ in range(500):
            if is_gone(mark):
                break
            time.sleep(0.01)
        assert Path(f"/proc/{other.pid}").exists()
        assert is_gone(mark)
    assert is_gone(mark)


def test_another_process_of_the_same_id_is_not_the_one_that_made_the_mark() -> None:
    *place, pid, begin = this_process().split("/")
    assert int(pid) == os.getpid()
    assert is_gone("/".join((*place, pid, str(int(begin) - 1))))


@pytest.mark.parametrize("mark", ["", "nonsense", "a/b/c/d", "a/b/1/2", "a/b/1/2/3"])
def test_of_a_process_that_cannot_be_looked_up_it_is_not_said_that_it_ended(mark: str) -> None:
    assert not is_gone(mark)
