from __future__ import annotations

from pathlib import Path

import pytest

from istiolab.errors import ClusterError
from istiolab.mesh.evidence import collect
from istiolab.mesh.namespaces import NAMESPACES
from istiolab.mesh.refusals import MissingError
from tests.unit.mesh.fakes import FakeCluster, listed, pod_json

NOWHERE = Path("nowhere")


def use(monkeypatch: pytest.MonkeyPatch, cluster: FakeCluster) -> FakeCluster:
    monkeypatch.setattr("istiolab.mesh.evidence.open_cluster", lambda _, **_how: cluster)
    return cluster


def troubled() -> FakeCluster:
    root = f"{NAMESPACES}/il-a-demo"
    events = [
        {
            "lastTimestamp": f"2026-01-26T07:5{minute}:00Z",
            "type": "Warning",
            "reason": reason,
            "involvedObject": {"name": "web-1"},
            "message": " said\n",
        }
        for minute, reason in ((4, "Second"), (2, "First"))
    ]
    pod = pod_json(
        containers=("web", "late"), namespace="il-a-demo", waiting={"late": "CrashLoopBackOff"}
    )
    log = f"{root}/pods/web-1/log"
    return FakeCluster(
        {
            NAMESPACES: listed(
                {"metadata": {"name": "il-a-demo"}}, {"metadata": {"name": "il-b-other"}}
            ),
            f"{root}/pods": listed(pod),
            f"{root}/events": listed(*events),
            f"{log}?container=web&tailLines=40": "one\ntwo\n",
            f"{log}?container=late&tailLines=40": MissingError("has not started"),
        }
    )


def test_pods_events_in_order_and_logs_of_our_namespaces_are_written_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = use(monkeypatch, troubled())
    assert collect(NOWHERE, "il-a").splitlines() == [
        "== namespace il-a-demo",
        "-- pods",
        "web-1  1/2  CrashLoopBackOff  10.244.0.5",
        "-- events",
        "2026-01-26T07:52:00Z  Warning  First  web-1  said",
        "2026-01-26T07:54:00Z  Warning  Second  web-1  said",
        "-- log of web-1 web, last 40 lines",
        "one",
        "two",
        "-- log of web-1 late, last 40 lines",
        "has not started",
    ]
    assert cluster.closed == 1


def test_secrets_are_never_read(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = use(monkeypatch, troubled())
    collect(NOWHERE, "il-a")
    assert {call.method for call in cluster.calls} == {"GET"}
    assert not [call.path for call in cluster.calls if "secret" in call.path]


def test_no_namespace_of_ours_is_said_in_so_many_words(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, FakeCluster({NAMESPACES: listed()}))
    assert collect(NOWHERE, "il-a") == "no namespace of ours begins with il-a\n"


def test_a_cluster_that_falls_silent_is_hung_up(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = use(monkeypatch, FakeCluster({NAMESPACES: ClusterError("silent")}))
    with pytest.raises(ClusterError, match="silent"):
        collect(NOWHERE, "il-a")
    assert cluster.closed == 1


def test_without_a_namespace_of_ours_it_is_istios_own_that_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = f"{NAMESPACES}/istio-system"
    pod = pod_json("istiod-1", containers=("discovery",), namespace="istio-system")
    use(
        monkeypatch,
        FakeCluster(
            {
                f"{NAMESPACES}?labelSelector=istiolab.dev%2Fowner": listed(),
                NAMESPACES: listed(
                    {"metadata": {"name": "default"}}, {"metadata": {"name": "istio-system"}}
                ),
                f"{root}/pods": listed(pod),
                f"{root}/events": listed(),
                f"{root}/pods/istiod-1/log": "rejected\n",
            }
        ),
    )
    text = collect(NOWHERE, "il-a")
    assert "== namespace istio-system" in text
    assert "rejected" in text
