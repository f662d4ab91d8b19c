from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from istiolab.errors import LabError, UsageError
from istiolab.lab.spec import Lab
from istiolab.mesh.manifests import DEFAULT_IMAGE, fill
from istiolab.notebook.needs import Need
from istiolab.receipt.model import ClusterFacts
from istiolab.runner import targets
from istiolab.runner.bare import BareLab
from istiolab.runner.targets import MeshLab, assign
from istiolab.system.files import make_owned_folder
from istiolab.system.progress import SILENT, SilentReporter
from tests.unit.notebook.test_needs import saying
from tests.unit.runner.test_publish import CLUSTER

LAB = Lab(name="mine", provider="existing", kubeconfig=Path("/k"), context="c", fingerprint="")


class Notes(SilentReporter):
    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ISTIOLAB_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("ISTIOLAB_CACHE", str(tmp_path / "cache"))
    return make_owned_folder(tmp_path / "state" / "mine")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let a cluster be known without one; return which were asked."""
    asked: list[str] = []

    def read(kubeconfig: Path, *, provider: str, workloads: Mapping[str, str]) -> ClusterFacts:
        asked.append(str(kubeconfig))
        return replace(CLUSTER, kubeconfig=kubeconfig, provider=provider, images=workloads)

    monkeypatch.delenv("ISTIOLAB_WORKLOAD_IMAGE", raising=False)
    monkeypatch.setattr(targets, "read_cluster", read)
    monkeypatch.setattr(targets, "workload_digest", lambda lab, image: f"{lab.provider} {image}")
    monkeypatch.setattr(targets, "workers_for", lambda _kubeconfig: 7)
    monkeypatch.setattr(targets, "clear_up", lambda _kubeconfig: ())
    return asked


def notebooks(folder: Path, **needs: Need) -> list[Path]:
    return [saying(folder, {"lab": str(need)}, name=name) for name, need in needs.items()]


def up(state: Path, lab: Lab = LAB, monkeypatch: pytest.MonkeyPatch | None = None) -> None:
    (state / "lab.json").write_text(lab.to_json())
    if monkeypatch is not None:
        monkeypatch.setattr(targets, "current", lambda _name: lab)


def test_each_notebook_runs_where_it_says(
    tmp_path: Path, state: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    up(state, replace(LAB, provider="embedded"), monkeypatch)
    paths = notebooks(tmp_path, a=Need.MESH, b=Need.BARE, c=Need.MESH)
    with assign(paths, "mine", workers=None, reporter=SILENT) as out:
        meshed, bare = out.assignments
        assert out.barred == ()
    assert (meshed.paths, meshed.workers, meshed.alone) == ((paths[0], paths[2]), 7, False)
    assert isinstance(meshed.target, MeshLab)
    assert meshed.target.environment == {"KUBECONFIG": "/k"}
    assert (bare.paths, bare.workers, bare.alone) == ((paths[1],), 1, True)
    assert isinstance(bare.target, BareLab)
    assert bare.target.name == "mine-bare"
    assert asked == ["/k"]


def test_notebooks_that_need_no_mesh_need_no_lab_that_is_up(
    tmp_path: Path, state: Path, asked: list[str]
) -> None:
    assert not (state / "lab.json").exists()
    paths = notebooks(tmp_path, b=Need.BARE)
    with assign(paths, "mine", workers=None, reporter=SILENT) as out:
        assert [assignment.paths for assignment in out.assignments] == [(paths[0],)]
    assert asked == []
    with (
        pytest.raises(LabError, match="is not up"),
        assign(notebooks(tmp_path, a=Need.MESH), "mine", workers=None, reporter=SILENT),
    ):
        raise AssertionError("it is not up")


def test_on_a_cluster_that_is_given_those_that_install_are_barred_and_the_others_run(
    tmp_path: Path, state: Path, asked: list[str]
) -> None:
    up(state)
    paths = notebooks(tmp_path, a=Need.MESH, b=Need.BARE)
    with assign(paths, "mine", workers=3, reporter=SILENT) as out:
        assert [assignment.paths for assignment in out.assignments] == [(paths[0],)]
        assert out.assignments[0].workers == 3
        assert out.barred == (paths[1],)
    assert asked == ["/k"]


def test_a_bare_lab_is_not_taken_for_one_with_a_mesh(
    tmp_path: Path, state: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    up(state, replace(LAB, provider="embedded", bare=True), monkeypatch)
    with (
        pytest.raises(UsageError, match="lab `mine` is bare"),
        assign(notebooks(tmp_path, a=Need.MESH), "mine", workers=None, reporter=SILENT),
    ):
        raise AssertionError("it has no mesh")
    assert asked == []


def test_the_bare_lab_goes_when_the_notebooks_are_done(
    tmp_path: Path, state: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert state.is_dir()
    gone: list[str] = []
    monkeypatch.setattr(BareLab, "__exit__", lambda lab, *_error: gone.append(lab.name))
    with (
        pytest.raises(KeyboardInterrupt),
        assign(notebooks(tmp_path, b=Need.BARE), "mine", workers=None, reporter=SILENT),
    ):
        raise KeyboardInterrupt
    assert gone == ["mine-bare"]
    assert asked == []


def test_the_lab_is_ours_alone_and_what_killed_runs_left_is_told(
    tmp_path: Path, state: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    up(state, replace(LAB, provider="embedded"), monkeypatch)
    monkeypatch.setattr(targets, "clear_up", lambda _kubeconfig: ("namespace il-a-b",))
    notes = Notes()
    with assign(notebooks(tmp_path, a=Need.MESH), "mine", workers=None, reporter=notes):
        with pytest.raises(Timeout):
            FileLock(state / "held").acquire(timeout=0)
        assert notes.said == [" - namespace il-a-b: left by a run that was killed, and taken back"]
    FileLock(state / "held").acquire(timeout=0)
    assert asked == ["/k"]


@pytest.mark.parametrize(
    ("provider", "given", "own", "image"),
    [
        ("embedded", "", "", DEFAULT_IMAGE),
        ("embedded", "", "mine:2", "mine:2"),
        ("existing", "theirs:1", "", "theirs:1"),
        ("existing", "theirs:1", "mine:2", "theirs:1"),
    ],
)
def test_the_image_that_workloads_will_run_is_among_the_clusters(
    provider: str,
    given: str,
    own: str,
    image: str,
    *,
    tmp_path: Path,
    state: Path,
    asked: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lab = replace(LAB, provider=provider, workload_image=given)
    up(state, lab, monkeypatch)
    monkeypatch.setenv("ISTIOLAB_WORKLOAD_IMAGE", own)
    with assign(notebooks(tmp_path, a=Need.MESH), "mine", workers=None, reporter=SILENT) as out:
        assert out.assignments[0].target.cluster.images == {image: f"{provider} {image}"}
    # The notebook's kernel fills in the same one.
    for name, value in out.assignments[0].target.environment.items():
        monkeypatch.setenv(name, value)
    assert fill("${WORKLOAD_IMAGE}", {}) == image
    assert asked == ["/k"]
