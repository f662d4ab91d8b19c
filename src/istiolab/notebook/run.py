"""A notebook and a plan in, its execution in a fresh kernel out.

Rule 1: only this module and its neighbours `bounded` and `kernel` know nbclient and jupyter_client;
none of their exceptions leaves here.
Rule 2: the kernel is ended before `run_notebook` returns or raises, also by Ctrl-C. Should this
process be killed, ipykernel ends by itself, since it watches its parent.
Rule 3: the deadline is ours. nbclient's own interrupts a cell, and waits for it again as often as
the cell ignores it; its hook `on_cell_complete` runs when a cell was sent, not when it is done.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode

from istiolab.errors import KernelError, SilentError
from istiolab.notebook.bounded import BoundedClient
from istiolab.notebook.cells import CHECK, RAISES, label, name_of, plain
from istiolab.notebook.document import load_document
from istiolab.notebook.execution import CellRun, Ending, Execution, Failure, RunPlan
from istiolab.notebook.kernel import kernel_environment, kernel_manager
from istiolab.notebook.settings import read_settings
from istiolab.notebook.tidy import clear, tidy
from istiolab.notebook.uses import demand_record, read_uses
from istiolab.notebook.withhold import exposed, find_in_cell, notice
from istiolab.system.deadlines import said, scaled
from istiolab.system.scratch import scratch_folder

_LOOK_SECONDS = 0.2

Progress = Callable[[str, float], None]
"""Told before each cell what runs now, and how much is done, from 0 to 1."""


def run_notebook(
    plan: RunPlan,
    *,
    progress: Progress = lambda _what, _done: None,
    is_stopped: Callable[[], bool] = lambda: False,
    find_secret: Callable[[NotebookNode], str | None] = find_in_cell,
) -> Execution:
    """Execute the notebook of `plan` in a fresh kernel, up to its end or its first failure.

    Args:
        plan: what to execute, and within which limits.
        progress: told before each cell.
        is_stopped: asked all the while whether to end the kernel and leave.
        find_secret: asked after each cell which secret it put out, if it did: that ends the run.

    Raises:
        KernelError: it is no notebook, its kernel is not there or does not start, or it was
            stopped.
    """
    document = clear(load_document(plan.path))
    with scratch_folder() as folder:
        run = _Run(plan, document, folder, progress, find_secret)
        return asyncio.run(_until_stopped(run.execute(), is_stopped, plan))


class _Run:
    """One execution: the document that fills with outputs, and the cells so far."""

    def __init__(
        self,
        plan: RunPlan,
        document: NotebookNode,
        folder: Path,
        progress: Progress,
        find_secret: Callable[[NotebookNode], str | None],
    ) -> None:
        self._plan = plan
        self._document = document
        self._folder = folder
        self._progress = progress
        self._find_secret = find_secret
        self._runs: list[CellRun] = []
        self._client = BoundedClient(
            document,
            km=kernel_manager(plan, document, folder),
            startup_timeout=math.ceil(scaled(plan.startup_seconds)),
            cut_bytes=plan.cut_bytes,
            runaway_bytes=plan.runaway_bytes,
        )

    async def execute(self) -> Execution:
        started_at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        start = monotonic()
        try:
            await self._start_kernel()
            failure = await self._cells()
        finally:
            await self._client.end()
        uses = read_uses(self._folder)
        if failure is None:
            demand_record(uses, name=self._plan.path.name)
        return Execution(
            document=tidy(self._document),
            cells=tuple(self._runs),
            failure=failure,
            started_at=started_at,
            seconds=monotonic() - start,
            log=self._log(),
            uses=uses,
        )

    async def _start_kernel(self) -> None:
        self._progress("kernel", 0.0)
        with self._log_path.open("wb") as log:
            try:
                await self._client.async_start_new_kernel(
                    cwd=str(self._plan.path.parent.resolve()),
                    env=kernel_environment(self._plan, self._folder),
                    stdout=log,
                    stderr=log,
                )
                await self._client.async_start_new_kernel_client()
            except (RuntimeError, OSError) as wrong:
                raise KernelError(
                    f"the kernel of `{self._plan.path.name}` did not start",
                    where=(str(wrong), *self._log().splitlines()[-10:]),
                ) from wrong

    async def _cells(self) -> Failure | None:
        indices = [
            index
            for index, cell in enumerate(self._document.cells)
            if cell.cell_type == "code" and cell.source.strip() and cell.id != self._plan.leave_out
        ]
        for number, index in enumerate(indices):
            name = name_of(self._document.cells[index])
            self._progress(
                f"{label(index, name)} of {len(self._document.cells)}", number / len(indices)
            )
            start = monotonic()
            failure = await self._cell(index, name)
            if secret := self._find_secret(self._document.cells[index]):
                self._document.cells[index].outputs = [notice(secret)]
                failure = exposed(index, name, secret)
            self._runs.append(CellRun(index=index, name=name, seconds=monotonic() - start))
            if failure is not None and not self._may_pass(failure):
                return failure
        return None

    def _may_pass(self, failure: Failure) -> bool:
        """Tell whether the run goes on past a failure.

        Not past a check, nor without a kernel. Nor past a cluster that did not answer: a check
        would find fault with what nobody asked. Nor before the cell that is left out, whose lack
        cannot be why.
        """
        cells = self._document.cells
        tags = cells[failure.index].metadata.get("tags", ())
        return (
            self._plan.past_failures
            and any(cell.id == self._plan.leave_out for cell in cells[: failure.index])
            and failure.ending is Ending.CELL_FAILED
            and not failure.is_silence
            and CHECK not in tags
        )

    async def _cell(self, index: int, name: str | None) -> Failure | None:
        cell = self._document.cells[index]
        deadline = scaled(_deadline(cell, self._plan))
        work = asyncio.ensure_future(self._client.async_execute_cell(cell, index))
        # Who leaves early asks no more how it ended, of which asyncio would complain.
        work.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            await asyncio.wait({work}, timeout=deadline)
            hung = not work.done()
            if hung:
                await self._stop(work)
            error = _error_of(work, label(index, name))
        finally:
            work.cancel()
        if hung:
            message = f"it was not done after {said(deadline)}, and was interrupted"
            return _failure(Ending.HUNG, index, name, message, error)
        if self._client.ran_away:
            message = (
                f"it put out more than {self._plan.runaway_bytes:,} bytes, and was interrupted"
            )
            return _failure(Ending.RUNAWAY, index, name, message, error)
        return self._judge(cell, index, name, error)

    def _judge(
        self, cell: NotebookNode, index: int, name: str | None, error: BaseException | None
    ) -> Failure | None:
        if isinstance(error, DeadKernelError):
            return _failure(Ending.KERNEL_DIED, index, name, "the kernel's process ended", error)
        if isinstance(error, CellExecutionError):
            message = _first_line(error.ename, error.evalue)
            return _failure(Ending.CELL_FAILED, index, name, message, error)
        if RAISES not in cell.metadata.get("tags", ()):
            return None
        raised = [output for output in cell.outputs if output.output_type == "error"]
        if not raised:
            message = f"it is tagged `{RAISES}`, and ended without an error"
            return _failure(Ending.NO_ERROR, index, name, message, None)
        if raised[0].ename == SilentError.__name__:
            message = _first_line(raised[0].ename, raised[0].evalue)
            return _failure(Ending.CELL_FAILED, index, name, message, None)
        return None

    async def _stop(self, work: asyncio.Future[NotebookNode]) -> None:
        """Interrupt the cell; if that does not end it, kill the kernel."""
        await self._client.interrupt()
        await asyncio.wait({work}, timeout=scaled(self._plan.grace_seconds))
        if not work.done():
            await self._client.kill()
            # nbclient looks once a second whether the kernel lives.
            await asyncio.wait({work}, timeout=scaled(5.0))

    @property
    def _log_path(self) -> Path:
        return self._folder / "kernel.log"

    def _log(self) -> str:
        return plain(self._log_path.read_text(errors="replace"))


async def _until_stopped(
    running: Coroutine[Any, Any, Execution], is_stopped: Callable[[], bool], plan: RunPlan
) -> Execution:
    work = asyncio.ensure_future(running)
    try:
        while not work.done() and not is_stopped():
            await asyncio.wait({work}, timeout=_LOOK_SECONDS)
    finally:
        if not work.done():
            work.cancel()
            await asyncio.wait({work})
    if work.cancelled():
        raise KernelError(f"`{plan.path.name}` was stopped")
    return work.result()


def _error_of(work: asyncio.Future[NotebookNode], name: str) -> BaseException | None:
    error = work.exception() if work.done() else None
    if error is None or isinstance(error, CellExecutionError | DeadKernelError):
        return error
    raise KernelError(
        f"{name} could not be executed", where=(f"{type(error).__name__}: {error}",)
    ) from error


def _first_line(ename: str, evalue: str) -> str:
    return plain(f"{ename}: {evalue}").strip().splitlines()[0]


def _failure(
    ending: Ending, index: int, name: str | None, message: str, error: BaseException | None
) -> Failure:
    traceback = error.traceback if isinstance(error, CellExecutionError) else ""
    return Failure(
        ending=ending,
        index=index,
        name=name,
        message=plain(message),
        traceback=plain(traceback),
    )


def _deadline(cell: NotebookNode, plan: RunPlan) -> float:
    own = read_settings(cell.metadata, cell="a cell").timeout_seconds
    return plan.timeout_seconds if own is None else own
