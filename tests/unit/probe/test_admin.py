from __future__ import annotations

import pytest

from istiolab.errors import ClusterError
from istiolab.probe.admin import ask_envoy
from tests.unit.mesh.fakes import FakeCluster, executed
from tests.unit.probe.build import live


def test_envoy_is_asked_by_the_agent_beside_it() -> None:
    cluster = FakeCluster()
    cluster.run = lambda *_: executed(b"said")
    assert ask_envoy(live(cluster, "client"), "clusters") == b"said"
    place = ("demo", "client-1", "istio-proxy")
    assert cluster.programs == [(place, ("pilot-agent", "request", "GET", "clusters"))]


def test_a_pod_without_a_sidecar_is_not_asked() -> None:
    cluster = FakeCluster()
    with pytest.raises(ClusterError, match="pod `client-1` has no sidecar") as caught:
        ask_envoy(live(cluster, "client", sidecar=False), "clusters")
    assert "inject()" in (caught.value.hint or "")
    assert cluster.programs == []


def test_a_sidecar_that_does_not_answer_is_an_error_with_its_last_words() -> None:
    cluster = FakeCluster()
    cluster.run = lambda *_: executed(stderr="1\n2\n3\nrefused\n", exit_code=1)
    with pytest.raises(ClusterError, match="`client-1` did not answer to `clusters`") as caught:
        ask_envoy(live(cluster, "client"), "clusters")
    assert caught.value.where == ("| 2", "| 3", "| refused")
