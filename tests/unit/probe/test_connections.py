from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import ClusterError
from istiolab.mesh.client import Json
from istiolab.mesh.programs import Executed
from istiolab.probe.connections import Connection, connections, parse_tcp, parse_unix
from tests.unit.mesh.fakes import FakeCluster, Place, executed, listed
from tests.unit.probe.build import live

TCP = """\
LISTEN   0      4096         0.0.0.0:15006      0.0.0.0:*    users:(("envoy",pid=15,fd=38))
LISTEN   0      4096               *:15020            *:*    users:(("pilot-agent",pid=1,fd=5))
ESTAB    0      0         10.244.0.6:15006   10.244.0.9:41210 users:(("envoy",pid=15,fd=50))
ESTAB    0      0          127.0.0.1:44996    127.0.0.1:15020 users:(("envoy",pid=15,fd=40))
SYN-SENT 0      1         10.244.0.6:55224 169.254.169.254:80 users:(("pilot-agent",pid=1,fd=8))
ESTAB    0      0         10.244.0.6:59746 10.96.17.128:15012 users:(("pilot-agent",pid=1,fd=12))
ESTAB    0      0         10.244.0.6:59754 10.96.17.128:15012 users:(("pilot-agent",pid=1,fd=16))
ESTAB    0      0         10.244.0.6:40000   10.244.0.9:10000 users:(("envoy",pid=15,fd=51))
ESTAB    0      0 [::ffff:127.0.0.1]:15020 [::ffff:127.0.0.1]:44996 users:(("pilot-agent",pid=1))
"""
UNIX = """\
u_str ESTAB 0 0                     * 2188070 * 2188467 users:(("envoy",pid=15,fd=32))
u_str ESTAB 0 0 var/run/secrets/socket 2188467 * 2188070 users:(("pilot-agent",pid=1,fd=18))
u_str ESTAB 0 0                     * 2188441 * 2188062 users:(("envoy",pid=15,fd=19))
u_str ESTAB 0 0 ./etc/istio/proxy/XDS 2188062 * 2188441 users:(("pilot-agent",pid=1,fd=15))
u_str ESTAB 0 0            some/where 7 * 8 users:(("pilot-agent",pid=1,fd=15))
"""


def a_pod(name: str, address: str, **spec: object) -> Json:
    return {
        "metadata": {"name": name, "namespace": "demo"},
        "spec": {"containers": [], **spec},
        "status": {"podIP": address},
    }


def asked(answers: dict[str, Executed]) -> FakeCluster:
    service = {
        "metadata": {"name": "istiod", "namespace": "istio-system"},
        "spec": {"clusterIP": "10.96.17.128"},
    }
    headless = {"metadata": {"name": "none", "namespace": "demo"}, "spec": {"clusterIP": "None"}}
    cluster = FakeCluster(
        {
            "/api/v1/services": listed(service, headless),
            "/api/v1/pods": listed(
                a_pod("backend-1", "10.244.0.9"),
                a_pod("proxy", "127.0.0.1", hostNetwork=True),
            ),
        }
    )

    def run(_: Place, argv: Sequence[str]) -> Executed:
        return answers[next(word for word in argv if word in answers)]

    cluster.run = run
    return cluster


def test_whom_a_process_called_is_told_by_the_clusters_names() -> None:
    pod = live(
        asked({"--unix": executed(UNIX.encode()), "--tcp": executed(TCP.encode())}), "client"
    )
    assert list(connections(pod)) == [
        Connection(process="envoy", peer="backend-1.demo:10000", over="TCP"),
        Connection(process="envoy", peer="pilot-agent", over="unix:etc/istio/proxy/XDS"),
        Connection(process="envoy", peer="pilot-agent", over="unix:var/run/secrets/socket"),
        Connection(process="pilot-agent", peer="istiod.istio-system:15012", over="TCP"),
    ]
    assert connections(pod)[3].row() == {
        "process": "pilot-agent",
        "is connected to": "istiod.istio-system:15012",
        "over": "TCP",
    }


def test_a_connection_that_the_other_side_opened_is_left_out() -> None:
    assert ("envoy", "10.244.0.9", "41210") not in set(parse_tcp(TCP))
    assert ("pilot-agent", "127.0.0.1", "44996") not in set(parse_tcp(TCP))


def test_a_connection_that_does_not_stand_is_left_out() -> None:
    assert {address for _, address, _ in parse_tcp(TCP)} == {
        "127.0.0.1", "10.96.17.128", "10.244.0.9",
    }  # fmt: skip


def test_a_unix_socket_whose_caller_is_not_of_this_container_is_left_out() -> None:
    assert {each.over for each in parse_unix(UNIX)} == {
        "unix:etc/istio/proxy/XDS",
        "unix:var/run/secrets/socket",
    }


def test_an_image_without_ss_is_an_error_never_an_empty_list() -> None:
    pod = live(asked({"--unix": executed(stderr="no such program\n", exit_code=126)}), "client")
    with pytest.raises(
        ClusterError, match="`ss` in the sidecar of `client-1` ended with 126"
    ) as bad:
        connections(pod)
    assert bad.value.where == ("| no such program",)


@given(st.text(st.sampled_from(TCP + UNIX)))
def test_any_text_is_read_or_passed_over(text: str) -> None:
    assert all(address and port for _, address, port in parse_tcp(text))
    assert all(each.over.startswith("unix:") for each in parse_unix(text))
