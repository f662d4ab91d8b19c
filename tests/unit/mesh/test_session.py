from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from istiolab.errors import ClusterError, UsageError
from istiolab.mesh.client import Json
from istiolab.mesh.commands import Command
from istiolab.mesh.refusals import TakenError
from istiolab.mesh.session import Mesh, Namespace, connect
from tests.unit.mesh.fakes import FakeCluster, listed, pod_json

ROOT = "/api/v1/namespaces/il-t-demo"
CONFIG_MAPS = {"resources": [{"name": "configmaps", "kind": "ConfigMap", "namespaced": True}]}


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


@pytest.fixture
def mesh(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mesh]:
    monkeypatch.setenv("ISTIOLAB_NAMESPACE_PREFIX", "il-t")
    with Mesh(cluster) as made:
        yield made


@pytest.fixture
def demo(mesh: Mesh) -> Namespace:
    return mesh.namespace("demo")


def test_namespaces_carry_the_prefix_that_the_environment_gives(
    cluster: FakeCluster, mesh: Mesh
) -> None:
    assert mesh.namespace("demo").name == "il-t-demo"
    assert cluster.objects[ROOT]["metadata"]["labels"] == {"istiolab.dev/owner": "il-t"}


def test_without_one_each_mesh_has_a_prefix_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ISTIOLAB_NAMESPACE_PREFIX", raising=False)
    with Mesh(FakeCluster()) as made:
        assert made.prefix.startswith("il-")


def test_a_name_is_taken_once(mesh: Mesh, demo: Namespace) -> None:
    with pytest.raises(TakenError):
        mesh.namespace("demo")
    assert demo.name == "il-t-demo"


def test_closing_deletes_every_namespace_and_hangs_up(cluster: FakeCluster, mesh: Mesh) -> None:
    mesh.namespace("a")
    mesh.namespace("b")
    mesh.close()
    assert cluster.objects == {}
    assert cluster.closed == 1
    mesh.close()
    assert len(cluster.made("DELETE")) == 4


def test_leaving_the_block_closes_even_after_an_error(cluster: FakeCluster) -> None:
    def fail() -> None:
        with Mesh(cluster) as mesh, mesh.namespace("a"):
            raise ValueError("in a cell")

    with pytest.raises(ValueError, match="in a cell"):
        fail()
    assert (cluster.objects, cluster.closed) == ({}, 1)


def test_a_namespace_that_cannot_be_deleted_keeps_no_other_from_it(
    cluster: FakeCluster, mesh: Mesh, demo: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = cluster.request

    def refuse(method: str, path: str, **rest: Any) -> bytes:
        if (method, path) == ("DELETE", ROOT):
            raise ClusterError("not now")
        return request(method, path, **rest)

    monkeypatch.setattr(cluster, "request", refuse)
    mesh.namespace("b")
    mesh.close()
    assert demo.name == "il-t-demo"
    assert (list(cluster.objects), cluster.closed) == ([ROOT], 1)


def test_manifests_are_filled_applied_and_shown(cluster: FakeCluster, demo: Namespace) -> None:
    cluster.answers["/api/v1"] = CONFIG_MAPS
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf}\ndata: {a: '${VALUE}'}\n"
    assert str(demo.apply(text, VALUE="x")) == "kind       name  outcome\nConfigMap  conf  created"
    assert cluster.objects[f"{ROOT}/configmaps/conf"]["data"] == {"a": "x"}
    with pytest.raises(UsageError, match="asks for `VALUE`"):
        demo.apply(text)


def test_injection_is_switched_on_the_namespace(cluster: FakeCluster, demo: Namespace) -> None:
    demo.inject()
    demo.inject(on=False)
    assert [call.body for call in cluster.made("PATCH")] == [
        {"metadata": {"labels": {"istio-injection": "enabled", "istio.io/rev": None}}},
        {"metadata": {"labels": {"istio-injection": "disabled", "istio.io/rev": None}}},
    ]


