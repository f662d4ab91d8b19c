"""Work done side by side in threads, which ends early when we are interrupted or a part fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from istiolab.system.interrupts import end_when_asked_again

Item = TypeVar("Item")
Result = TypeVar("Result")


class WorkerPool:
    """Threads, and the word for them to stop."""

    def __init__(self, *, on_interrupt: Callable[[], None] = lambda: None) -> None:
        self._on_interrupt = on_interrupt
        self._stop = threading.Event()

    def is_stopped(self) -> bool:
        """Tell whether the work is to end: it takes back what it has begun, and raises."""
        return self._stop.is_set()

    def map(
        self, work: Callable[[Item], Result], items: Iterable[Item], *, workers: int
    ) -> list[Result]:
        """Do the work on each item, and return the results in the items' order.

        When a part raises, or we are interrupted, no other part is begun, and those that were are
        told to stop and waited for. Interrupted once more, the process ends at once.

        Args:
            work: asks `is_stopped` from time to time.
            items: what it works on.
            workers: how many threads there are.

        Raises:
            Exception: what a part raised.
        """
        with ThreadPoolExecutor(max_workers=workers) as pool:
            parts: list[Future[Result]] = []
            try:
                for item in items:
                    parts.append(pool.submit(work, item))  # noqa: PERF401 - kept if interrupted
                done, _ = wait(parts, return_when=FIRST_EXCEPTION)
                for part in done:
                    part.result()
            except BaseException as reason:
                self._stop.set()
                for part in parts:
                    part.cancel()
                if isinstance(reason, KeyboardInterrupt):
                    end_when_asked_again()
                    self._on_interrupt()
                raise
        return [part.result() for part in parts]
