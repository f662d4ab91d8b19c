from __future__ import annotations

from collections.abc import Callable

import pytest

from istiolab.errors import ClusterError
from istiolab.mesh.pods import LivePod
from istiolab.mesh.revision import ControlPlane
from istiolab.probe import sidecar
from istiolab.probe.wire import Exchange
from tests.unit.mesh.fakes import executed
from tests.unit.probe.build import (
    LOCAL_426,
    LoggingCluster,
    answered,
    dump,
    entry,
    http_chain,
    listener,
    live,
    tcp_chain,
)

OUT = entry(upstream_cluster="outbound|80||backend")


@pytest.fixture
def cluster() -> LoggingCluster:
    made = LoggingCluster()
    made.log("client", OUT)
    made.log("backend")
    return made


@pytest.mark.parametrize(
    "ask", [sidecar.access_log, sidecar.listeners, sidecar.routes, sidecar.clusters]
)
def test_a_pod_without_a_sidecar_cannot_be_asked(
    cluster: LoggingCluster, ask: Callable[[LivePod], object]
) -> None:
    with pytest.raises(ClusterError, match="pod `client-1` has no sidecar") as caught:
        ask(live(cluster, "client", sidecar=False))
    assert caught.value.where == ("containers: client",)
    assert "inject()" in (caught.value.hint or "")
    assert (cluster.calls, cluster.programs) == ([], [])


def test_the_access_log_holds_the_entries_among_other_lines(cluster: LoggingCluster) -> None:
    assert list(sidecar.access_log(live(cluster, "client"))) == [OUT]


def test_observing_gives_the_new_entries_by_app(cluster: LoggingCluster) -> None:
    def ask() -> Exchange:
        cluster.log("client", OUT, OUT)
        cluster.log("backend", LOCAL_426)
        return answered(426)

    plain = live(cluster, "other", sidecar=False)
    entries = {live(cluster, "client"): 1, live(cluster, "backend"): 1, plain: 1}
    observed = sidecar.observe(ask, entries)
    assert observed.exchange.status == 426
    assert {app: list(found) for app, found in observed.logs.items()} == {
        "client": [OUT, OUT],
        "backend": [LOCAL_426],
    }
    assert [(row.app, row.entry) for row in sidecar.trail(observed)] == [
        ("client", OUT),
        ("client", OUT),
        ("backend", LOCAL_426),
    ]
    assert sidecar.trail(observed)[2].row() == {"sidecar of": "backend", **LOCAL_426.row()}


