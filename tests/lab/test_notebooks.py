"""Every notebook on the live lab, from the command line to the receipt."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from istiolab.lab.spec import Lab
from istiolab.mesh.client import open_cluster
from istiolab.mesh.namespaces import prefixed
from istiolab.notebook.cells import find_cell, read_notebook
from istiolab.notebook.document import load_document, serialize
from istiolab.notebook.needs import Need, need_of
from istiolab.notebook.tidy import clear
from istiolab.page.clean import clean_html
from istiolab.receipt.store import State, load_receipt, receipt_path, status
from istiolab.verdict.drift import compare
from tests.lab.command import istiolab
from tests.unit.notebook.build import code, write

ROOT = Path(__file__).parents[2]
CHAPTER = "426-upgrade-required"


@pytest.fixture(scope="module")
def executed(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Execute all committed notebooks in a copy without outputs, and return the copy's folder."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    shutil.rmtree(folder / "notebooks" / "receipts", ignore_errors=True)
    for path in (folder / "notebooks").glob("*.ipynb"):
        path.write_text(serialize(clear(load_document(path))))
    done = istiolab("verify", "--update", folder=folder, timeout_seconds=1200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert lab.name
    return folder / "notebooks"


@pytest.fixture
def namespaces_after(lab: Lab) -> Iterator[None]:
    yield
    cluster = open_cluster(lab.kubeconfig)
    try:
        assert prefixed(cluster, "il-") == []
    finally:
        cluster.close()


def test_each_notebook_runs_to_its_end_and_gets_a_receipt(executed: Path) -> None:
    notebooks = sorted(executed.glob("*.ipynb"))
    assert [path.stem for path in notebooks] == sorted(
        path.stem for path in (ROOT / "notebooks").glob("*.ipynb")
    )
    for path in notebooks:
        assert status(path).state is State.VERIFIED
        receipt = load_receipt(path)
        assert receipt is not None
        # One that installs Istio itself ran on a lab that has none.
        mesh = {} if need_of(path) is Need.BARE else {"istio": "1.28.2", "envoy": "1.36.4"}
        parts = receipt.versions.keys() - {"istiolab", "python"}
        found = {part: receipt.versions[part] for part in parts}
        assert found == {"kubernetes": "1.34.2", **mesh}
        assert all(digest.startswith("sha256:") for digest in receipt.images.values())
        assert "docker.io/istio/proxyv2:1.28.2" in receipt.images


def test_what_the_cluster_answers_is_what_was_published(executed: Path) -> None:
    for path in sorted(executed.glob("*.ipynb")):
        published = read_notebook(ROOT / "notebooks" / path.name)
        assert any(cell.outputs for cell in published.cells)
        assert compare(published, read_notebook(path)) == ()


def test_unchanged_notebooks_are_not_run_again(executed: Path) -> None:
    before = {path: path.read_bytes() for path in executed.rglob("*.json")}
    done = istiolab("verify", "--json", folder=executed.parent, timeout_seconds=60)
    assert done.returncode == 0
    assert {each["outcome"] for each in json.loads(done.stdout)} == {"unchanged"}
    assert before == {path: path.read_bytes() for path in executed.rglob("*.json")}


def test_the_published_matrix_is_what_the_cluster_answers(executed: Path) -> None:
    for name in ("matrix", "matrix-evidence"):
        shown = [
            clean_html(
                find_cell(read_notebook(folder / f"{CHAPTER}.ipynb"), name).outputs[0].html or ""
            )
            for folder in (ROOT / "notebooks", executed)
        ]
        assert "426" in shown[0]
        assert shown[0] == shown[1]


@pytest.mark.usefixtures("namespaces_after")
def test_a_check_that_does_not_hold_is_a_finding_with_its_evidence(
    lab: Lab, tmp_path: Path
) -> None:
    shutil.copytree(ROOT / "notebooks" / "manifests", tmp_path / "manifests")
    path = write(
        tmp_path,
        code("from istiolab import connect\nmesh = connect()\nplace = mesh.namespace('a')"),
        code("place.apply('manifests/426/backend.yaml')\nplace.wait_for_rollout('backend')"),
        code("assert len(place.pods()) == 2, 'there is one pod'", "too-many", "check"),
    )
    before = path.read_bytes()
    done = istiolab("verify", str(path), folder=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "cell 3 `too-many`" in done.stdout
    assert "AssertionError: there is one pod" in done.stdout
    saved = tmp_path / "reports" / path.stem
    assert "there is one pod" in (saved / "failure.txt").read_text()
    assert "-- log of backend-" in (saved / "cluster.txt").read_text()
    assert "-- events" in (saved / "cluster.txt").read_text()
    assert path.read_bytes() == before
    assert not receipt_path(path).exists()
    assert lab.name


@pytest.mark.usefixtures("namespaces_after")
def test_a_pod_that_never_gets_ready_is_told_with_its_events(lab: Lab, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "notebooks" / "manifests", tmp_path / "manifests")
    path = write(
        tmp_path,
        code("from istiolab import connect\nmesh = connect()\nplace = mesh.namespace('a')"),
        code(
            "place.apply('manifests/426/backend.yaml', WORKLOAD_IMAGE='nowhere.invalid/none:1')\n"
            "place.wait_for_rollout('backend', timeout_seconds=15)"
        ),
    )
    done = istiolab("verify", str(path), folder=tmp_path)
    assert done.returncode == 5, done.stdout + done.stderr
    text = (tmp_path / "reports" / path.stem / "failure.txt").read_text()
    assert "was not ready after" in text
    assert "event: backend-" in text
    assert "nowhere.invalid/none:1" in text
    assert lab.name


@pytest.mark.usefixtures("namespaces_after")
def test_a_cell_that_hangs_is_interrupted_and_named(lab: Lab, tmp_path: Path) -> None:
    path = write(
        tmp_path,
        code(
            "import time\ntime.sleep(60)", "sleeper", metadata={"istiolab": {"timeout_seconds": 2}}
        ),
    )
    done = istiolab("verify", str(path), folder=tmp_path, timeout_seconds=60)
    assert done.returncode == 5
    assert "cell 1 `sleeper`: cell hung" in done.stdout
    assert lab.name
