"""Waiting for the cluster, with a deadline and a record of how long it took."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from istiolab.errors import SilentError
from istiolab.system.retry import Answer, Waited, wait_until


def wait_for(what: str, look: Callable[[], Answer], *, timeout_seconds: float) -> Waited:
    """Wait until `look` is done, hopeless or too late; add a line to the record of waits.

    The record is the file that the environment's `ISTIOLAB_WAITS` names: JSON lines with `what`
    was waited for and the `seconds` that it took.

    Returns:
        How the wait ended: the caller turns `done=False` into its own error.
    """
    waited = wait_until(
        lambda: _looked(look),
        timeout_seconds=timeout_seconds,
        delay_seconds=0.1,
        longest_delay_seconds=0.5,
    )
    note_wait(what, waited.seconds)
    return waited


def note_wait(what: str, seconds: float) -> None:
    """Add a line to the record of waits, if there is one."""
    record = os.environ.get("ISTIOLAB_WAITS")
    if record:
        line = json.dumps({"what": what, "seconds": round(seconds, 3)})
        with Path(record).open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")


def _looked(look: Callable[[], Answer]) -> Answer:
    """Look; a look that was cut off in its middle is made again."""
    try:
        return look()
    except SilentError as cut:
        if cut.again:  # that was tried, for as long as it makes sense
            raise
        return Answer(done=False, detail=cut.message)