def test_an_entry_that_comes_late_is_waited_for(
    cluster: LoggingCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[LivePod] = []
    read = sidecar.access_log

    def watched(pod: LivePod) -> object:
        looks.append(pod)
        if len(looks) == 3:
            cluster.log("client", LOCAL_426)
        return read(pod)

    monkeypatch.setattr(sidecar, "access_log", watched)
    observed = sidecar.observe(lambda: answered(426), {live(cluster, "client"): 1})
    assert list(observed.logs["client"]) == [LOCAL_426]
    assert len(looks) == 3


def test_a_request_without_a_trace_is_an_error_never_an_empty_log(
    cluster: LoggingCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sidecar, "LOG_SECONDS", 0)

    def seen() -> ClusterError:
        with pytest.raises(ClusterError, match="left no trace") as caught:
            sidecar.observe(lambda: answered(200), {live(cluster, "client"): 2})
        return caught.value

    assert seen().where == ("answer: 200 X", "sidecar of client-1: 0 of 2 entries")
    told = "{accessLogFile: /dev/stdout, accessLogFormat: '%PROTOCOL%'}"
    cluster.answers[ControlPlane().config_map] = {"data": {"mesh": told}}
    # Not the file is to blame, nor whether it is written.
    assert seen().where[2].endswith("in TEXT, has a format of its own: %PROTOCOL%")
    assert "accessLogFormat" in (seen().hint or "")
    cluster.answers[ControlPlane().config_map] = {"data": {"mesh": "accessLogFile: /dev/stdout"}}
    assert "telemetry" in (seen().hint or "")


def test_a_request_that_passes_no_sidecar_leaves_no_log(cluster: LoggingCluster) -> None:
    plain = live(cluster, "client", sidecar=False)
    assert sidecar.observe(lambda: answered(200), {plain: 1}).logs == {}


def test_new_entries_come_by_their_start_and_what_came_in_before_what_it_caused(
    cluster: LoggingCluster,
) -> None:
    first = entry(start_time="1", upstream_cluster="outbound|80||a")
    arrived = entry(start_time="2", upstream_cluster="inbound|80||")
    caused = entry(start_time="2", upstream_cluster="outbound|80||b")

    def ask() -> Exchange:
        cluster.log("client", caused, arrived, first)
        return answered(200)

    observed = sidecar.observe(ask, {live(cluster, "client"): 3})
    assert list(observed.logs["client"]) == [first, arrived, caused]


@pytest.mark.parametrize("arrives", [True, False])
def test_a_pod_that_is_perhaps_passed_may_log_something_or_nothing(
    cluster: LoggingCluster, monkeypatch: pytest.MonkeyPatch, *, arrives: bool
) -> None:
    monkeypatch.setattr(sidecar, "PERHAPS_SECONDS", 0)
    logged = [LOCAL_426] if arrives else []

    def ask() -> Exchange:
        cluster.log("client", OUT)
        cluster.log("backend", *logged)
        return answered(426)

    server = live(cluster, "backend")
    observed = sidecar.observe(ask, {live(cluster, "client"): 1}, perhaps=server)
    assert list(observed.logs["backend"]) == logged
    assert list(observed.logs["client"]) == [OUT]


def test_a_pod_without_a_sidecar_that_is_perhaps_passed_has_no_log(
    cluster: LoggingCluster,
) -> None:
    plain = live(cluster, "backend", sidecar=False)
    assert sidecar.observe(lambda: answered(200), {}, perhaps=plain).logs == {}


def test_the_configuration_is_what_the_proxy_hands_out(cluster: LoggingCluster) -> None:
    text = dump(
        listeners=[listener(http_chain(accept=True))],
        routes=[{"name": "80", "virtual_hosts": [{"name": "h", "routes": [{}]}]}],
        clusters=[{"name": "c"}],
    )
    cluster.run = lambda *_: executed(text.encode())
    pod = live(cluster, "client")
    assert [chain.accept_http_10 for chain in sidecar.listeners(pod)] == [True]
    assert [route.config for route in sidecar.routes(pod)] == ["80"]
    assert [found.name for found in sidecar.clusters(pod)] == ["c"]
    place = ("demo", "client-1", "istio-proxy")
    asked = (place, ("pilot-agent", "request", "GET", "config_dump"))
    assert cluster.programs == [asked] * 3


def test_a_proxy_that_hands_out_nothing_is_an_error_with_its_words(
    cluster: LoggingCluster,
) -> None:
    cluster.run = lambda *_: executed(stderr="1\n2\n3\nrefused\n", exit_code=1)
    with pytest.raises(ClusterError, match="`client-1` did not hand out") as caught:
        sidecar.read_config(live(cluster, "client"))
    assert caught.value.where == ("| 2", "| 3", "| refused")


def configured(cluster: LoggingCluster, *dumps: str) -> None:
    left = list(dumps)
    cluster.run = lambda *_: executed((left.pop(0) if len(left) > 1 else left[0]).encode())


OLD = dump(listeners=[listener(http_chain())])
NEW = dump(listeners=[listener(tcp_chain())])


def test_a_push_is_waited_for_and_the_changes_result_handed_on(cluster: LoggingCluster) -> None:
    configured(cluster, OLD, OLD, NEW)
    assert sidecar.wait_for_push(lambda: "applied", live(cluster, "client")) == "applied"
    assert len(cluster.programs) == 3


def test_every_pods_sidecar_must_take_up_a_push(
    cluster: LoggingCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sidecar, "PUSH_SECONDS", 0)
    configured(cluster, OLD, OLD, NEW, OLD)
    with pytest.raises(ClusterError, match="still have their old listeners after 0 s") as caught:
        sidecar.wait_for_push(lambda: None, live(cluster, "client"), live(cluster, "backend"))
    assert caught.value.where == ("pods: backend-1",)
