"""What one execution of a notebook is asked to do, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from nbformat import NotebookNode

from istiolab.errors import SilentError
from istiolab.notebook.cells import label
from istiolab.notebook.uses import Use


class Ending(StrEnum):
    """Why an execution stopped before its end."""

    CELL_FAILED = "cell failed"
    """A cell ended with an error that was not declared."""
    NO_ERROR = "declared error did not happen"
    """A cell that was to end with an error did not."""
    HUNG = "cell hung"
    """A cell passed its deadline, and was interrupted."""
    RUNAWAY = "output without end"
    """A cell put out more than any page could hold, and was interrupted."""
    KERNEL_DIED = "kernel died"
    """The kernel's process ended."""
    EXPOSED = "secret put out"
    """A cell put out a secret, so that none of its outputs may be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """How one notebook is to be executed; its times are scaled to this machine when it is."""

    path: Path
    """The notebook; the kernel's folder is the one that it lies in."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that the kernel gets besides our own."""
    leave_out: str | None = None
    """The id of a cell that is not to be executed."""
    past_failures: bool = False
    """Go on past cells that fail, up to the first check that does, or a cluster that is away."""
    timeout_seconds: float = 300.0
    """The deadline of a cell that names none of its own."""
    grace_seconds: float = 10.0
    """How long an interrupted cell may take to end before the kernel is killed."""
    startup_seconds: float = 60.0
    """How long the kernel may take to answer."""
    cut_bytes: int = 200_000
    """How much output of a cell is kept."""
    runaway_bytes: int = 20_000_000
    """How much output a cell may put out before it is interrupted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRun:
    """One code cell that was executed."""

    index: int
    """Its place among all cells, from 0."""
    name: str | None
    """Its name, if it has one."""
    seconds: float
    """How long it ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The cell at which an execution stopped."""

    ending: Ending
    """Why it stopped."""
    index: int
    """The cell's place among all cells, from 0."""
    name: str | None
    """The cell's name, if it has one."""
    message: str
    """What happened, in one line."""
    traceback: str = ""
    """The kernel's traceback, without colours."""

    @property
    def label(self) -> str:
        """Return how messages call the cell."""
        return label(self.index, self.name)

    @property
    def is_silence(self) -> bool:
        """Tell whether the cluster did not answer: it has nothing to do with a page."""
        return self.message.startswith(f"{SilentError.__name__}:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """What came of executing a notebook."""

    document: NotebookNode
    """The notebook with the outputs so far, tidied."""
    cells: tuple[CellRun, ...]
    """The code cells that were executed, in order, the failed one included."""
    failure: Failure | None
    """Where it stopped; None if it ran to its end."""
    started_at: str
    """When it started, ISO 8601 in UTC."""
    seconds: float
    """How long it took, the kernel's start included."""
    log: str
    """What the kernel's process printed outside its cells."""
    uses: tuple[Use, ...] = ()
    """What its cells used, in order."""
