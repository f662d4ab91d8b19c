from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from filelock import FileLock, Timeout

from istiolab.errors import HostError, LabError, UsageError
from istiolab.lab import embedded, host
from istiolab.lab.embedded import EmbeddedProvider
from istiolab.lab.holding import hold
from istiolab.lab.host import Problem
from istiolab.lab.oci import Image, write_archive
from istiolab.lab.pins import asset_text
from istiolab.lab.spec import Lab, NodePaths
from istiolab.system.progress import SILENT

NO_ROOT = Problem(what="the embedded lab needs root", remedy="run as root")
NO_GCC = Problem(what="gcc is missing", remedy="apt-get install gcc", package="gcc")
NO_CURL = Problem(what="curl is missing", remedy="apt-get install curl", package="curl")


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NodePaths:
    monkeypatch.setenv("ISTIOLAB_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("ISTIOLAB_CACHE", str(tmp_path / "cache"))
    paths = NodePaths(root=tmp_path / "state" / "lab")
    paths.root.mkdir(parents=True)
    (paths.root / "CACHEDIR.TAG").touch()
    return paths


@pytest.fixture
def lab(paths: NodePaths) -> Lab:
    """The record of a lab whose init is this very process."""
    lab = Lab(
        name="lab",
        provider="embedded",
        kubeconfig=paths.kubeconfig,
        context="",
        fingerprint=EmbeddedProvider("lab").fingerprint(),
        pid=os.getpid(),
        pid_started=psutil.Process().create_time(),
    )
    paths.record.write_text(lab.to_json())
    return lab


def test_lab_is_up_when_its_init_is_the_recorded_one(lab: Lab) -> None:
    assert EmbeddedProvider("lab").find() == lab


@pytest.mark.usefixtures("paths")
def test_lab_without_record_is_not_up() -> None:
    assert EmbeddedProvider("lab").find() is None


def test_lab_whose_init_died_is_not_up(lab: Lab, paths: NodePaths) -> None:
    # Above the kernel's greatest process id (PID_MAX_LIMIT is 2**22).
    paths.record.write_text(replace(lab, pid=2**22 + 1).to_json())
    assert EmbeddedProvider("lab").find() is None


def test_another_process_with_the_inits_number_is_not_the_lab(lab: Lab, paths: NodePaths) -> None:
    paths.record.write_text(replace(lab, pid_started=lab.pid_started - 60).to_json())
    assert EmbeddedProvider("lab").find() is None


def test_up_of_an_equal_lab_that_is_up_returns_it(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EmbeddedProvider, "problems", lambda _self: ())
    assert EmbeddedProvider("lab").up(SILENT) == lab


def test_up_of_another_lab_under_the_same_name_is_refused(
    lab: Lab, paths: NodePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EmbeddedProvider, "problems", lambda _self: ())
    paths.record.write_text(replace(lab, fingerprint="old").to_json())
    with pytest.raises(LabError, match="is up, but was made from other pins") as caught:
        EmbeddedProvider("lab").up(SILENT)
    assert caught.value.where == ("running: old", f"wanted: {lab.fingerprint}")
    assert paths.record.exists()


@pytest.mark.parametrize(("bare", "kind"), [(True, "bare"), (False, "with a mesh")])
def test_a_bare_lab_and_one_with_a_mesh_are_never_taken_for_each_other(
    lab: Lab, paths: NodePaths, monkeypatch: pytest.MonkeyPatch, *, bare: bool, kind: str
) -> None:
    monkeypatch.setattr(EmbeddedProvider, "problems", lambda _self: ())
    running = replace(lab, bare=bare)
    paths.record.write_text(running.to_json())
    with pytest.raises(UsageError, match=f"lab `lab` is up {kind}") as caught:
        EmbeddedProvider("lab", bare=not bare).up(SILENT)
    assert caught.value.hint is not None
    assert "`istiolab down --name lab`" in caught.value.hint
    assert EmbeddedProvider("lab", bare=bare).up(SILENT) == running


def test_up_under_the_name_of_somebody_elses_cluster_is_refused(lab: Lab, paths: NodePaths) -> None:
    paths.record.write_text(replace(lab, provider="existing").to_json())
    with pytest.raises(UsageError, match="is in use with the provider `existing`"):
        EmbeddedProvider("lab").up(SILENT)
    assert paths.record.exists()


def test_fingerprint_is_the_same_for_every_lab_and_place(
    paths: NodePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = EmbeddedProvider("lab").fingerprint()
    monkeypatch.setenv("ISTIOLAB_CACHE", str(paths.root / "elsewhere"))
    assert EmbeddedProvider("other").fingerprint() == first


@pytest.mark.usefixtures("paths")
@pytest.mark.parametrize(
    "asset", ["kubeadm.yaml", "istio-operator.yaml", "containerd.toml", "cni.conflist"]
)
def test_every_configuration_counts_for_the_fingerprint(
    asset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = EmbeddedProvider("lab")
    before = provider.fingerprint()
    monkeypatch.setattr(
        embedded, "asset_text", lambda name: asset_text(name) + ("#" if name == asset else "")
    )
    assert provider.fingerprint() != before


def test_down_of_a_lab_that_never_was_returns_at_once_and_makes_nothing(paths: NodePaths) -> None:
    assert not EmbeddedProvider("never").down(SILENT)
    assert [p.name for p in paths.root.parent.iterdir()] == ["lab"]


def test_a_lab_of_roots_is_not_ended_by_somebody_else_who_is_told_how(
    paths: NodePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "find_inits", lambda _state: [1])
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(HostError, match="only root can end it") as caught:
        EmbeddedProvider("lab").down(SILENT)
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("`sudo ")
    assert paths.root.is_dir()


def test_state_is_cleared_but_for_the_logs(paths: NodePaths) -> None:
    for name in ("log", "config", "containerd"):
        (paths.root / name).mkdir()
        (paths.root / name / "file").touch()
    outside = paths.root.parent / "outside"
    outside.mkdir()
    (outside / "file").touch()
    (paths.root / "bin").symlink_to(outside)
    EmbeddedProvider("lab")._clear_state()
    assert {p.name for p in paths.root.iterdir()} == {"log", "CACHEDIR.TAG"}
    assert (paths.log / "file").exists()
    assert (outside / "file").exists()


def test_forgotten_lab_leaves_nothing_not_even_logs(paths: NodePaths) -> None:
    paths.log.mkdir()
    EmbeddedProvider("lab").forget()
    assert list(paths.root.parent.iterdir()) == []


def test_dropped_store_is_gone_and_the_labs_own_state_is_not(paths: NodePaths) -> None:
    provider = EmbeddedProvider("lab")
    state, store = provider.folders()
    assert state == paths.root
    store.mkdir(parents=True)
    (store / "layer").touch()
    provider.drop_store()
    assert not store.exists()
    assert state.exists()
    provider.drop_store()


def find_problems(monkeypatch: pytest.MonkeyPatch, *rounds: tuple[Problem, ...]) -> list[list[str]]:
    """Let the host have these problems, round after round; return what is then installed."""
    answers = iter(rounds)
    installed: list[list[str]] = []
    monkeypatch.setattr(EmbeddedProvider, "problems", lambda _self: next(answers))
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(
        host, "install_packages", lambda packages, *, log: installed.append([*packages, log.name])
    )
    return installed


@pytest.mark.usefixtures("paths")
def test_missing_packages_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = find_problems(monkeypatch, (NO_GCC, NO_CURL), ())
    EmbeddedProvider("lab").check_host(SILENT)
    assert installed == [["gcc", "curl", "apt.log"]]


@pytest.mark.usefixtures("paths")
def test_nothing_is_installed_on_a_host_that_cannot_be_mended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    installed = find_problems(monkeypatch, (NO_GCC, NO_ROOT))
    with pytest.raises(HostError, match="cannot run the embedded lab") as caught:
        EmbeddedProvider("lab").check_host(SILENT)
    assert installed == []
    assert caught.value.where == (
        "- gcc is missing\n    apt-get install gcc",
        "- the embedded lab needs root\n    run as root",
    )


@pytest.mark.usefixtures("paths")
def test_package_that_did_not_help_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    find_problems(monkeypatch, (NO_GCC,), (NO_GCC,))
    with pytest.raises(HostError) as caught:
        EmbeddedProvider("lab").check_host(SILENT)
    assert caught.value.where == ("- gcc is missing\n    apt-get install gcc",)


def test_what_a_lab_runs_is_known_before_there_is_one_but_not_before_it_is_built(
    paths: NodePaths,
) -> None:
    provider = EmbeddedProvider("lab", bare=True)
    assert provider.parts() == ("1.34.2", {})
    archive = provider._image_folder() / "images.tar"
    archive.parent.mkdir(parents=True)
    write_archive(archive, (Image(name="a:1", layers=(), entrypoint=(), user=""),))
    version, images = provider.parts()
    assert version == "1.34.2"
    assert [*images] == ["a:1"]
    assert images["a:1"].startswith("sha256:")
    assert not paths.record.exists()


def test_what_holds_a_lab_stays_while_the_lab_goes(paths: NodePaths) -> None:
    provider = EmbeddedProvider("lab", bare=True)
    with hold("lab", SILENT):
        provider._clear_state()
        with pytest.raises(Timeout):
            FileLock(paths.root / "held").acquire(timeout=0)
    FileLock(paths.root / "held").acquire(timeout=0)
