from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from istiolab.mesh import namespaces, orphans
from istiolab.mesh.client import Json
from istiolab.mesh.mesh_config import configure_mesh
from istiolab.mesh.session import Mesh
from istiolab.system.identity import this_process
from tests.unit.mesh.fakes import FakeCluster, listed
from tests.unit.mesh.test_mesh_config import TEXT, Kept

OURS = "/api/v1/namespaces?labelSelector=istiolab.dev%2Fowner"


def namespace(name: str, maker: str | None, **metadata: str) -> Json:
    annotations = {"annotations": {namespaces.MAKER: maker}} if maker is not None else {}
    return {"metadata": {"name": name, **annotations, **metadata}}


def ended() -> str:
    """Return the mark of a process that has ended."""
    program = "from istiolab.system.identity import this_process; print(this_process())"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_only_namespaces_whose_maker_has_ended_here_are_deleted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = ended()
    elsewhere = "/".join(("another-boot", *gone.split("/")[1:]))
    cluster = FakeCluster(
        {
            OURS: listed(
                namespace("il-3-b", gone),
                namespace("il-2-a", this_process()),
                namespace("il-3-a", gone),
                namespace("il-4-a", elsewhere),
                namespace("il-5-a", None),
                namespace("il-6-a", "nonsense"),
                namespace("il-7-a", gone, deletionTimestamp="2026-01-26T07:54:42Z"),
            )
        }
    )
    for name in ("il-3-a", "il-3-b"):
        cluster.objects[f"/api/v1/namespaces/{name}"] = {}
    monkeypatch.setattr(orphans, "open_cluster", lambda _: cluster)
    assert orphans.clear_up(Path("nowhere")) == ("namespace il-3-a", "namespace il-3-b")
    deleted = [call.path.split("/")[4] for call in cluster.made("DELETE")]
    assert set(deleted) == {"il-3-a", "il-3-b"}
    assert cluster.closed == 1


@pytest.mark.parametrize("is_left", [True, False])
def test_the_meshs_configuration_is_put_back_if_who_changed_it_has_ended(
    monkeypatch: pytest.MonkeyPatch, *, is_left: bool
) -> None:
    cluster = Kept()
    cluster.answers[OURS] = listed()
    monkeypatch.setattr(orphans, "open_cluster", lambda _: cluster)
    monkeypatch.setenv("ISTIOLAB_MAKER", ended() if is_left else this_process())
    with Mesh(cluster) as mesh:
        configure_mesh(mesh, accessLogFile=None)
    left = ("a change of the mesh's configuration",) if is_left else ()
    assert orphans.clear_up(Path("nowhere")) == left
    assert (cluster.kept["data"]["mesh"] == TEXT) is is_left
    assert bool(cluster.kept["metadata"].get("annotations")) is not is_left
    assert orphans.clear_up(Path("nowhere")) == ()


@pytest.mark.parametrize("given", [None, "boot/pid/1/2"])
def test_a_namespace_says_which_process_is_to_end_it(
    monkeypatch: pytest.MonkeyPatch, given: str | None
) -> None:
    monkeypatch.delenv("ISTIOLAB_MAKER", raising=False)
    if given:
        monkeypatch.setenv("ISTIOLAB_MAKER", given)
    cluster = FakeCluster()
    namespaces.create(cluster, "il-a-demo", owner="il-a")
    metadata = cluster.objects["/api/v1/namespaces/il-a-demo"]["metadata"]
    assert metadata["annotations"] == {namespaces.MAKER: given or this_process()}
