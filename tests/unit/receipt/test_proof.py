from __future__ import annotations

from pathlib import Path

import pytest

from istiolab.receipt.proof import (
    WithoutCause,
    holds,
    load_proof,
    proof_path,
    remove_proof,
    write_proof,
)
from istiolab.receipt.store import State, status, write_receipt
from tests.unit.notebook.build import code, write
from tests.unit.page.build import receipt

RUN = WithoutCause(cause="cell 1 `apply`", check="cell 2 `judge`", how="AssertionError")


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "a.yaml").write_text("kind: A")
    path = write(tmp_path, code("place.apply('manifests/a.yaml')", "cause"), code("1", "check"))
    write_receipt(path, receipt(path))
    write_proof(path, [RUN], started_at="2026-02-03T00:00:00Z", duration_seconds=12.34, versions={})
    return path


def test_a_proof_comes_back_as_it_was_written(notebook: Path) -> None:
    proof = load_proof(notebook)
    assert proof is not None
    assert proof.runs == (RUN,)
    assert proof.duration_seconds == 12.3
    assert holds(notebook, proof)
    assert status(notebook).proof == proof


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


def test_a_proof_edited_by_hand_is_not_believed(notebook: Path) -> None:
    path = proof_path(notebook)
    path.write_text(path.read_text().replace("judge", "other"))
    found = status(notebook)
    assert found.state is State.FAILED
    assert found.reason.startswith("the proof of its causes was changed after it was written")


def test_a_removed_proof_is_none(notebook: Path) -> None:
    remove_proof(notebook)
    assert load_proof(notebook) is None