def test_commands_of_a_namespace_name_it_and_those_of_the_mesh_do_not(
    mesh: Mesh, demo: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(_: FakeCluster, program: str, arguments: str) -> Command:
        return Command(command=f"{program} {arguments}", stdout="", stderr="", exit_code=0)

    monkeypatch.setattr("istiolab.mesh.session.run_command", run)
    assert demo.kubectl("get pods").command == "kubectl -n il-t-demo get pods"
    restart = "kubectl -n il-t-demo rollout restart deployment web"
    assert demo.restart("web").command == restart
    assert mesh.kubectl("get nodes").command == "kubectl get nodes"
    assert mesh.istioctl("version").command == "istioctl version"


def have(cluster: FakeCluster, *pods: Json) -> None:
    cluster.answers[f"{ROOT}/pods"] = listed(*pods)


def test_pods_are_sorted_and_those_on_their_way_out_left_off(
    cluster: FakeCluster, demo: Namespace
) -> None:
    have(cluster, pod_json("b"), pod_json("old", terminating=True), pod_json("a"))
    assert [pod.name for pod in demo.pods()] == ["a", "b"]


def test_the_one_pod_of_an_app_is_found(cluster: FakeCluster, demo: Namespace) -> None:
    have(
        cluster,
        pod_json("web-0", terminating=True),
        pod_json("web-1"),
        pod_json("other", app="other"),
    )
    live = demo.pod("web")
    assert (live.pod.name, live.cluster) == ("web-1", cluster)


@pytest.mark.parametrize(("names", "number"), [((), 0), (("web-1", "web-2"), 2)])
def test_no_pod_or_several_of_an_app_are_an_error(
    cluster: FakeCluster, demo: Namespace, names: tuple[str, ...], number: int
) -> None:
    have(cluster, *(pod_json(name) for name in names))
    with pytest.raises(ClusterError, match=f"has {number} pods with the label app=web") as caught:
        demo.pod("web")
    assert caught.value.where == tuple(f"pod: {name} Running" for name in names)


def serve(cluster: FakeCluster, port: Json, *addresses: tuple[str, str]) -> None:
    cluster.answers[f"{ROOT}/services/web"] = {"spec": {"ports": [port]}}
    listing = [{"type": kind, "address": address} for kind, address in addresses]
    cluster.answers["/api/v1/nodes"] = listed({"status": {"addresses": listing}})


def test_a_node_port_is_reached_at_a_nodes_internal_address(
    cluster: FakeCluster, demo: Namespace
) -> None:
    serve(cluster, {"nodePort": 30080}, ("Hostname", "node"), ("InternalIP", "198.51.100.2"))
    assert demo.url("web") == "http://198.51.100.2:30080/"
    assert demo.url("web", "/test") == "http://198.51.100.2:30080/test"


def test_a_service_without_node_port_or_node_has_no_url(
    cluster: FakeCluster, demo: Namespace
) -> None:
    serve(cluster, {"port": 80}, ("InternalIP", "198.51.100.2"))
    with pytest.raises(ClusterError, match="service `web` of `il-t-demo` has no node port"):
        demo.url("web")
    serve(cluster, {"nodePort": 30080}, ("Hostname", "node"))
    with pytest.raises(ClusterError, match="has no node port"):
        demo.url("web")


def test_rollouts_of_several_deployments_are_waited_for_in_turn(
    demo: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[tuple[str, str, float]] = []

    def wait(_: FakeCluster, space: str, deployment: str, *, timeout_seconds: float) -> tuple[()]:
        waited.append((space, deployment, timeout_seconds))
        return ()

    monkeypatch.setattr("istiolab.mesh.session.wait_for_rollout", wait)
    assert len(demo.wait_for_rollout("a", "b", timeout_seconds=3)) == 0
    assert waited == [("il-t-demo", "a", 3), ("il-t-demo", "b", 3)]


def test_versions_are_a_table(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"kubernetes": "1.34.2", "istio": "1.28.2", "envoy": "1.36.4"}
    monkeypatch.setattr("istiolab.mesh.session.versions", lambda _: found)
    assert mesh.versions.table.rows == (
        ("Kubernetes", "1.34.2"),
        ("Istio", "1.28.2"),
        ("Envoy", "1.36.4"),
    )


@pytest.mark.parametrize(
    ("given", "opened"), [(None, None), ("a", Path("a")), (Path("b"), Path("b"))]
)
def test_connecting_opens_the_kubeconfig_given_or_leaves_it_to_the_environment(
    cluster: FakeCluster,
    monkeypatch: pytest.MonkeyPatch,
    given: str | Path | None,
    opened: Path | None,
) -> None:
    asked: list[tuple[Path | None, bool]] = []

    def open_cluster(kubeconfig: Path | None, *, known: bool) -> FakeCluster:
        asked.append((kubeconfig, known))
        return cluster

    monkeypatch.setattr("istiolab.mesh.session.open_cluster", open_cluster)
    monkeypatch.delenv("ISTIOLAB_MAKER", raising=False)
    with connect(given) as mesh:
        assert mesh.cluster is cluster
    # Whoever runs a notebook has seen the cluster.
    monkeypatch.setenv("ISTIOLAB_MAKER", "a/b/1/2")
    with connect(given):
        assert asked == [(opened, False), (opened, True)]


def test_connecting_without_a_kubeconfig_is_a_cluster_error(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="is not there"):
        connect(tmp_path / "absent")
