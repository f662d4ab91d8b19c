from __future__ import annotations

import os
from types import SimpleNamespace

import psutil
import pytest

from istiolab.system import load
from istiolab.system.load import watched


def test_a_core_that_computes_is_busy() -> None:
    with watched() as seen:
        before = os.times()
        while (now := os.times()).user + now.system - before.user - before.system < 0.5:
            pass
    assert 0.2 < seen.cores_busy <= (os.cpu_count() or 1) + 0.2


def test_waiting_for_a_disk_and_for_nothing_is_not_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    quiet = {"user": 0.0, "nice": 0.0, "system": 0.0, "irq": 0.0, "softirq": 0.0}
    times = [
        SimpleNamespace(**quiet, idle=1.0, iowait=0.0, steal=0.0, guest=0.0),
        SimpleNamespace(**quiet, idle=9.0, iowait=9.0, steal=9.0, guest=0.0),
    ]
    monkeypatch.setattr(psutil, "cpu_times", lambda: times.pop(0))
    with watched() as seen:
        pass
    assert seen.cores_busy == 0.0


def test_memory_is_what_was_taken_at_the_worst_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    left = [1000, 300, 800]
    monkeypatch.setattr(load, "SAMPLE_SECONDS", 0.01)
    monkeypatch.setattr(
        psutil,
        "virtual_memory",
        lambda: SimpleNamespace(available=left.pop(0) if len(left) > 1 else left[0]),
    )
    with watched() as seen:
        while len(left) > 1:
            pass
    assert seen.memory_bytes == 700
