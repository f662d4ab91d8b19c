from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import ClusterError
from istiolab.mesh.session import Mesh
from istiolab.probe.istiod import CLOCKS, WORK, Counters, istiod_counters, parse
from tests.unit.mesh.fakes import FakeCluster, listed, pod_json

PODS = (
    "/api/v1/namespaces/istio-system/pods"
    "?labelSelector=app%3Distiod%2Cistio.io%2Frev%3Ddefault&fieldSelector=status.phase%3DRunning"
)
METRICS = """\
# HELP pilot_xds_pushes Pilot build and send errors for lds, rds, cds and eds.
# TYPE pilot_xds_pushes counter
pilot_xds_pushes{type="cds"} 9
pilot_xds_pushes{type="lds"} 8.0

pilot_k8s_cfg_events{event="add",type="VirtualService"} 2
pilot_k8s_cfg_events{event="delete",type="VirtualService"} 1
pilot_debounce_time_sum 1.5e-01
pilot_debounce_time_count 3 1700000000000
pilot_debounce_time_bucket{le="+Inf"} 3
go_gc_limit +Inf
"""


def asked(*metrics: str) -> Mesh:
    pods = [pod_json(f"istiod-{number}", app="istiod") for number in range(len(metrics))]
    root = "/api/v1/namespaces/istio-system/pods/istiod-{}:15014/proxy/metrics"
    texts = {root.format(number): text for number, text in enumerate(metrics)}
    return Mesh(FakeCluster({PODS: listed(*pods), **texts}))


def test_samples_are_read_by_name_and_labels() -> None:
    found = parse(METRICS)
    assert found['pilot_xds_pushes{type="lds"}'] == 8
    assert found["pilot_debounce_time_sum"] == 0.15
    assert found["pilot_debounce_time_count"] == 3
    assert len(found) == 8


def test_all_istiods_count_together() -> None:
    with asked(METRICS, METRICS) as mesh:
        assert istiod_counters(mesh).total('pilot_xds_pushes{type="cds"}') == 18


def test_a_metric_without_labels_is_the_sum_of_its_samples() -> None:
    counted = Counters(samples=parse(METRICS))
    assert counted.total("pilot_k8s_cfg_events") == 3
    assert counted.total("pilot_k8s") == 0
    assert counted.total('pilot_xds_pushes{type="sds"}') == 0


def test_work_is_what_was_counted_since_an_earlier_look() -> None:
    earlier = Counters(samples={'pilot_xds_pushes{type="lds"}': 5.0})
    done = {each.metric: each.times for each in Counters(samples=parse(METRICS)).since(earlier)}
    assert done['pilot_xds_pushes{type="lds"}'] == 3
    assert done["citadel_server_success_cert_issuance_count"] == 0
    assert set(done) == set(WORK.values())


def test_a_step_takes_what_its_histogram_says_on_average() -> None:
    later = Counters(samples=parse(METRICS))
    waited, sent = later.took(Counters(samples={}))
    assert (waited.times, round(waited.seconds, 6)) == (3, 0.05)
    assert waited.row()["seconds"] == "0.0500"
    assert (sent.times, sent.seconds) == (0, 0.0)
    assert {waited.metric, sent.metric} == set(CLOCKS.values())


def test_work_shows_what_counts_it() -> None:
    row = Counters(samples={}).since(Counters(samples={}))[0].row()
    assert row == {
        "istiod": "saw a change of Istio's resources",
        "metric": "pilot_k8s_cfg_events",
        "times": "0",
    }


def test_no_istiod_is_an_error_never_a_zero() -> None:
    with asked() as mesh, pytest.raises(ClusterError, match="has no Istio that runs"):
        istiod_counters(mesh)


@pytest.mark.parametrize("line", ["<html>", "name", "name{ 1", "na me 1", "name 1.2.3", "name x"])
def test_what_is_no_sample_is_an_error(line: str) -> None:
    with pytest.raises(ClusterError, match="a line that is no sample"):
        parse(f"good 1\n{line}\n")


NAMES = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)


@given(st.dictionaries(NAMES, st.floats(allow_nan=False, allow_infinity=False, min_value=0)))
def test_what_is_written_is_read(samples: dict[str, float]) -> None:
    assert parse("".join(f"{name} {value!r}\n" for name, value in samples.items())) == samples
