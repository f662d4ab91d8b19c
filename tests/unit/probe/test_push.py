from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import ClusterError
from istiolab.probe import push
from istiolab.probe.push import Pushed, field_changes, fields, watch_push, xds
from istiolab.probe.xds import parse
from tests.unit.mesh.fakes import FakeCluster, executed
from tests.unit.probe.build import live
from tests.unit.probe.told import routed, told


def dump(**routes: Any) -> str:
    named = [{"name": name, "virtual_hosts": hosts} for name, hosts in routes.items()]
    return told(listeners=[routed(f"for-{name}", name) for name in routes], routes=named)


OLD = dump(a=[{"name": "h", "routes": [{"match": {"prefix": "/"}}]}])
HALF = dump(a=[{"name": "h", "routes": [{"match": {"prefix": "/hello"}}]}])
NEW = dump(
    a=[{"name": "h", "routes": [{"match": {"prefix": "/hello"}}, {"match": {"prefix": "/"}}]}]
)


def telling(*dumps: str) -> FakeCluster:
    """A cluster whose sidecars hand out these dumps in turn, and then the last one."""
    cluster = FakeCluster()
    left = list(dumps)
    cluster.run = lambda *_: executed((left.pop(0) if len(left) > 1 else left[0]).encode())
    return cluster


def watch(cluster: FakeCluster, **wish: Any) -> Pushed[str]:
    return watch_push(lambda: "applied", live(cluster, "client"), **wish)


def test_a_sidecar_is_asked_for_its_endpoints_too() -> None:
    cluster = telling(OLD)
    assert xds(live(cluster, "client")).names("RDS") == ("a",)
    assert cluster.programs[0][1][-1] == "config_dump?include_eds"


def test_a_push_is_waited_for_and_said_resource_by_resource() -> None:
    cluster = telling(OLD, OLD, NEW)
    found = watch(cluster)
    assert found.made == "applied"
    (change,) = found.changes
    assert (change.app, change.kind, change.name, change.outcome) == (
        "client", "RDS", "a", "changed",
    )  # fmt: skip
    assert change.seconds > 0
    assert set(change.row()) == {"sidecar of", "xDS", "resource", "outcome", "seconds"}
    assert str(found) == str(found.changes) == repr(found)
    assert found._repr_html_() == found.changes._repr_html_()


def test_a_push_in_parts_is_waited_for_until_two_looks_find_the_same() -> None:
    cluster = telling(OLD, HALF, NEW, NEW)
    found = watch(cluster)
    assert len(cluster.programs) == 4
    assert [(each.field, each.before, each.after) for each in found.fields] == [
        ("virtual_hosts[0].routes[0].match.prefix", "/", "/hello"),
        ("virtual_hosts[0].routes[1].match.prefix", "-", "/"),
    ]
    assert found.of("client", "a", under="virtual_hosts[0].")[0].row() == {
        "field": "routes[0].match.prefix",
        "now": "/hello",
        "before": "/",
    }


def test_the_fields_of_one_resource_are_those_of_its_sidecar_and_name() -> None:
    found = watch(telling(dump(a=[], b=[]), dump(a=[{"name": "1"}], b=[{"name": "2"}])))
    assert [each.after for each in found.of("client", "b")] == ["2"]
    assert list(found.of("backend", "b")) == []
    assert list(found.of("client", "b", under="routes")) == []


def test_what_is_new_and_what_is_gone_is_called_so() -> None:
    found = watch(telling(dump(a=[], b=[]), dump(b=[], c=[])))
    assert [(each.kind, each.name, each.outcome) for each in found.changes] == [
        ("LDS", "for-c", "new"),
        ("RDS", "c", "new"),
        ("LDS", "for-a", "gone"),
        ("RDS", "a", "gone"),
    ]


def test_a_condition_of_ones_own_may_be_waited_for() -> None:
    cluster = telling(OLD, HALF, HALF, NEW)
    found = watch(
        cluster, until=lambda _, now: '"/"' in str(now.resources[1].body).replace("'", '"')
    )
    assert len(found.fields) == 2


def test_every_pod_must_take_a_push_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "PUSH_SECONDS", 0)
    # Before: client, backend; after: client, backend.
    cluster = telling(OLD, OLD, NEW, OLD)
    with pytest.raises(ClusterError, match="have not taken the change up after 0 s") as caught:
        watch_push(lambda: None, live(cluster, "client"), live(cluster, "backend"))
    assert caught.value.where == ("pods: backend-1",)
    assert "proxy-status" in (caught.value.hint or "")


def test_a_sidecar_that_goes_on_changing_is_not_called_stale(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(push, "PUSH_SECONDS", 0)
    with pytest.raises(ClusterError) as caught:
        watch(telling(OLD, NEW))
    assert caught.value.where == ("pods: all have, and go on changing",)


def test_nothing_changed_gives_no_fields() -> None:
    assert list(field_changes("client", parse(OLD), parse(OLD))) == []


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=3)


@given(st.dictionaries(st.text(st.characters(categories=["Ll"]), min_size=1), LEAVES))
def test_each_field_of_a_flat_object_is_told_with_its_value(value: dict[str, Any]) -> None:
    assert dict(fields(value)) == {key: str(each) for key, each in value.items()}


def test_a_path_says_where_a_value_stands() -> None:
    value = {"a": [{"b": 1}, [2]], "c": {}}
    assert list(fields(value)) == [("a[0].b", "1"), ("a[1][0]", "2")]
