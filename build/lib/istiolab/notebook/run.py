"""A notebook and a plan in, its execution in a fresh kernel out.

Rule 1: only this module knows nbclient and jupyter_client; none of their exceptions leaves it.
Rule 2: the kernel is ended before `run_notebook` returns or raises, also by Ctrl-C. Should this
process be killed, ipykernel ends by itself, since it watches its parent.
Rule 3: the deadline is ours. nbclient's own interrupts a cell, and then waits for it again, as
often as the cell ignores it; and its hook `on_cell_complete` runs when a cell was sent, not when
it is done.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode

from istiolab.errors import KernelError
from istiolab.notebook.bounded import BoundedClient
from istiolab.notebook.cells import CHECK, RAISES, label, names, plain
from istiolab.notebook.document import load_document
from istiolab.notebook.execution import CellRun, Ending, Execution, Failure, RunPlan
from istiolab.notebook.redact import redact
from istiolab.notebook.settings import read_settings
from istiolab.notebook.tidy import clear, tidy

Progress = Callable[[str, float], None]
"""Told before each cell what runs now, and how much is done, from 0 to 1."""


def run_notebook(plan: RunPlan, *, progress: Progress = lambda _what, _done: None) -> Execution:
    """Execute the notebook of `plan` in a fresh kernel, up to its end or its first failure.

    Args:
        plan: what to execute, and within which limits.
        progress: told before each cell.

    Raises:
        KernelError: it is no notebook, or its kernel is not there or does not start.
    """
    document = clear(load_document(plan.path))
    with tempfile.TemporaryDirectory(prefix="istiolab-", ignore_cleanup_errors=True) as name:
        return asyncio.run(_Run(plan, document, Path(name), progress).execute())


class _Run:
    """One execution: the document that fills with outputs, and the cells so far."""

    def __init__(
        self, plan: RunPlan, document: NotebookNode, folder: Path, progress: Progress
    ) -> None:
        self._plan = plan
        self._document = document
        self._folder = folder
        self._progress = progress
        self._runs: list[CellRun] = []
        self._client = BoundedClient(
            document,
            km=_kernel_manager(plan, document, folder),
            startup_timeout=int(plan.startup_seconds),
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
        return Execution(
            document=tidy(self._document),
            cells=tuple(self._runs),
            failure=failure,
            started_at=started_at,
            seconds=monotonic() - start,
            log=self._log(),
        )

    async def _start_kernel(self) -> None:
        self._progress("kernel", 0.0)
        with self._log_path.open("wb") as log:
            try:
                await self._client.async_start_new_kernel(
                    cwd=str(self._plan.path.parent.resolve()),
                    env=_environment(self._plan, self._folder),
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
            name = _name(self._document.cells[index])
            self._progress(
                f"{label(index, name)} of {len(self._document.cells)}", number / len(indices)
            )
            start = monotonic()
            failure = await self._cell(index, name)
            self._runs.append(CellRun(index=index, name=name, seconds=monotonic() - start))
            if failure is not None and not self._may_pass(failure):
                return failure
        return None

    def _may_pass(self, failure: Failure) -> bool:
        """Tell whether the run goes on past a failure: not past a check, nor without a kernel."""
        tags = self._document.cells[failure.index].metadata.get("tags", ())
        return (
            self._plan.past_failures and failure.ending is Ending.CELL_FAILED and CHECK not in tags
        )

    async def _cell(self, index: int, name: str | None) -> Failure | None:
        cell = self._document.cells[index]
        deadline = _deadline(cell, self._plan)
        work = asyncio.ensure_future(self._client.async_execute_cell(cell, index))
        try:
            await asyncio.wait({work}, timeout=deadline)
            hung = not work.done()
            if hung:
                await self._stop(work)
            error = _error_of(work, label(index, name))
        finally:
            work.cancel()
        if hung:
            message = f"it was not done after {deadline:g} s, and was interrupted"
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
            message = f"{error.ename}: {error.evalue}".strip().splitlines()[0]
            return _failure(Ending.CELL_FAILED, index, name, message, error)
        raised = any(output.output_type == "error" for output in cell.outputs)
        if RAISES in cell.metadata.get("tags", ()) and not raised:
            message = f"it is tagged `{RAISES}`, and ended without an error"
            return _failure(Ending.NO_ERROR, index, name, message, None)
        return None

    async def _stop(self, work: asyncio.Future[NotebookNode]) -> None:
        """Interrupt the cell; if that does not end it, kill the kernel."""
        await self._client.interrupt()
        await asyncio.wait({work}, timeout=self._plan.grace_seconds)
        if not work.done():
            await self._client.kill()
            # nbclient looks once a second whether the kernel lives.
            await asyncio.wait({work}, timeout=5.0)

    @property
    def _log_path(self) -> Path:
        return self._folder / "kernel.log"

    def _log(self) -> str:
        return redact(plain(self._log_path.read_text(errors="replace")))


def _error_of(work: asyncio.Future[NotebookNode], name: str) -> BaseException | None:
    error = work.exception() if work.done() else None
    if error is None or isinstance(error, CellExecutionError | DeadKernelError):
        return error
    raise KernelError(
        f"{name} could not be executed", where=(f"{type(error).__name__}: {error}",)
    ) from error


def _failure(
    ending: Ending, index: int, name: str | None, message: str, error: BaseException | None
) -> Failure:
    traceback = error.traceback if isinstance(error, CellExecutionError) else ""
    return Failure(
        ending=ending,
        index=index,
        name=name,
        message=redact(plain(message)),
        traceback=redact(plain(traceback)),
    )


def _name(cell: NotebookNode) -> str | None:
    return next(iter(names(tuple(cell.metadata.get("tags", ())))), None)


def _deadline(cell: NotebookNode, plan: RunPlan) -> float:
    own = read_settings(cell.metadata, cell="a cell").timeout_seconds
    return plan.timeout_seconds if own is None else own


def _kernel_manager(plan: RunPlan, document: NotebookNode, folder: Path) -> AsyncKernelManager:
    name = document.metadata.kernelspec.name
    specs = KernelSpecManager()
    try:
        specs.get_kernel_spec(name)
    except NoSuchKernel as missing:
        there = ", ".join(f"`{each}`" for each in sorted(specs.find_kernel_specs())) or "none"
        raise KernelError(
            f"`{plan.path.name}` names the kernel `{name}`, which is not there",
            where=(f"kernels there are: {there}",),
        ) from missing
    # Sockets of the file system: no port of the machine is taken, and ipykernel warns about TCP.
    # Their path must be absolute, since the kernel runs in the notebook's folder, and short, since
    # `sun_path` holds 108 bytes (unix(7)).
    return AsyncKernelManager(
        kernel_name=name,
        transport="ipc",
        ip=str(folder / "k"),
        connection_file=str(folder / "kernel.json"),
    )


def _environment(plan: RunPlan, folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        # Nobody's own start-up files and history.
        "IPYTHONDIR": str(folder / "ipython"),
        # Sets show in the same order in each run.
        "PYTHONHASHSEED": "0",
        **plan.environment,
    }
