"""nbclient's client, with a limit to what a cell may put out, and a kernel that can be ended."""

from __future__ import annotations

import asyncio
import math
from typing import Any

from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_output

from istiolab.system.deadlines import scaled

_KILL_SECONDS = 10.0
_OUTPUT_SECONDS = 4.0


class BoundedClient(NotebookClient):
    """A client that keeps only so much output of a cell, and interrupts one that has no end."""

    def __init__(
        self,
        document: NotebookNode,
        *,
        km: AsyncKernelManager,
        startup_timeout: int,
        cut_bytes: int,
        runaway_bytes: int,
    ) -> None:
        super().__init__(
            document,
            km=km,
            startup_timeout=startup_timeout,
            timeout=None,
            # How long output that belongs to a cell may come after its end.
            iopub_timeout=math.ceil(scaled(_OUTPUT_SECONDS)),
            record_timing=False,
            coalesce_streams=True,
            store_widget_state=False,
            # By default a tag, `skip-execution`, has a cell pass that was never sent. No valid
            # notebook has an empty tag.
            skip_cells_with_tag="",
        )
        self._manager = km
        self._cut_bytes = cut_bytes
        self._runaway_bytes = runaway_bytes
        self._cell_index = -1
        self._size = 0
        self._interrupting: asyncio.Task[None] | None = None

    @property
    def ran_away(self) -> bool:
        """Tell whether the last cell was interrupted for its output."""
        return self._size > self._runaway_bytes

    async def interrupt(self) -> None:
        """Interrupt what the kernel does."""
        if self._manager.has_kernel:
            await self._manager.interrupt_kernel()

    async def kill(self) -> None:
        """Kill the kernel's process."""
        if self._manager.has_kernel:
            await self._manager.shutdown_kernel(now=True)

    async def end(self) -> None:
        """End the kernel if there is one, and free what was opened for it; may be called twice."""
        try:
            await asyncio.wait_for(self.kill(), timeout=scaled(_KILL_SECONDS))
        finally:
            if self.kc is not None:
                self.kc.stop_channels()
                self.kc = None
            await self._manager.cleanup_resources()

    def output(
        self,
        outs: list[NotebookNode],
        msg: dict[str, Any],
        display_id: str | None,
        cell_index: int,
    ) -> NotebookNode | None:
        """Take one output over, or drop it if the cell has put out too much already."""
        if cell_index != self._cell_index:
            self._cell_index, self._size, self._interrupting = cell_index, 0, None
        before = self._size
        self._size += _size(msg["content"])
        if self._size <= self._cut_bytes or msg["msg_type"] == "error":
            return super().output(outs, msg, display_id, cell_index)
        if before <= self._cut_bytes:
            outs.append(_notice(self._cut_bytes))
        if self.ran_away and self._interrupting is None:
            self._interrupting = asyncio.ensure_future(self.interrupt())
        return None


def _size(content: object) -> int:
    if isinstance(content, str):
        # What came as JSON may hold half a character, which has no bytes of its own.
        return len(content.encode(errors="replace"))
    if isinstance(content, dict):
        return sum(_size(each) for each in content.values())
    if isinstance(content, list):
        return sum(_size(each) for each in content)
    return 0


def _notice(limit: int) -> NotebookNode:
    text = f"\n[istiolab: the output was cut after {limit:,} bytes]\n"
    notice: NotebookNode = new_output("stream", name="stderr", text=text)  # type: ignore[no-untyped-call]
    return notice
