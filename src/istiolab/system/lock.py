"""Locks between processes, which the kernel gives back however a process ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from istiolab.errors import LabError
from istiolab.system.deadlines import said, scaled
from istiolab.system.files import give_to_owner
from istiolab.system.progress import Reporter


@contextmanager
def locked(
    path: Path, *, busy: str, reporter: Reporter, longest_seconds: float | None = 1200
) -> Iterator[None]:
    """Hold the lock at `path`; say so when another process has it, and wait.

    Args:
        path: the lock's file, whose folder must exist.
        busy: what is said of it then, such as "the cache is being worked on by another `istiolab`".
        reporter: where it is said.
        longest_seconds: how long to wait, before it is scaled to this machine; None means as long
            as it takes.

    Raises:
        LabError: it is still held then.
    """
    lock = FileLock(path)
    path.touch()
    give_to_owner(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        reporter.note(f"{busy}; waiting for it (who it is: `fuser -v {path}`)")
        try:
            lock.acquire(timeout=-1 if longest_seconds is None else scaled(longest_seconds))
        except Timeout as late:
            raise LabError(
                f"{busy}, after {said(scaled(longest_seconds or 0))} still",
                where=(f"lock: {path}",),
                hint=f"see who holds it: `fuser -v {path}`",
            ) from late
    try:
        yield
    finally:
        lock.release()
