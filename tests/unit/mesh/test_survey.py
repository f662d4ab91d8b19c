from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import ClusterError
from istiolab.mesh import inventory, survey
from istiolab.mesh.installed import DEFINITIONS
from istiolab.mesh.inventory import Inventory
from istiolab.mesh.namespaces import NAMESPACES
from istiolab.mesh.session import Mesh
from istiolab.mesh.survey import Survey, Thing, added, altered, removed, tally
from tests.unit.mesh.fakes import FakeCluster, inventory_of, listed

STILL = dict.fromkeys(
    (NAMESPACES, DEFINITIONS, "/apis/apps/v1/deployments", "/api/v1/pods"), listed()
)
BEFORE = Survey(objects={"Namespace default": "1", "ConfigMap default/root": "2", "Node a": "3"})
AFTER = Survey(
    objects={
        "Namespace default": "1",
        "Node a": "4",
        "ConfigMap istio-system/istio": "5",
        "ConfigMap default/istio-ca-root-cert": "6",
        "ClusterRole istiod:reader": "7",
    }
)
SURVEYS = st.dictionaries(
    st.from_regex(r"[A-Z][a-z]{1,8} ([a-z-]{1,8}/)?[a-z:.-]{1,8}", fullmatch=True), st.text()
).map(lambda objects: Survey(objects=objects))


def test_what_came_what_went_and_what_changed_are_told_apart() -> None:
    assert [(each.kind, each.namespace, each.name) for each in added(BEFORE, AFTER)] == [
        ("ClusterRole", "", "istiod:reader"),
        ("ConfigMap", "default", "istio-ca-root-cert"),
        ("ConfigMap", "istio-system", "istio"),
    ]
    assert list(removed(BEFORE, AFTER)) == [
        Thing(kind="ConfigMap", namespace="default", name="root")
    ]
    assert list(altered(BEFORE, AFTER)) == [Thing(kind="Node", namespace="", name="a")]


def test_what_belongs_to_no_namespace_shows_so() -> None:
    rows = added(BEFORE, AFTER).table.rows
    assert rows[0] == ("ClusterRole", "-", "istiod:reader")
    assert tally(added(BEFORE, AFTER)).table.rows == (
        ("ClusterRole", "1", "the whole cluster"),
        ("ConfigMap", "2", "default, istio-system"),
    )


@given(before=SURVEYS, after=SURVEYS)
def test_every_difference_is_in_just_one_of_the_three(before: Survey, after: Survey) -> None:
    came, went, changed = added(before, after), removed(before, after), altered(before, after)
    different = {
        name
        for name in before.objects.keys() | after.objects.keys()
        if before.objects.get(name) != after.objects.get(name)
    }
    assert len(came) + len(went) + len(changed) == len(different)
    assert list(removed(after, before)) == list(came)
    assert sum(each.count for each in tally(came)) == len(came)
    same = added(before, before), removed(before, before), altered(before, before)
    assert [len(each) for each in same] == [0, 0, 0]


def test_a_survey_is_an_inventory_of_the_meshs_own_cluster(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Path] = []

    def take(kubeconfig: Path) -> Inventory:
        asked.append(kubeconfig)
        return inventory_of(BEFORE.objects)

    monkeypatch.setattr(inventory, "take", take)
    cluster = FakeCluster(STILL)
    assert survey.survey(Mesh(cluster)) == BEFORE
    assert asked == [cluster.kubeconfig]


@pytest.mark.parametrize("path", list(STILL))
def test_a_survey_waits_for_what_is_being_deleted(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory, "take", lambda _: inventory_of({}))
    going = listed({"metadata": {"name": "istio", "deletionTimestamp": "2026-01-26T07:54:42Z"}})
    answers = [listed(), going, going]
    cluster = FakeCluster({**STILL, path: answers.pop})
    survey.survey(Mesh(cluster))
    assert answers == []

    stuck = FakeCluster({**STILL, path: going})
    with pytest.raises(ClusterError, match="is still there after") as caught:
        survey.survey(Mesh(stuck), timeout_seconds=0.2)
    assert caught.value.where == ("going: istio",)


def test_a_survey_waits_for_whatever_has_no_digest_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks: list[dict[str, str | None]] = [{"Node a": "3"}, {"Node a": "3", "Service b/c": None}]
    monkeypatch.setattr(inventory, "take", lambda _: inventory_of(looks.pop()))
    assert survey.survey(Mesh(FakeCluster(STILL))) == Survey(objects={"Node a": "3"})
    assert looks == []


def test_a_survey_of_some_kinds_alone_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory, "take", lambda _: inventory_of({"Node a": "3"}, "/apis/b/v1"))
    with pytest.raises(ClusterError, match="away"):
        survey.survey(Mesh(FakeCluster(STILL)))
