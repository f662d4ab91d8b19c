from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from istiolab.receipt.failing import Failing
from istiolab.receipt.model import ClusterFacts
from istiolab.receipt.record import load_record
from istiolab.receipt.store import State, load_receipt, receipt_path, status
from istiolab.runner.publish import describe, publish
from istiolab.verdict.drift import Change
from istiolab.verdict.judge import Outcome
from tests.unit.cli.outcomes import FAILURE, drift, verified
from tests.unit.notebook.build import code, write
from tests.unit.receipt.build import use

CLUSTER = ClusterFacts(
    kubeconfig=Path("kubeconfig"),
    provider="embedded",
    versions={"istio": "1.28.2"},
    images={},
    mesh_config_sha256="0",
    machine={},
)


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    return write(tmp_path, code("1"))


def test_attempts_count_the_runs_since_the_last_receipt(notebook: Path) -> None:
    publish(verified(Outcome.CHECK_FAILED, failure=FAILURE, notebook=notebook), CLUSTER)
    publish(verified(Outcome.LEAKED, leaks=("left behind: x",), notebook=notebook), CLUSTER)
    publish(verified(Outcome.VERIFIED, notebook=notebook), CLUSTER)
    receipt = load_receipt(notebook)
    assert receipt is not None
    assert receipt.attempts == 3
    assert load_record(notebook, Failing) is None
    publish(verified(Outcome.VERIFIED, notebook=notebook), CLUSTER)
    again = load_receipt(notebook)
    assert again is not None
    assert again.attempts == 1


@pytest.mark.parametrize(
    "outcome", [Outcome.CHECK_FAILED, Outcome.BROKEN, Outcome.DRIFTED, Outcome.LEAKED]
)
def test_a_run_that_did_not_pass_leaves_notebook_and_receipt_byte_for_byte(
    notebook: Path, outcome: Outcome
) -> None:
    publish(verified(Outcome.VERIFIED, notebook=notebook), CLUSTER)
    before = notebook.read_bytes(), receipt_path(notebook).read_bytes()
    drifts = (drift(),) if outcome is Outcome.DRIFTED else ()
    publish(verified(outcome, failure=FAILURE, drifts=drifts, notebook=notebook), CLUSTER)
    assert (notebook.read_bytes(), receipt_path(notebook).read_bytes()) == before
    found = status(notebook)
    assert found.state is State.FAILING
    assert found.receipt is not None
    assert found.failing is not None
    assert found.failing.outcome == outcome


def test_what_was_not_run_changes_nothing(notebook: Path) -> None:
    publish(verified(Outcome.UNCHANGED, notebook=notebook), CLUSTER)
    assert status(notebook).state is State.MISSING


def test_new_outputs_are_written_with_a_receipt_that_fits_them(notebook: Path) -> None:
    before = notebook.read_bytes()
    publish(verified(Outcome.UPDATED, drifts=(drift(),), notebook=notebook), CLUSTER)
    assert notebook.read_bytes() != before
    assert status(notebook).state is State.VERIFIED


def saved(path: Path) -> None:
    path.write_text(path.read_text().replace('"1"', '"2"'))


def removed(path: Path) -> None:
    path.unlink()


def broken(path: Path) -> None:
    path.write_text("{")


def edit_manifest(path: Path) -> None:
    (path.parent / "a.yaml").write_text("a: 2")


def edit_helper(path: Path) -> None:
    (path.parent / "beside.py").write_text("x = 2")


@pytest.mark.parametrize("outcome", [Outcome.VERIFIED, Outcome.UPDATED])
@pytest.mark.parametrize(
    ("edit", "what"),
    [
        (saved, "the notebook"),
        (removed, "the notebook"),
        (broken, "the notebook"),
        (edit_manifest, "`a.yaml`"),
        (edit_helper, "`beside.py`"),
    ],
)
def test_what_was_changed_while_it_ran_has_not_passed_and_nothing_is_written(
    tmp_path: Path, outcome: Outcome, edit: Callable[[Path], None], what: str
) -> None:
    (tmp_path / "a.yaml").write_text("a: 1")
    (tmp_path / "beside.py").write_text("x = 1")
    path = write(tmp_path, code("import beside"), code("apply('a.yaml')"), code("1"))
    drifts = (drift(),) if outcome is Outcome.UPDATED else ()
    uses = (use(tmp_path, "beside.py"), use(tmp_path, "a.yaml"))
    run = verified(outcome, drifts=drifts, notebook=path, uses=uses)
    edit(path)
    before = {each: each.read_bytes() for each in tmp_path.rglob("*")}
    found = publish(run, CLUSTER)
    assert (found.outcome, found.changed, found.drifts) == (Outcome.CHANGED, what, ())
    assert {each: each.read_bytes() for each in tmp_path.rglob("*")} == before


def test_a_run_of_which_nobody_took_the_digests_gets_no_receipt(notebook: Path) -> None:
    run = replace(verified(Outcome.VERIFIED, notebook=notebook), sha256="")
    assert publish(run, CLUSTER).outcome is Outcome.CHANGED
    assert not receipt_path(notebook).exists()


def test_a_run_that_passes_comes_back_as_it_is(notebook: Path) -> None:
    run = verified(Outcome.VERIFIED, notebook=notebook)
    assert publish(run, CLUSTER) is run


def test_a_failure_is_described_by_its_cell_its_leak_or_its_cells_that_differ() -> None:
    assert describe(verified(Outcome.CHECK_FAILED, failure=FAILURE)) == (
        "cell 2 `judge`: cell failed: AssertionError: no <b>"
    )
    assert describe(verified(Outcome.LEAKED, leaks=("left behind: x", "altered: y"))) == (
        "left behind: x"
    )
    assert describe(verified(Outcome.DRIFTED, drifts=(drift(),))) == (
        "other outputs than the published ones: cell 1 `ask`"
    )
    assert describe(verified(Outcome.DRIFTED, drifts=(drift(Change.EDITED),))) == (
        "outputs that no run wrote: cell 1 `ask`"
    )
