from __future__ import annotations

from collections.abc import Mapping

import pytest

from istiolab.mesh.pods import LivePod, read_pod
from tests.unit.mesh.fakes import FakeCluster, executed, pod, pod_json


def test_a_plain_pod_is_read() -> None:
    found = read_pod(pod_json())
    assert found == pod()
    assert (found.ready, found.has_sidecar, found.workload) == ("1/1", False, "web")
    assert found.row() == {"NAME": "web-1", "READY": "1/1", "STATUS": "Running", "IP": "10.244.0.5"}


@pytest.mark.parametrize("native", [True, False])
def test_a_sidecar_counts_whether_native_or_plain(*, native: bool) -> None:
    found = read_pod(
        pod_json(native=["istio-proxy"], init=["istio-init"])
        if native
        else pod_json(containers=["istio-proxy", "web"], init=["istio-init"])
    )
    assert found.containers == ("istio-proxy", "web")
    assert (found.ready, found.has_sidecar, found.workload) == ("2/2", True, "web")


def test_an_init_container_that_ends_does_not_count_as_ready() -> None:
    found = read_pod(pod_json(init=["a", "b"], unready=["web"]))
    assert (found.containers, found.ready) == (("web",), "0/1")


def test_an_unready_sidecar_is_not_counted() -> None:
    assert read_pod(pod_json(native=["istio-proxy"], unready=["istio-proxy"])).ready == "1/2"


@pytest.mark.parametrize(
    ("waiting", "status"),
    [
        ({"web": "CrashLoopBackOff"}, "CrashLoopBackOff"),
        ({"istio-proxy": "ImagePullBackOff"}, "ImagePullBackOff"),
        ({"web": "ContainerCreating"}, "Pending"),
        ({"web": "PodInitializing"}, "Pending"),
        ({"istio-proxy": "PodInitializing", "web": "ErrImagePull"}, "ErrImagePull"),
        ({}, "Pending"),
    ],
)
def test_the_status_is_why_a_container_waits_unless_it_only_starts(
    waiting: Mapping[str, str], status: str
) -> None:
    item = pod_json(native=["istio-proxy"], waiting=waiting, phase="Pending")
    assert read_pod(item).status == status


@pytest.mark.parametrize(
    ("waiting", "status"),
    [
        ({"istio-init": "CrashLoopBackOff", "web": "PodInitializing"}, "Init:CrashLoopBackOff"),
        (
            {"istio-init": "ImagePullBackOff", "istio-proxy": "ErrImagePull"},
            "Init:ImagePullBackOff",
        ),
        ({"istio-init": "PodInitializing", "web": "PodInitializing"}, "Pending"),
    ],
)
def test_a_container_that_must_end_first_is_told_as_kubectl_does(
    waiting: Mapping[str, str], status: str
) -> None:
    item = pod_json(init=["istio-init"], native=["istio-proxy"], waiting=waiting, phase="Pending")
    found = read_pod(item)
    assert (found.status, found.init_containers) == (status, ("istio-init",))
    assert found.containers == ("istio-proxy", "web")


def test_a_pod_that_is_being_deleted_is_terminating_whatever_else_it_is() -> None:
    found = read_pod(pod_json(terminating=True, waiting={"web": "CrashLoopBackOff"}))
    assert (found.terminating, found.status) == (True, "Terminating")


def test_a_pod_just_made_has_neither_status_nor_address_nor_label() -> None:
    found = read_pod(
        {
            "metadata": {"namespace": "demo", "name": "web-1"},
            "spec": {"containers": [{"name": "web"}]},
        }
    )
    assert (found.status, found.ip, found.app, found.ready) == ("Unknown", "", "", "0/1")


def test_a_live_pod_runs_programs_and_hands_out_logs_of_the_container_named() -> None:
    log = "/api/v1/namespaces/demo/pods/web-1/log?container=istio-proxy"
    cluster = FakeCluster({log: "line\n"})
    cluster.run = lambda *_: executed(b"out", exit_code=3)
    live = LivePod(cluster=cluster, pod=pod())
    assert live.log("istio-proxy") == "line\n"
    assert live.execute("web", ["ls"]) == executed(b"out", exit_code=3)
    assert cluster.programs == [(("demo", "web-1", "web"), ("ls",))]
