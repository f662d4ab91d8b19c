"""Signals that ask us to end: raised as KeyboardInterrupt in the main thread, and never lost.

A handler runs between two instructions of the main thread, whatever that is at. In a finalizer, one
that closes a socket for instance, what it raises goes nowhere: Python reports it and goes on
(https://docs.python.org/3/library/sys.html#sys.unraisablehook). It is raised again a moment later.
"""

from __future__ import annotations

import signal
import sys
import threading

_ASKED = (signal.SIGINT, signal.SIGTERM)
# Long enough for a finalizer to end, and not noticed by anyone. If it comes in another one, it is
# raised once more.
_AGAIN_SECONDS = 0.05


def raise_when_asked_to_end() -> None:
    """Raise KeyboardInterrupt for SIGTERM, too, and where it cannot be raised, a moment later."""
    for number in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, signal.default_int_handler)
    sys.unraisablehook = _raise_again


def end_when_asked_again() -> None:
    """Have the next signal end the process at once; does nothing in other threads."""
    if threading.current_thread() is threading.main_thread():
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number in _ASKED:
            signal.signal(number, signal.SIG_DFL)


def _raise_again(lost: sys.UnraisableHookArgs) -> None:
    if issubclass(lost.exc_type, KeyboardInterrupt):
        # No thread: this may have come in the midst of what starts threads.
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS)
    else:
        sys.__unraisablehook__(lost)
