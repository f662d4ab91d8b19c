from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from istiolab.errors import ClusterError
from istiolab.mesh import pending_deletions
from istiolab.mesh.pending_deletions import PendingDeletions

ONE, OTHER = Path("one"), Path("other")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    calls: list[tuple[object, ...]] = []

    def begin(kubeconfig: Path, prefix: str) -> None:
        calls.append(("begin", kubeconfig, prefix))
        if prefix == "il-lost":
            raise ClusterError("it does not answer")

    def wait(kubeconfig: Path, prefixes: Sequence[str]) -> None:
        calls.append(("wait", kubeconfig, *prefixes))

    monkeypatch.setattr(pending_deletions, "begin_deletion", begin)
    monkeypatch.setattr(pending_deletions, "wait_until_gone", wait)
    return calls


def test_what_was_sent_off_is_waited_for_once_and_together(told: list[tuple[object, ...]]) -> None:
    going = PendingDeletions()
    for kubeconfig, prefix in ((ONE, "il-a"), (OTHER, "il-b"), (ONE, "il-c")):
        going.begin(kubeconfig, prefix)
    assert going.pending
    told.clear()
    going.wait()
    assert told == [("wait", ONE, "il-a", "il-c"), ("wait", OTHER, "il-b")]
    assert not going.pending
    going.wait()
    assert len(told) == 2


def test_what_could_not_be_sent_off_is_waited_for_all_the_same(
    told: list[tuple[object, ...]],
) -> None:
    going = PendingDeletions()
    with pytest.raises(ClusterError):
        going.begin(ONE, "il-lost")
    going.wait()
    assert told[-1] == ("wait", ONE, "il-lost")
