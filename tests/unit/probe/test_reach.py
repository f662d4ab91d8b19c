from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import ClusterError, UsageError
from istiolab.mesh.client import Json
from istiolab.mesh.programs import Executed
from istiolab.probe.reach import parse_endpoints, wait_for_service
from tests.unit.mesh.fakes import FakeCluster, Place, executed, listed
from tests.unit.probe.build import live

HOST = "backend.demo.svc"
SLICES = (
    "/apis/discovery.k8s.io/v1/namespaces/demo/endpointslices"
    "?labelSelector=kubernetes.io%2Fservice-name%3Dbackend"
)
CLUSTERS = """\
outbound|80||backend.demo.svc.cluster.local::observability_name::outbound|80||backend
outbound|80||backend.demo.svc.cluster.local::default_priority::max_connections::4294967295
outbound|80||backend.demo.svc.cluster.local::10.0.0.1:8080::cx_active::0
outbound|80||backend.demo.svc.cluster.local::10.0.0.1:8080::health_flags::healthy
outbound|80||backend.demo.svc.cluster.local::10.0.0.2:8080::health_flags::healthy
outbound|80||backend.demo.svc.cluster.local::10.0.0.3:8080::health_flags::/failed_eds_health
outbound|81||backend.demo.svc.cluster.local::10.0.0.4:8081::health_flags::healthy
outbound|80|v1|backend.demo.svc.cluster.local::10.0.0.5:8080::health_flags::healthy
outbound|80||backend.other.svc.cluster.local::10.0.0.6:8080::health_flags::healthy
outbound|80||backendxdemo.svc.cluster.local::10.0.0.7:8080::health_flags::healthy
inbound|80||::10.0.0.8:8080::health_flags::healthy
"""


def test_the_healthy_endpoints_of_one_service_and_port_are_found() -> None:
    assert parse_endpoints(CLUSTERS, host=HOST, port="80") == {"10.0.0.1:8080", "10.0.0.2:8080"}
    assert parse_endpoints(CLUSTERS, host=HOST, port="81") == {"10.0.0.4:8081"}
    assert parse_endpoints(CLUSTERS, host=HOST, port="8") == set()
    assert parse_endpoints(CLUSTERS, host="end.demo.svc", port="80") == set()


@given(st.text())
def test_text_of_any_kind_has_no_endpoints(text: str) -> None:
    assert parse_endpoints(text, host=HOST, port="80") == set()


def endpoints(*addresses: str, unready: tuple[str, ...] = ()) -> Json:
    return {
        "endpoints": [
            *({"addresses": [address]} for address in addresses),
            *({"addresses": [address], "conditions": {"ready": False}} for address in unready),
        ]
    }


class Reach:
    """Plays bash and pilot-agent; the last answer of each stays."""

    def __init__(self, *, connects: Sequence[int] = (0,), clusters: Sequence[str] = ("",)) -> None:
        self.connects = list(connects)
        self.clusters = list(clusters)

    def __call__(self, place: Place, argv: Sequence[str]) -> Executed:
        if argv[0] == "bash":
            # At last how long one attempt may take.
            assert argv[-3:] == ["backend", "80", "1"]
            code = self.connects.pop(0) if len(self.connects) > 1 else self.connects[0]
            return executed(stderr="a\nConnection refused\n" if code else "", exit_code=code)
        assert (place[2], argv[0], argv[-1]) == ("istio-proxy", "pilot-agent", "clusters")
        text = self.clusters.pop(0) if len(self.clusters) > 1 else self.clusters[0]
        return executed(text.encode())


def cluster_with(reach: Reach, *slices: Json) -> FakeCluster:
    cluster = FakeCluster({SLICES: listed(*slices)})
    cluster.run = reach
    return cluster


@pytest.mark.parametrize("address", ["", "backend", "backend:", ":80", "backend:http", "a:1:2"])
def test_what_is_no_service_and_port_is_a_usage_error(address: str) -> None:
    cluster = cluster_with(Reach())
    with pytest.raises(UsageError, match="is no `service:port`"):
        wait_for_service(live(cluster, "client"), address)
    assert cluster.programs == []


def test_a_pod_without_a_sidecar_connects_from_its_workload_and_that_is_all() -> None:
    cluster = cluster_with(Reach())
    wait_for_service(live(cluster, "client", sidecar=False), "backend:80", timeout_seconds=0)
    assert [place[2] for place, _ in cluster.programs] == ["client"]


def test_a_pod_with_a_sidecar_connects_from_it_and_its_endpoints_must_agree() -> None:
    cluster = cluster_with(
        Reach(clusters=[CLUSTERS]), endpoints("10.0.0.1"), endpoints("10.0.0.2"), {}
    )
    wait_for_service(live(cluster, "client"), "backend:80", timeout_seconds=0)
    assert [place[2] for place, _ in cluster.programs] == ["istio-proxy"] * 2


def test_a_service_that_is_not_reached_at_once_is_tried_again() -> None:
    reach = Reach(connects=[7, 0], clusters=["", CLUSTERS])
    cluster = cluster_with(reach, endpoints("10.0.0.1", "10.0.0.2"))
    wait_for_service(live(cluster, "client"), "backend:80", timeout_seconds=9)
    assert len(cluster.programs) == 4


def test_a_service_that_refuses_is_an_error_with_the_last_words() -> None:
    cluster = cluster_with(Reach(connects=[7], clusters=[CLUSTERS]), endpoints("10.0.0.1"))
    message = "`backend:80` takes no connection from pod `client-1` after 0 s"
    with pytest.raises(ClusterError, match=message) as caught:
        wait_for_service(live(cluster, "client"), "backend:80", timeout_seconds=0)
    assert caught.value.where == ("last look: Connection refused",)
    assert len(cluster.programs) == 1


@pytest.mark.parametrize(
    ("slices", "known"),
    [
        ((endpoints("10.0.0.1"),), "['10.0.0.1']"),
        ((endpoints("10.0.0.1", "10.0.0.2", "10.0.0.9"),), "['10.0.0.1', '10.0.0.2', '10.0.0.9']"),
        ((endpoints("10.0.0.1", unready=("10.0.0.2",)),), "['10.0.0.1']"),
        ((), "[]"),
    ],
)
def test_a_sidecar_that_knows_other_endpoints_than_the_api_is_an_error(
    slices: tuple[Json, ...], known: str
) -> None:
    cluster = cluster_with(Reach(clusters=[CLUSTERS]), *slices)
    with pytest.raises(ClusterError, match="takes no connection") as caught:
        wait_for_service(live(cluster, "client"), "backend:80", timeout_seconds=0)
    assert caught.value.where == (
        "last look: the sidecar knows ['10.0.0.1:8080', '10.0.0.2:8080'], " + f"the API {known}",
    )


def test_a_service_without_any_endpoint_is_not_reached_though_both_agree() -> None:
    with pytest.raises(ClusterError, match="takes no connection"):
        wait_for_service(live(cluster_with(Reach()), "client"), "backend:80", timeout_seconds=0)
