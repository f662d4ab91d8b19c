from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from time import monotonic

import pytest

from istiolab.system.worker_pool import WorkerPool


@pytest.fixture(autouse=True)
def _handlers() -> object:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_results_come_in_the_order_of_the_items() -> None:
    gate = threading.Event()

    def work(item: int) -> int:
        if item == 1:
            gate.wait(10)
        else:
            gate.set()
        return item * 10

    pool = WorkerPool()
    assert pool.map(work, [1, 2], workers=2) == [10, 20]
    assert pool.map(work, [], workers=2) == []
    assert not pool.is_stopped()


def test_when_a_part_fails_the_others_are_told_and_no_other_is_begun() -> None:
    pool = WorkerPool()
    begun: list[int] = []

    def work(item: int) -> None:
        begun.append(item)
        if item == 1:
            raise ValueError("one")
        start = monotonic()
        while not pool.is_stopped() and monotonic() - start < 10:
            pass

    with pytest.raises(ValueError, match="one"):
        pool.map(work, [0, 1, 2, 3, 4, 5], workers=2)
    assert pool.is_stopped()
    assert len(begun) <= 3


def test_interrupted_it_says_so_waits_for_its_parts_and_the_next_signal_ends_all() -> None:
    told: list[str] = []
    taken_back: list[int] = []
    pool = WorkerPool(on_interrupt=lambda: told.append("interrupted"))
    begun = threading.Barrier(3)

    def work(item: int) -> None:
        begun.wait(10)
        start = monotonic()
        while not pool.is_stopped() and monotonic() - start < 10:
            pass
        taken_back.append(item)

    def interrupt() -> None:
        begun.wait(10)
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGINT)

    helper = threading.Thread(target=interrupt)
    helper.start()
    with pytest.raises(KeyboardInterrupt):
        pool.map(work, [1, 2], workers=2)
    helper.join()
    assert told == ["interrupted"]
    assert sorted(taken_back) == [1, 2]
    assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_interrupted_while_the_first_ones_begin_it_stops_these() -> None:
    pool = WorkerPool()
    stopped: list[int] = []

    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise KeyboardInterrupt

    def work(item: int) -> None:
        start = monotonic()
        while not pool.is_stopped() and monotonic() - start < 10:
            time.sleep(0.01)
        stopped.append(item)

    with pytest.raises(KeyboardInterrupt):
        pool.map(work, items(), workers=2)
    assert sorted(stopped) == [1, 2]
