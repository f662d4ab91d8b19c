from __future__ import annotations

import json
from pathlib import Path

from nbformat.v4 import new_notebook

from istiolab.notebook.execution import CellRun, Execution
from istiolab.receipt.model import ClusterFacts, Receipt, WaitTime
from istiolab.receipt.store import State, status, write_receipt
from istiolab.receipt.subject import take
from istiolab.receipt.write import make_receipt, read_waits
from tests.unit.notebook.build import code, write


def _facts(folder: Path) -> ClusterFacts:
    return ClusterFacts(
        kubeconfig=folder / "kubeconfig",
        provider="embedded",
        versions={"istio": "1.28.2"},
        images={"some/image:1": "sha256:00"},
        mesh_config_sha256="1",
        machine={"processor": "2 × some"},
    )


def _execution() -> Execution:
    return Execution(
        document=new_notebook(),  # type: ignore[no-untyped-call]
        cells=(CellRun(index=0, name="one", seconds=1.23456),),
        failure=None,
        started_at="2026-11-24T00:00:00Z",
        seconds=12.3456,
        log="",
    )


def test_the_receipt_of_a_run_makes_the_notebook_verified(tmp_path: Path) -> None:
    path = write(tmp_path, code("1"))
    waits = (WaitTime(what="rollout of x", seconds=1.5),)
    receipt = make_receipt(take(path), _execution(), _facts(tmp_path), waits, drift="none")
    write_receipt(path, receipt)
    assert status(path).state is State.VERIFIED
    assert Receipt.from_json(receipt.to_json()) == receipt
    assert receipt.versions["istio"] == "1.28.2"
    assert receipt.waits == waits


def test_a_receipt_holds_no_path_of_the_machine(tmp_path: Path) -> None:
    path = write(tmp_path, code("1"))
    text = make_receipt(take(path), _execution(), _facts(tmp_path), (), drift="none").to_json()
    assert str(tmp_path) not in text


def test_waits_are_read_in_their_order(tmp_path: Path) -> None:
    record = tmp_path / "waits.jsonl"
    rows = [{"what": "a", "seconds": 0.5}, {"what": "b", "seconds": 2.0}]
    record.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert [(wait.what, wait.seconds) for wait in read_waits(record)] == [("a", 0.5), ("b", 2.0)]


def test_a_notebook_that_waited_for_nothing_has_no_waits(tmp_path: Path) -> None:
    assert read_waits(tmp_path / "none") == ()
