from __future__ import annotations

from typing import Any

import pytest

from istiolab.mesh.written import digest, is_going, is_made_of_another
from tests.unit.mesh.fakes import an_object


@pytest.mark.parametrize(
    "noise",
    [
        {"status": {"replicas": 3}},
        {"metadata": {"resourceVersion": "7", "generation": 2, "managedFields": [{}]}},
        {"metadata": {"annotations": {"control-plane.alpha.kubernetes.io/leader": "me"}}},
        {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}},
    ],
)
def test_what_a_cluster_writes_by_itself_does_not_alter_an_object(noise: dict[str, Any]) -> None:
    quiet = an_object("web", namespace="default", spec={"replicas": 1})
    loud = an_object("web", namespace="default", spec={"replicas": 1}, **noise)
    assert digest(quiet) == digest(loud)


@pytest.mark.parametrize(
    "change",
    [
        {"spec": {"replicas": 2}},
        {"data": {"mesh": "accessLogFile: ''"}},
        {"webhooks": [{"name": "a"}]},
        {"metadata": {"labels": {"stray": "yes"}}},
        {"metadata": {"annotations": {"a": "b"}}},
        {"metadata": {"finalizers": ["a"]}},
    ],
)
def test_what_somebody_wrote_alters_an_object(change: dict[str, Any]) -> None:
    assert digest(an_object("web")) != digest(an_object("web", **change))


@pytest.mark.parametrize(
    ("field", "same"),
    [({"replicas": 3}, True), ({"paused": True}, False)],
    ids=["replicas", "else"],
)
def test_of_what_is_scaled_only_the_number_of_replicas_is_not_a_persons(
    *, field: dict[str, Any], same: bool
) -> None:
    before = an_object("web", spec={"replicas": 1})
    after = an_object("web", spec={"replicas": 1, **field})
    assert (digest(before, scaled=True) == digest(after, scaled=True)) is same
    assert digest(before) != digest(after)


@pytest.mark.parametrize(
    ("owners", "made"),
    [
        ([{"kind": "CronJob", "controller": True}], True),
        ([{"kind": "Node"}, {"kind": "CronJob", "controller": True}], True),
        # Whoever is not its controller only has it taken away with itself.
        ([{"kind": "Deployment"}], False),
        ([{"kind": "Deployment", "controller": False}], False),
        ([], False),
        (None, False),
    ],
)
def test_what_has_a_controller_is_made_of_another(*, owners: Any, made: bool) -> None:
    assert is_made_of_another(an_object("a", metadata={"ownerReferences": owners})) is made


def test_what_has_the_time_of_its_deletion_is_going() -> None:
    deleted = {"deletionTimestamp": "2026-11-27T20:00:00Z"}
    assert is_going(an_object("a", metadata=deleted))
    assert not is_going(an_object("a"))
