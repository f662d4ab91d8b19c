from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from istiolab.receipt.changes import changes_of_cluster, changes_since
from istiolab.receipt.store import State, status, write_receipt
from tests.unit.notebook.build import code, text, write
from tests.unit.receipt.build import CLUSTER, receipt

OUTPUT = {"output_type": "stream", "name": "stdout", "text": ["10.0.0.1\n", "10.0.0.2\n"]}


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    (tmp_path / "a.yaml").write_text("a: 1")
    ask = code("ask()", "ask", outputs=[OUTPUT])
    path = write(tmp_path, ask, code("assert True", "judge", "check"), text("So it is."))
    write_receipt(path, receipt(path, "a.yaml"))
    return path


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    tree = json.loads(path.read_text())
    change(tree)
    path.write_text(json.dumps(tree))


def test_another_spelling_of_the_same_notebook_is_no_change(notebook: Path) -> None:
    def spell(tree: dict[str, Any]) -> None:
        tree["cells"][0]["outputs"][0]["text"] = "10.0.0.1\n10.0.0.2\n"
        tree["cells"][0]["metadata"]["collapsed"] = False

    edit(notebook, spell)
    notebook.write_text(json.dumps(json.loads(notebook.read_text()), indent=3))
    assert status(notebook).state is State.VERIFIED


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda tree: tree["cells"][0].update(source="ask(2)"), "cell 1 `ask` changed"),
        (lambda tree: tree["cells"][1]["metadata"]["tags"].pop(), "cell 2 `judge` changed"),
        (
            lambda tree: tree["cells"][0]["metadata"].update(istiolab={"timeout_seconds": 9}),
            "cell 1 `ask` changed",
        ),
        (lambda tree: tree["cells"][2].update(source="Or not."), "cell 3 changed"),
        (lambda tree: tree["cells"].pop(1), "cell 2 `judge` was removed"),
        (lambda tree: tree["cells"][1].update(id="other"), "cell 2 `judge` is new"),
        (lambda tree: tree["cells"].reverse(), "the order of the cells changed"),
        (
            lambda tree: tree["metadata"].update(istiolab={"lab": "bare"}),
            "the notebook's metadata changed",
        ),
        (
            lambda tree: tree["cells"][0]["outputs"][0].update(text="10.0.0.2\n10.0.0.1\n"),
            "outputs of cell 1 `ask` are not those that a run wrote",
        ),
        (
            lambda tree: tree["cells"][0]["outputs"][0].update(name="stderr"),
            "outputs of cell 1 `ask` are not those that a run wrote",
        ),
        (
            lambda tree: tree["cells"][0].update(outputs=[]),
            "outputs of cell 1 `ask` are not those that a run wrote",
        ),
        (
            lambda tree: tree["cells"][1].update(outputs=[OUTPUT]),
            "outputs of cell 2 `judge` are not those that a run wrote",
        ),
    ],
)
def test_what_changed_of_the_notebook_is_named(
    notebook: Path, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    edit(notebook, change)
    found = status(notebook)
    assert found.state is State.STALE
    assert said in found.changes
    assert said in found.reason


def test_an_input_that_changed_is_named(notebook: Path) -> None:
    (notebook.parent / "unrelated.yaml").write_text("a: 1")
    assert status(notebook).state is State.VERIFIED
    (notebook.parent / "a.yaml").write_text("a: 2")
    found = status(notebook)
    assert (found.state, found.changes) == (State.STALE, ("`a.yaml` changed",))
    assert found.reason == "since the run of 2026-01-02T03:04:05Z: `a.yaml` changed"


def test_a_reason_names_a_few_changes_and_counts_the_others(notebook: Path) -> None:
    made = receipt(notebook)
    many = {f"{number}.yaml": "0" for number in range(5)}
    write_receipt(notebook, replace(made, inputs=replace(made.inputs, files=many)))
    assert status(notebook).reason.endswith("`2.yaml` changed; and 2 more")
    assert len(changes_since(notebook, replace(made, inputs=replace(made.inputs, files=many)))) == 5


def test_a_cluster_of_the_same_parts_is_no_change() -> None:
    assert changes_of_cluster(CLUSTER, receipt()) == ()


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"versions": {"istio": "1.29.0"}}, "istio is 1.29.0, and was 1.28.2"),
        ({"versions": {"envoy": "1.36.4"}}, "envoy is 1.36.4, and was not there"),
        ({"images": {"pilot": "sha256:11"}}, "the image `pilot` is another"),
        ({"images": {}}, "the image `pilot` is another"),
        ({"mesh_config_sha256": "1"}, "the mesh's configuration is another"),
    ],
)
def test_what_is_another_of_the_cluster_is_named(parts: dict[str, Any], said: str) -> None:
    assert changes_of_cluster(replace(CLUSTER, **parts), receipt()) == (said,)
