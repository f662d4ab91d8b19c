from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from istiolab.errors import HostError, LabError
from istiolab.system.command import TAIL_LINES
from istiolab.system.process import end_process, is_alive, run_logged, start_detached
from istiolab.system.retry import Answer, wait_until


def shell(script: str) -> list[str]:
    return ["sh", "-c", script]


def wait_for(condition: Callable[[], bool]) -> bool:
    return wait_until(
        lambda: Answer(done=condition()), timeout_seconds=10, delay_seconds=0.005
    ).done


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def test_output_goes_to_the_log_and_to_the_listener_line_by_line(log: Path) -> None:
    heard: list[str] = []
    run_logged(shell("echo one; echo two >&2"), log=log, on_line=heard.append)
    assert heard == ["one", "two"]
    assert log.read_text() == "$ sh -c 'echo one; echo two >&2'\none\ntwo\n"


def test_log_keeps_what_earlier_programs_wrote(log: Path) -> None:
    for word in ("first", "second"):
        run_logged(["echo", word], log=log)
    assert log.read_text() == "$ echo first\nfirst\n$ echo second\nsecond\n"


def test_logged_program_has_its_folder_and_variables(log: Path, tmp_path: Path) -> None:
    heard: list[str] = []
    run_logged(
        shell('echo "$WORD $(pwd -P)"'),
        log=log,
        folder=tmp_path,
        environment={"WORD": "here:"},
        on_line=heard.append,
    )
    assert heard == [f"here: {tmp_path.resolve()}"]


def test_failed_program_is_an_error_with_its_last_lines_and_log(log: Path) -> None:
    with pytest.raises(HostError, match="`sh` ended with 4") as caught:
        run_logged(shell("seq 100; exit 4"), log=log, error=HostError)
    assert caught.value.where[0] == "command: sh -c 'seq 100; exit 4'"
    assert caught.value.where[1:] == tuple(f"| {n}" for n in range(101 - TAIL_LINES, 101))
    assert caught.value.log == log


def test_missing_program_is_an_error_that_leaves_no_log(log: Path) -> None:
    with pytest.raises(LabError, match="`no-such-program` is not on this machine"):
        run_logged(["no-such-program"], log=log)
    assert not log.exists()


def test_interruption_ends_the_whole_process_group(log: Path) -> None:
    started: list[int] = []

    def interrupt(line: str) -> None:
        started.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_logged(shell("sleep 60 & echo $!; wait"), log=log, on_line=interrupt)
    assert wait_for(lambda: not is_alive(started[0]))


def test_detached_program_runs_on_and_writes_into_its_log(log: Path) -> None:
    script = "echo up; echo too >&2; exec sleep 60"
    pid = start_detached(shell(script), log=log, environment=os.environ)
    try:
        assert wait_for(lambda: log.read_text() == "up\ntoo\n")
        assert is_alive(pid)
        # A session of its own: Ctrl-C in our terminal does not reach it.
        assert os.getsid(pid) == pid
    finally:
        end_process(pid)
        os.waitpid(pid, 0)


def ended_with(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_process_is_asked_to_end_before_it_is_killed(log: Path) -> None:
    script = 'trap "echo asked; exit 5" TERM; echo ready; while :; do sleep 0.01; done'
    pid = start_detached(shell(script), log=log, environment=os.environ)
    assert wait_for(lambda: "ready" in log.read_text())
    end_process(pid)
    assert ended_with(pid) == 5
    assert log.read_text() == "ready\nasked\n"


def test_process_that_does_not_listen_is_killed(log: Path) -> None:
    script = 'trap "" TERM; echo ready; exec sleep 60'
    pid = start_detached(shell(script), log=log, environment=os.environ)
    assert wait_for(lambda: "ready" in log.read_text())
    end_process(pid, grace_seconds=0.05)
    assert ended_with(pid) == -9


def test_process_that_has_ended_is_not_alive_before_and_after_it_is_reaped() -> None:
    with subprocess.Popen(["true"]) as process:
        assert wait_for(lambda: not is_alive(process.pid))
    assert not is_alive(process.pid)
    end_process(process.pid)


def test_this_very_process_is_alive() -> None:
    assert is_alive(os.getpid())
