from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from istiolab.errors import ClusterError, LabError
from istiolab.mesh.inventory import Inventory
from istiolab.receipt.model import ClusterFacts
from istiolab.runner import bare
from istiolab.runner.bare import BareLab
from istiolab.system.progress import SILENT
from tests.unit.mesh.fakes import inventory_of

MADE_OF = {"pilot": "sha256:a", "etcd": "sha256:b"}


class World:
    """A provider, and what is on its cluster."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.objects: dict[str, str] = {}
        self.images: Mapping[str, str] = {"etcd": "sha256:b"}
        self.answers = True
        self.fails = False

    def provider(self, name: str, *, bare: bool) -> World:
        assert bare
        self.done.append(f"made {name}")
        return self

    @contextmanager
    def hold(self, _name: str, _reporter: object) -> Iterator[None]:
        self.done.append("held")
        yield
        self.done.append("let go")

    def up(self, _reporter: object) -> Any:
        if self.fails:
            raise LabError("step failed")
        self.done.append("up")
        self.answers = True
        self.objects = {"Namespace default": "1"}
        return type("Lab", (), {"kubeconfig": Path("kubeconfig")})

    def down(self, _reporter: object) -> bool:
        self.done.append("down")
        return True

    def parts(self) -> tuple[str, Mapping[str, str]]:
        return "1.34.2", MADE_OF

    def take(self, _kubeconfig: Path) -> Inventory:
        if not self.answers:
            raise ClusterError("it does not answer")
        return inventory_of(self.objects)

    def read_cluster(self, kubeconfig: Path, *, provider: str, mesh: bool) -> ClusterFacts:
        assert not mesh
        return ClusterFacts(
            kubeconfig=kubeconfig,
            provider=provider,
            versions={"kubernetes": "1.34.2"},
            images=self.images,
            mesh_config_sha256="",
            machine={},
        )


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("ISTIOLAB_STATE", str(tmp_path))
    world = World()
    monkeypatch.setattr(bare, "EmbeddedProvider", world.provider)
    monkeypatch.setattr(bare, "hold", world.hold)
    monkeypatch.setattr(bare, "inventory", world)
    monkeypatch.setattr(bare, "read_cluster", world.read_cluster)
    return world


def test_nothing_is_brought_up_where_no_run_needs_it(world: World) -> None:
    with BareLab("mine") as lab:
        assert lab.cluster.versions == {"kubernetes": "1.34.2"}
        assert lab.cluster.images == MADE_OF
        assert lab.cluster.mesh_config_sha256 == ""
    assert world.done == ["made mine-bare"]


def test_a_notebook_finds_it_by_variables_that_are_known_before(
    world: World, tmp_path: Path
) -> None:
    assert world.done == []
    root = tmp_path / "mine-bare"
    assert BareLab("mine").environment == {
        "KUBECONFIG": str(root / "kubeconfig"),
        "ISTIOLAB_BIN": str(root / "bin"),
    }


def test_it_comes_up_for_the_first_run_and_goes_at_the_end(world: World) -> None:
    with BareLab("mine") as lab:
        lab.prepare(SILENT)
    # Down before up: what a process that was killed left of it goes.
    assert world.done[1:] == ["held", "down", "up", "down", "let go"]


def test_one_that_is_clean_serves_the_next_run_as_well(world: World) -> None:
    with BareLab("mine") as lab:
        for _ in range(3):
            lab.prepare(SILENT)
    assert world.done.count("up") == 1


@pytest.mark.parametrize("how", ["left behind", "altered", "taken away", "dead"])
def test_one_that_is_not_as_it_was_is_made_anew(world: World, how: str) -> None:
    with BareLab("mine") as lab:
        lab.prepare(SILENT)
        match how:
            case "left behind":
                world.objects["Namespace istio-system"] = "2"
            case "altered":
                world.objects["Namespace default"] = "2"
            case "taken away":
                world.objects.clear()
            case _:
                world.answers = False
        lab.prepare(SILENT)
    assert world.done[1:] == ["held", "down", "up", "down", "up", "down", "let go"]


@pytest.mark.parametrize("ending", [KeyboardInterrupt, LabError])
def test_it_goes_however_the_runs_end(world: World, ending: type[BaseException]) -> None:
    def run() -> None:
        with BareLab("mine") as lab:
            lab.prepare(SILENT)
            raise ending("stop")

    with pytest.raises(ending):
        run()
    assert world.done[-2:] == ["down", "let go"]


def test_one_that_does_not_come_up_is_taken_back_and_may_be_tried_again(world: World) -> None:
    world.fails = True
    with BareLab("mine") as lab:
        with pytest.raises(LabError):
            lab.prepare(SILENT)
        world.fails = False
        lab.prepare(SILENT)
    assert world.done.count("held") == 1
    assert world.done[-2:] == ["down", "let go"]


def test_one_that_runs_other_images_than_it_was_made_of_is_refused(world: World) -> None:
    world.images = {"etcd": "sha256:c"}
    with (
        BareLab("mine") as lab,
        pytest.raises(ClusterError, match="does not run what it was made of") as caught,
    ):
        lab.prepare(SILENT)
    assert "runs: etcd sha256:c" in caught.value.where
