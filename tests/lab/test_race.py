"""`istiolab bench verify` on the live lab: a tiny notebook, twice, beside two other tools."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from istiolab.lab.spec import Lab
from istiolab.mesh.client import open_cluster
from istiolab.mesh.namespaces import prefixed
from tests.lab.command import istiolab
from tests.unit.notebook.build import code, write

ROOT = Path(__file__).parents[2]
CELLS = (
    code("from istiolab import connect\nmesh = connect()"),
    code(
        "place = mesh.namespace('a')\nplace.apply('manifests/426/backend.yaml')\n"
        "place.wait_for_rollout('backend')"
    ),
    code("assert len(place.pods()) == 1", "one", "check"),
)
WHOM = {"istiolab", "nbmake", "jupyter-cache"}


def race(folder: Path, *arguments: str) -> tuple[int, str, str]:
    done = istiolab(
        *("bench", "verify", *arguments, "--workers", "2"), folder=folder, timeout_seconds=560
    )
    return done.returncode, done.stdout, done.stderr


def test_copies_are_measured_beside_other_tools_and_nothing_is_left(
    lab: Lab, tmp_path: Path
) -> None:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    shutil.copytree(ROOT / "notebooks" / "manifests", folder / "manifests")
    path = write(folder, *CELLS)
    published = istiolab("verify", "--update", str(path), folder=tmp_path)
    assert published.returncode == 0, published.stdout + published.stderr
    before = {each: each.read_bytes() for each in tmp_path.rglob("*") if each.is_file()}
    others = set(Path(tempfile.gettempdir()).glob("istiolab-race-*"))

    code, out, err = race(
        tmp_path, *(path.stem, "--copies", "1,2", "--peers", "nbmake,jupyter-cache", "--json")
    )
    assert code in (0, 1), out + err  # 1: this machine is slower than what was promised
    found = json.loads(out)
    runs = {(run["who"], run["notebooks"]): run for run in found["copies"]}
    assert runs.keys() == {(who, number) for who in WHOM for number in (1, 2)}
    assert [run["problem"] for run in runs.values()] == [None] * 6
    for who in WHOM:
        assert 0 < runs[who, 1]["seconds"] < 3 * runs[who, 2]["seconds"]
    assert {again["who"] for again in found["again"]} == {"istiolab", "jupyter-cache"}
    assert all(again["problem"] is None for again in found["again"])
    (parts,) = found["breakdown"]
    assert abs(sum(parts.values()) - runs["istiolab", 1]["seconds"]) < 0.1
    assert parts["cells"] > 0

    assert before == {each: each.read_bytes() for each in tmp_path.rglob("*") if each.is_file()}
    assert set(Path(tempfile.gettempdir()).glob("istiolab-race-*")) <= others
    cluster = open_cluster(lab.kubeconfig)
    try:
        assert prefixed(cluster, "il-") == []
    finally:
        cluster.close()


def test_what_fails_or_has_no_time_is_shown_with_its_reason(lab: Lab, tmp_path: Path) -> None:
    path = write(tmp_path, code("raise ValueError('on purpose')"))
    code_, out, err = race(
        tmp_path, *(path.name, "--copies", "1", "--peers", "papermill", "--minutes", "5")
    )
    assert code_ in (0, 1), out + err
    assert "- `istiolab verify`, 1 at once: some broken: ValueError: on purpose" in out
    assert "- `papermill`, 1 at once: ended with 1: " in out
    assert "ValueError: on purpose" in out
    assert "not measured" in out
    assert lab.name
