from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import ClusterError
from istiolab.mesh.client import Json
from istiolab.mesh.facts import (
    NOT_RUNNING,
    envoy_release,
    gather,
    image_digests,
    images,
    mesh_config_sha256,
    versions,
)
from istiolab.mesh.programs import Executed
from tests.unit.mesh.fakes import FakeCluster, Place, executed, listed, pod_json

SERVER_INFO = b'{"version": "c3e1a9/1.36.4/Clean/RELEASE/BoringSSL", "state": "LIVE"}'
PODS = "/api/v1/pods?labelSelector={}&fieldSelector=status.phase%3DRunning"
ISTIOD = PODS.format("app%3Distiod%2Cistio.io%2Frev%3Ddefault")
GATEWAY = PODS.format("istio%3Dingressgateway")
INJECTED = PODS.format("security.istio.io%2FtlsMode%3Distio")
MESH_CONFIG = "/api/v1/namespaces/istio-system/configmaps/istio"
CONFIG_MAPS = "/api/v1/namespaces/istio-system/configmaps"
WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
DEPLOYMENTS = "/apis/apps/v1/namespaces/istio-system/deployments?labelSelector=app%3Distiod"


@pytest.mark.parametrize(
    ("said", "release"),
    [
        (SERVER_INFO, "1.36.4"),
        (b'{"version": "c3e1a9/1.37.0-dev/Clean/RELEASE/BoringSSL"}', "1.37.0-dev"),
        (b'{"version": "1.2.3/1.36.4/Modified/DEBUG/BoringSSL"}', "1.36.4"),
        (b'{"version": "c3e1a9"}', ""),
        (b'{"version": null}', ""),
        (b"{}", ""),
        (b"[]", ""),
        (b"upstream connect error", ""),
        (b"", ""),
    ],
)
def test_envoys_release_is_read_from_its_server_info(said: bytes, release: str) -> None:
    assert envoy_release(said) == release


@given(st.binary())
def test_server_info_of_any_bytes_is_no_failure(said: bytes) -> None:
    assert isinstance(envoy_release(said), str)


