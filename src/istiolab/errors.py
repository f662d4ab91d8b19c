"""The one family of foreseen failures, and the exit codes that they end with.

Rule 1: a finding (something on the site is not true) is a result, never an exception.
Rule 2: an exception has fields; only the command line turns it into text.
Rule 3: the class says whose move it is: the user's, the machine's, the lab's, the kernel's.
"""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path


class ExitCode(IntEnum):
    """What the `istiolab` command ends with."""

    OK = 0
    """Done; for `verify`, everything on the pages is true."""
    FINDING = 1
    """Verified, and something is not true."""
    USAGE = 2
    """The command was called in a way that cannot work."""
    HOST = 3
    """This machine cannot do it; `istiolab doctor` lists why."""
    CLUSTER = 4
    """The lab or the cluster failed."""
    KERNEL = 5
    """A notebook could not be executed to its end."""
    BUG = 70
    """A failure that istiolab did not foresee (the number is sysexits' EX_SOFTWARE)."""
    INTERRUPTED = 130
    """Ended by Ctrl-C (128 + SIGINT, as shells count)."""


class IstiolabError(Exception):
    """A failure that was foreseen.

    Args:
        message: what is wrong, naming the object; lower case, no full stop.
        where: lines of evidence (the step, the command, the last answer), shown indented.
        log: the file that holds the rest; one that is not there is not named.
        hint: one command or one edit that helps.
    """

    exit_code: ExitCode = ExitCode.BUG

    def __init__(
        self,
        message: str,
        *,
        where: tuple[str, ...] = (),
        log: Path | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.log = log if log is not None and log.exists() else None
        self.hint = hint

    def __str__(self) -> str:
        # What a notebook's traceback ends with: there nobody else renders it.
        return self.render().removeprefix("error: ")

    def render(self) -> str:
        """Return the message as plain text: what, where, the log's path, and the hint last."""
        lines = [f"error: {self.message}"]
        lines += [f"  {line}" for line in self.where]
        if self.log is not None:
            lines.append(f"  log: {self.log}")
        if self.hint is not None:
            lines += ["", f"hint: {self.hint}"]
        return "\n".join(lines)


class UsageError(IstiolabError):
    """The call cannot work as it was made: the user's move."""

    exit_code = ExitCode.USAGE


class HostError(IstiolabError):
    """This machine lacks something: the move of whoever runs it."""

    exit_code = ExitCode.HOST


class LabError(IstiolabError):
    """The lab could not be built, started or ended."""

    exit_code = ExitCode.CLUSTER


class ClusterError(IstiolabError):
    """The cluster, or something on it, did not do what was asked."""

    exit_code = ExitCode.CLUSTER


class SilentError(ClusterError):
    """The cluster does not answer, or not any more: nothing can be said about anything on it.

    Args:
        again: it is harmless to ask once more, since nothing of the call can have arrived, or it
            can be made twice.
    """

    def __init__(
        self,
        message: str,
        *,
        where: tuple[str, ...] = (),
        hint: str | None = None,
        again: bool = True,
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.again = again


class KernelError(IstiolabError):
    """A notebook could not be executed to its end."""

    exit_code = ExitCode.KERNEL
