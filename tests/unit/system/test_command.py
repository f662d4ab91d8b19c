from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import ClusterError, HostError, LabError
from istiolab.system.command import TAIL_LINES, Completed, check, failure, run


def shell(script: str) -> list[str]:
    return ["sh", "-c", script]


def test_run_returns_output_and_exit_code_whatever_it_is() -> None:
    done = run(shell("echo out; echo err >&2; exit 7"))
    assert (done.stdout, done.stderr, done.exit_code) == ("out\n", "err\n", 7)


def test_exit_code_of_a_killed_program_is_its_signal() -> None:
    assert run(shell("kill -9 $$")).exit_code == -9


@pytest.mark.parametrize("text", ["two\nlines", None])
def test_program_reads_the_text_it_is_given_and_never_ours(text: str | None) -> None:
    assert run(["cat"], stdin=text).stdout == (text or "")


def test_program_runs_in_the_folder_it_is_given(tmp_path: Path) -> None:
    assert run(["pwd", "-P"], folder=tmp_path).stdout.strip() == str(tmp_path.resolve())


def test_output_that_is_no_utf8_is_replaced() -> None:
    assert run(["printf", r"a\377b"]).stdout == "a\ufffdb"


def test_missing_program_is_an_error_of_the_callers_class() -> None:
    with pytest.raises(HostError, match="`no-such-program` is not on this machine") as caught:
        run(["no-such-program", "--help"], error=HostError)
    assert caught.value.hint == "`istiolab doctor` says what to install"


def test_program_that_may_not_be_run_counts_as_missing(tmp_path: Path) -> None:
    (tmp_path / "tool").touch(mode=0o644)
    with pytest.raises(LabError, match="is not on this machine"):
        run([str(tmp_path / "tool")])


def test_program_that_is_too_slow_is_killed_and_named() -> None:
    with pytest.raises(ClusterError, match=r"`sleep` did not end within 0\.05 s") as caught:
        run(["sleep", "30"], timeout_seconds=0.05, error=ClusterError)
    assert caught.value.where == ("command: sleep 30",)


def test_check_returns_what_ended_with_zero() -> None:
    assert check(["echo", "fine"]).stdout == "fine\n"


def test_check_refuses_every_other_exit_code_with_the_command_and_its_words() -> None:
    with pytest.raises(LabError, match="`sh` ended with 3") as caught:
        check(shell("echo out; echo why >&2; exit 3"))
    assert caught.value.where == ("command: sh -c 'echo out; echo why >&2; exit 3'", "| why")


def completed(stdout: str = "", stderr: str = "", argv: tuple[str, ...] = ("tool",)) -> Completed:
    return Completed(argv=argv, exit_code=1, stdout=stdout, stderr=stderr)


def test_failure_shows_standard_output_when_the_other_is_empty() -> None:
    assert failure(completed(stdout="only here\n", stderr=" \n")).where[1:] == ("| only here",)


def test_failure_shows_only_the_last_lines() -> None:
    said = "\n".join(str(number) for number in range(100))
    shown = failure(completed(stderr=said)).where[1:]
    assert len(shown) == TAIL_LINES
    assert shown[-1] == "| 99"


def test_failure_names_the_program_without_its_folder() -> None:
    error = failure(completed(argv=("/some/where/kubectl", "get")), error=ClusterError)
    assert isinstance(error, ClusterError)
    assert error.message == "`kubectl` ended with 1"


@given(argv=st.lists(st.text(), min_size=1).map(tuple))
def test_command_line_can_be_pasted_into_a_shell(argv: tuple[str, ...]) -> None:
    assert tuple(shlex.split(completed(argv=argv).command_line)) == argv


def test_a_program_is_watched_and_killed_when_the_watch_raises(tmp_path: Path) -> None:
    looks: list[int] = []

    def watch() -> None:
        looks.append(1)
        if len(looks) == 2:
            raise LabError("in vain")

    with pytest.raises(LabError, match="in vain"):
        run(shell(f"sleep 30; touch {tmp_path}/ended"), watch=watch)
    assert len(looks) == 2


def test_what_a_watched_program_printed_is_whole() -> None:
    done = run(shell("cat; sleep 0.8; echo two"), stdin="one\n", watch=lambda: None)
    assert done.stdout == "one\ntwo\n"


def test_a_watched_program_that_is_too_slow_is_an_error_too() -> None:
    with pytest.raises(LabError, match=r"did not end within 0.7 s \(timeout scale 1\)"):
        run(["sleep", "30"], timeout_seconds=0.7, watch=lambda: None)
