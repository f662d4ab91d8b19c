from __future__ import annotations

import json
from pathlib import Path

import pytest

from istiolab.notebook.document import load_document
from istiolab.receipt.model import steps_sha256
from istiolab.receipt.proof import Proof, WithoutCause, is_proven
from istiolab.receipt.record import load_record, record_path, remove_record, save_record
from istiolab.receipt.store import State, status, write_receipt
from tests.unit.notebook.build import code, write
from tests.unit.receipt.build import inputs, receipt

RUN = WithoutCause(cause="cell 1 `apply`", check="cell 2 `judge`", how="AssertionError")


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "a.yaml").write_text("kind: A")
    path = write(tmp_path, code("place.apply('manifests/a.yaml')", "cause"), code("1", "check"))
    write_receipt(path, receipt(path))
    proof = Proof(
        steps_sha256=steps_sha256(load_document(path)),
        inputs=inputs(tmp_path, "manifests/a.yaml"),
        versions={},
        started_at="2026-02-03T00:00:00Z",
        duration_seconds=12.3,
        runs=(RUN,),
    )
    save_record(path, proof)
    return path


def test_a_proof_that_holds_is_part_of_what_is_shown(notebook: Path) -> None:
    proof = load_record(notebook, Proof)
    assert proof is not None
    assert proof.runs == (RUN,)
    assert status(notebook).proof == proof
    assert is_proven(notebook)


def test_new_outputs_leave_a_proof_as_it_is(notebook: Path) -> None:
    text = notebook.read_text()
    output = {"output_type": "stream", "name": "stdout", "text": "x"}
    write(
        notebook.parent,
        code("place.apply('manifests/a.yaml')", "cause", outputs=[output]),
        code("1", "check"),
    )
    assert notebook.read_text() != text
    assert status(notebook).state is State.STALE
    assert status(notebook).proof is not None


@pytest.mark.parametrize(
    ("source", "tags"),
    [("place.apply('manifests/a.yaml') ", ("cause",)), ("place.apply('manifests/a.yaml')", ())],
    ids=["a source", "a tag"],
)
def test_a_changed_step_ends_a_proof(notebook: Path, source: str, tags: tuple[str, ...]) -> None:
    write(notebook.parent, code(source, *tags), code("1", "check"))
    assert status(notebook).proof is None


def test_a_changed_manifest_ends_a_proof(notebook: Path) -> None:
    (notebook.parent / "manifests" / "a.yaml").write_text("kind: B")
    assert status(notebook).proof is None


def test_a_proof_of_an_older_version_is_none(notebook: Path) -> None:
    path = record_path(notebook, Proof)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": 1}))
    assert status(notebook).proof is None
    assert status(notebook).state is State.VERIFIED
    assert not is_proven(notebook)


def test_a_proof_edited_by_hand_is_not_believed(notebook: Path) -> None:
    path = record_path(notebook, Proof)
    path.write_text(path.read_text().replace("judge", "other"))
    found = status(notebook)
    assert found.state is State.FAILED
    assert found.reason.startswith("the proof of its causes was changed after it was written")
    assert not is_proven(notebook)


def test_a_removed_proof_is_none(notebook: Path) -> None:
    remove_record(notebook, Proof)
    assert load_record(notebook, Proof) is None
