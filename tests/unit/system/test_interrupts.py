from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import signal, time, weakref
from istiolab.system.interrupts import end_when_asked_again, raise_when_asked_to_end

class Socket:
    pass

def gone(what):
    socket = Socket()
    weakref.finalize(socket, what)

def say(what):
    print(what, flush=True)

raise_when_asked_to_end()
try:
    gone(lambda: {finalizer})
    say("went on")
    {after}
    time.sleep({seconds})
    say("to the end")
except KeyboardInterrupt:
    say("interrupted")
"""


def _run(finalizer: str, *, after: str = "pass", seconds: float) -> tuple[int, list[str], str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(finalizer=finalizer, after=after, seconds=seconds)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout.splitlines(), done.stderr


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interruption_of_a_finalizer_is_raised_after_it(name: str) -> None:
    ended = _run(f"signal.raise_signal(signal.{name})", seconds=30)
    assert ended == (0, ["went on", "interrupted"], "")


def test_one_that_comes_again_in_a_finalizer_is_raised_after_that() -> None:
    ended = _run(
        "signal.raise_signal(signal.SIGINT)",
        after="gone(lambda: (time.sleep(0.3), say('slow finalizer')))\n    say('went on again')",
        seconds=30,
    )
    assert ended == (0, ["went on", "went on again", "interrupted"], "")


def test_where_the_next_signal_is_to_end_the_process_none_is_raised_again() -> None:
    ended = _run("signal.raise_signal(signal.SIGINT)", after="end_when_asked_again()", seconds=0.3)
    assert ended == (0, ["went on", "to the end"], "")
    code, said, _ = _run(
        "say('finalizer')",
        after="end_when_asked_again(); signal.raise_signal(signal.SIGTERM)",
        seconds=30,
    )
    assert (code, said) == (-15, ["finalizer", "went on"])


def test_what_else_goes_wrong_in_a_finalizer_is_reported_as_before() -> None:
    code, said, wrong = _run("1 / 0", seconds=0)
    assert (code, said) == (0, ["went on", "to the end"])
    assert "ZeroDivisionError" in wrong