@given(st.from_regex(r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,2}(-[a-z]{1,5})?", fullmatch=True))
def test_any_release_is_found_behind_the_commit(release: str) -> None:
    said = json.dumps({"version": f"c3e1a9/{release}/Clean/RELEASE/BoringSSL"})
    assert envoy_release(said.encode()) == release


def with_images(*, plain: Sequence[Json] = (), init: Sequence[Json] = ()) -> Json:
    return {"status": {"initContainerStatuses": list(init), "containerStatuses": list(plain)}}


def test_digests_of_pulled_and_of_imported_images_are_read_alike() -> None:
    pod = with_images(
        init=[{"image": "docker.io/istio/proxyv2:1.28.2", "imageID": "sha256:aa"}],
        plain=[{"image": "pause:3.10", "imageID": "registry.k8s.io/pause@sha256:bb"}],
    )
    assert image_digests(pod) == {
        "docker.io/istio/proxyv2:1.28.2": "sha256:aa",
        "pause:3.10": "sha256:bb",
    }


def test_containers_that_have_not_started_have_no_digest() -> None:
    assert image_digests(with_images(plain=[{"image": "a", "imageID": ""}, {"image": "b"}])) == {}
    assert image_digests({}) == {}


def test_images_of_both_system_namespaces_are_gathered_by_name() -> None:
    def pods(image: str, digest: str) -> Json:
        return listed(with_images(plain=[{"image": image, "imageID": digest}]))

    cluster = FakeCluster(
        {
            "/api/v1/namespaces/istio-system/pods": pods("z", "sha256:1"),
            "/api/v1/namespaces/kube-system/pods": pods("a", "sha256:2"),
        }
    )
    assert list(images(cluster).items()) == [("a", "sha256:2"), ("z", "sha256:1")]


def answer(place: Place, argv: Sequence[str]) -> Executed:
    match place[2], argv[0]:
        case "discovery", "pilot-discovery":
            return executed(b'{"clientVersion": {"version": "1.28.2"}}')
        case "istio-proxy", "pilot-agent":
            return executed(SERVER_INFO)
        case _:
            raise AssertionError(f"nobody runs {argv} in {place}")


def mesh(*, gateway: Json | None = None, injected: Json | None = None) -> FakeCluster:
    cluster = FakeCluster(
        {
            "/version": {"gitVersion": "v1.34.2"},
            ISTIOD: listed(pod_json("istiod-1", containers=("discovery",))),
            GATEWAY: listed(*([gateway] if gateway else [])),
            INJECTED: listed(*([injected] if injected else [])),
        }
    )
    cluster.run = answer
    return cluster


def test_istiod_and_a_gateways_proxy_are_asked_for_their_versions() -> None:
    cluster = mesh(gateway=pod_json("gateway-1", containers=("istio-proxy",)))
    assert versions(cluster) == {"kubernetes": "1.34.2", "istio": "1.28.2", "envoy": "1.36.4"}
    assert [place[1] for place, _ in cluster.programs] == ["istiod-1", "gateway-1"]


def test_without_a_gateway_an_injected_sidecar_is_asked() -> None:
    cluster = mesh(injected=pod_json("web-1", native=("istio-proxy",)))
    assert versions(cluster)["envoy"] == "1.36.4"


def test_envoy_is_not_running_where_no_pod_has_a_proxy() -> None:
    assert versions(mesh())["envoy"] == NOT_RUNNING
    assert versions(mesh(gateway=pod_json("other")))["envoy"] == NOT_RUNNING


def test_a_cluster_without_a_running_istiod_is_an_error_with_a_way_out() -> None:
    cluster = mesh()
    cluster.answers[ISTIOD] = listed()
    with pytest.raises(ClusterError, match="no Istio that runs") as caught:
        versions(cluster)
    assert "istioctl install" in (caught.value.hint or "")


def test_an_istiod_that_does_not_tell_its_version_does_not_count() -> None:
    cluster = mesh()
    cluster.run = lambda *_: executed(exit_code=1)
    with pytest.raises(ClusterError, match="no Istio that runs"):
        versions(cluster)


def hook(name: str = "namespace.sidecar-injector.istio.io", **fields: Any) -> dict[str, Any]:
    service = {"name": "istiod", "namespace": "istio-system", "path": "/inject", "port": 443}
    return {"name": name, "clientConfig": {"service": service}, "failurePolicy": "Fail", **fields}


def configured(
    *,
    template: str = "policy: enabled",
    hooks: Sequence[Json] = (hook(),),
    variables: Sequence[Json] = (),
    metadata: Json | None = None,
    others: Sequence[Json] = (),
) -> dict[str, Json]:
    """Return the answers that tell of a mesh's configuration."""
    about = {"name": "istio-sidecar-injector", **(metadata or {})}
    config = {"mesh": "accessLogFile: /dev/stdout"}
    containers = [{"name": "discovery", "env": list(variables)}]
    return {
        MESH_CONFIG: {"data": config},
        DEPLOYMENTS: listed({"spec": {"template": {"spec": {"containers": containers}}}}),
        CONFIG_MAPS: listed(
            {"metadata": {"name": "istio"}, "data": config},
            {"metadata": about, "data": {"config": template, "values": "{}"}},
            *others,
        ),
        WEBHOOKS: listed({"metadata": about, "webhooks": list(hooks)}),
    }


def configuration(**how: Any) -> str:
    return mesh_config_sha256(FakeCluster(configured(**how)))


@pytest.mark.parametrize(
    "how",
    [
        {"template": "policy: disabled"},
        {"hooks": ()},
        {"hooks": (hook(), hook("object.sidecar-injector.istio.io"))},
        {"hooks": (hook(failurePolicy="Ignore"),)},
        {"hooks": (hook(namespaceSelector={"matchLabels": {"istio-injection": "enabled"}}),)},
        {"hooks": (hook(clientConfig={"url": "https://elsewhere"}),)},
        {"variables": ({"name": "PILOT_HTTP10", "value": "1"},)},
        {"metadata": {"name": "istio-sidecar-injector-canary"}},
    ],
)
def test_what_decides_on_sidecars_is_of_the_meshs_configuration(how: dict[str, Any]) -> None:
    assert configuration(**how) != configuration()


@pytest.mark.parametrize(
    "how",
    [
        {"metadata": {"uid": "1", "resourceVersion": "2", "generation": 3, "managedFields": [{}]}},
        {"hooks": (hook(), hook("pods.cert-manager.io"))},
        {"others": ({"metadata": {"name": "istio-ca-root-cert"}, "data": {"root": "pem"}},)},
    ],
)
def test_what_differs_from_lab_to_lab_is_not_of_the_meshs_configuration(
    how: dict[str, Any],
) -> None:
    assert configuration(**how) == configuration()


@given(bundle=st.text())
def test_two_labs_whose_webhooks_trust_other_authorities_are_configured_alike(bundle: str) -> None:
    client = {**hook()["clientConfig"], "caBundle": bundle}
    assert configuration(hooks=(hook(clientConfig=client),)) == configuration()


@given(order=st.permutations(["a", "b", "c"]))
def test_the_order_in_which_webhooks_are_told_makes_no_difference(order: list[str]) -> None:
    hooks = [hook(f"{name}.sidecar-injector.istio.io") for name in order]
    assert configuration(hooks=hooks) == configuration(hooks=sorted(hooks, key=str))


def test_a_mesh_without_an_injector_has_a_configuration_as_well() -> None:
    cluster = FakeCluster({**configured(), CONFIG_MAPS: listed(), WEBHOOKS: listed()})
    assert mesh_config_sha256(cluster) not in ("", configuration())


def test_a_mesh_without_a_configuration_is_an_error() -> None:
    cluster = FakeCluster(configured())
    del cluster.answers[MESH_CONFIG]
    with pytest.raises(ClusterError):
        mesh_config_sha256(cluster)


def test_gathering_hangs_up_even_when_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = mesh()
    monkeypatch.setattr("istiolab.mesh.facts.open_cluster", lambda _, **_how: cluster)
    cluster.answers["/api/v1/namespaces/istio-system/pods"] = listed()
    cluster.answers["/api/v1/namespaces/kube-system/pods"] = listed()
    cluster.answers |= configured()
    cluster.answers[MESH_CONFIG] = {"data": {"mesh": "accessLogFile: /dev/stdout"}}
    found = gather(Path("nowhere"))
    assert found.versions["istio"] == "1.28.2"
    cluster.answers[MESH_CONFIG] = {"data": {"mesh": "accessLogFile: ''"}}
    assert gather(Path("nowhere")).mesh_config_sha256 != found.mesh_config_sha256
    cluster.answers["/version"] = ClusterError("silent")
    with pytest.raises(ClusterError, match="silent"):
        gather(Path("nowhere"))
    assert cluster.closed == 3


def test_of_a_cluster_without_a_mesh_just_what_is_there_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    etcd = with_images(plain=[{"image": "etcd:1", "imageID": "sha256:ee"}])
    cluster = FakeCluster(
        {
            "/version": {"gitVersion": "v1.34.2"},
            "/api/v1/namespaces/istio-system/pods": listed(),
            "/api/v1/namespaces/kube-system/pods": listed(etcd),
        }
    )
    monkeypatch.setattr("istiolab.mesh.facts.open_cluster", lambda _: cluster)
    found = gather(Path("nowhere"), mesh=False)
    assert found.versions == {"kubernetes": "1.34.2"}
    assert found.images == {"etcd:1": "sha256:ee"}
    assert found.mesh_config_sha256 == ""
    assert cluster.closed == 1
    with pytest.raises(ClusterError):
        gather(Path("nowhere"))
