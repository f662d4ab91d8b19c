from __future__ import annotations

from typing import Any

import pytest

from istiolab.errors import ClusterError
from istiolab.mesh.client import Json
from istiolab.mesh.revision import ControlPlane, choose

# As `istioctl` 1.28 makes them, without what nobody here looks at.
INJECTION = {"key": "istio-injection", "operator": "In", "values": ["enabled"]}
NOT_SET = {"key": "istio-injection", "operator": "DoesNotExist"}


def injector(revision: str | None, *expressions: Json, tag: str = "") -> Json:
    labels = {"istio.io/rev": revision} if revision else {}
    selector: dict[str, Any] = {"matchExpressions": list(expressions)}
    hook = {"name": "rev.namespace.sidecar-injector.istio.io", "namespaceSelector": selector}
    metadata = {"name": f"istio-{tag}", "labels": {**labels, "istio.io/tag": tag}}
    return {"metadata": metadata, "webhooks": [hook]}


def by_revision(revision: str, tag: str = "") -> Json:
    chosen = {"key": "istio.io/rev", "operator": "In", "values": [tag or revision]}
    return injector(revision, chosen, NOT_SET, tag=tag)


OTHER = {"metadata": {"name": "theirs"}, "webhooks": [{"name": "any.example"}]}


@pytest.mark.parametrize(
    ("configurations", "wanted"),
    [
        ([], ControlPlane()),
        ([OTHER, {"metadata": {"name": "empty"}}], ControlPlane()),
        ([injector("default", INJECTION)], ControlPlane()),
        ([injector(None, INJECTION)], ControlPlane()),
        ([by_revision("r1")], ControlPlane(revision="r1", by_revision=True)),
        (
            [by_revision("r1"), by_revision("r1", "prod")],
            ControlPlane(revision="r1", by_revision=True),
        ),
        (
            [by_revision("r1"), injector("r1", INJECTION, tag="default")],
            ControlPlane(revision="r1"),
        ),
        (
            [by_revision("r1"), by_revision("r2"), injector("r2", INJECTION, tag="default")],
            ControlPlane(revision="r2"),
        ),
    ],
)
def test_the_default_is_used_or_else_the_only_one(
    configurations: list[Json], wanted: ControlPlane
) -> None:
    assert choose(configurations) == wanted


def test_several_revisions_without_a_default_are_an_error_with_the_way_out() -> None:
    with pytest.raises(ClusterError, match="none is the default") as caught:
        choose([by_revision("r1"), by_revision("r2")])
    assert caught.value.where == ("revision: r1", "revision: r2")
    assert "istioctl tag set default --revision r2" in (caught.value.hint or "")


def test_a_webhook_that_is_switched_off_decides_nothing() -> None:
    off = injector("default")
    off["webhooks"][0]["namespaceSelector"] = {"matchLabels": {"istio.io/deactivated": "never"}}
    assert choose([off, injector("r1", INJECTION, tag="default")]) == ControlPlane(revision="r1")


def test_objects_and_labels_are_called_as_istio_calls_them() -> None:
    root = "/api/v1/namespaces/istio-system/configmaps"
    plain, canary = ControlPlane(), ControlPlane(revision="r1", by_revision=True)
    assert (plain.config_map, plain.injector) == (f"{root}/istio", f"{root}/istio-sidecar-injector")
    assert canary.config_map == f"{root}/istio-r1"
    assert canary.injector == f"{root}/istio-sidecar-injector-r1"
    assert plain.labels(on=True) == {"istio-injection": "enabled", "istio.io/rev": None}
    assert canary.labels(on=True) == {"istio-injection": None, "istio.io/rev": "r1"}
    for plane in (plain, canary):
        assert plane.labels(on=False) == {"istio-injection": "disabled", "istio.io/rev": None}
