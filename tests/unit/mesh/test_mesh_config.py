from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import ClusterError
from istiolab.mesh import mesh_config
from istiolab.mesh.mesh_config import (
    BEFORE,
    CHANGED_BY,
    change_text,
    configure_mesh,
    describe_access_log,
    put_back,
)
from istiolab.mesh.session import Mesh
from tests.unit.mesh.fakes import CONFIG_MAPS, FakeCluster, listed

CONFIG_MAP = f"{CONFIG_MAPS}/istio"
TEXT = "accessLogFile: /dev/stdout\ntrustDomain: cluster.local\n"
NOWHERE = Path("nowhere")


class Kept(FakeCluster):
    """A cluster with the mesh's configuration, which takes merge patches (RFC 7396)."""

    def __init__(self, *, config_map: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.kept = config_map or {"metadata": {"name": "istio"}, "data": {"mesh": TEXT}}
        self.answers[CONFIG_MAP] = lambda: self.kept
        self.answers[CONFIG_MAPS] = lambda: listed(self.kept)

    def request(self, method: str, path: str, **how: Any) -> bytes:
        if (method, path) != ("PATCH", CONFIG_MAP):
            return super().request(method, path, **how)
        assert how["content_type"] == "application/merge-patch+json"
        self.kept = _merged(self.kept, how["body"])
        return json.dumps(self.kept).encode()


def _merged(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        merged[key] = _merged(merged.get(key), value)
    return {key: value for key, value in merged.items() if value is not None}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Kept:
    made = Kept()
    monkeypatch.setattr(mesh_config, "open_cluster", lambda _, **_how: made)
    return made


def test_what_was_changed_is_put_back_to_the_letter(cluster: Kept) -> None:
    with Mesh(cluster) as mesh:
        configure_mesh(mesh, accessLogFile=None)
        assert yaml.safe_load(cluster.kept["data"]["mesh"]) == {"trustDomain": "cluster.local"}
        configure_mesh(mesh, accessLogFile="/dev/stdout", accessLogEncoding="JSON")
        assert put_back(NOWHERE, mesh.prefix)
        assert cluster.kept["data"]["mesh"] == TEXT
        assert not cluster.kept["metadata"].get("annotations")
        assert not put_back(NOWHERE, mesh.prefix)


def test_a_change_is_told_with_what_was_before(cluster: Kept) -> None:
    with Mesh(cluster) as mesh:
        off, new = configure_mesh(mesh, accessLogFile=None, accessLogEncoding="JSON")
    assert off.row() == {"field": "accessLogFile", "before": "/dev/stdout", "now": "not set"}
    assert new.row() == {"field": "accessLogEncoding", "before": "not set", "now": "JSON"}


def test_what_another_run_has_changed_is_left_alone(cluster: Kept) -> None:
    with Mesh(cluster) as first, Mesh(cluster) as second:
        second.prefix = f"{first.prefix}-other"
        configure_mesh(first, accessLogFile=None)
        with pytest.raises(ClusterError, match="changed by somebody else") as caught:
            configure_mesh(second, accessLogFile=None)
        assert caught.value.where == (f"by: {first.prefix}",)
        assert not put_back(NOWHERE, second.prefix)
        assert cluster.kept["metadata"]["annotations"][CHANGED_BY] == first.prefix
        assert cluster.kept["metadata"]["annotations"][BEFORE] == TEXT


def test_a_cluster_without_istio_has_nothing_to_put_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mesh_config, "open_cluster", lambda _, **_how: FakeCluster())
    assert not put_back(NOWHERE, "il-a")


@given(
    st.dictionaries(
        st.text(st.characters(categories=["L"]), min_size=1), st.text("ab:{}#", min_size=1)
    ),
    st.sampled_from(["/dev/stdout", "x: y", None]),
)
def test_other_fields_stay_as_they_are(table: dict[str, str], value: str | None) -> None:
    text, _ = change_text(yaml.safe_dump(table), {"accessLogFile": value})
    others = {key: other for key, other in table.items() if key != "accessLogFile"}
    expected = {**others, "accessLogFile": value} if value else others
    assert (yaml.safe_load(text) or {}) == expected


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("accessLogFile: /dev/stdout", None),
        ("{accessLogFile: /dev/stdout, accessLogEncoding: JSON}", None),
        ("", "`accessLogFile` is not set"),
        ("accessLogFile: ''", "`accessLogFile` is not set"),
        ("accessLogFile: /tmp/log", "`accessLogFile: /tmp/log`"),
        (
            "{accessLogFile: /dev/stdout, accessLogFormat: '%PROTOCOL%'}",
            "TEXT, has .*%PROTOCOL%",
        ),
        (
            "{accessLogFile: /dev/stdout, accessLogFormat: '{}', accessLogEncoding: JSON}",
            "in JSON, has a format of its own: {}",
        ),
    ],
)
def test_what_keeps_an_access_log_from_being_read_is_named(text: str, named: str | None) -> None:
    trouble = describe_access_log(text)
    if named is None:
        assert trouble is None
        return
    assert trouble is not None
    assert re.search(named, trouble.what)
    assert "istioctl install" in trouble.remedy


def test_what_a_revision_was_changed_to_is_put_back_whichever_is_the_default_by_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    notes = {BEFORE: TEXT, CHANGED_BY: "il-a"}
    old = {"metadata": {"name": "istio-r1", "annotations": notes}, "data": {"mesh": ""}}
    new = {"metadata": {"name": "istio-r2"}, "data": {"mesh": ""}}
    cluster = FakeCluster({CONFIG_MAPS: listed(old, new)})
    cluster.objects[f"{CONFIG_MAPS}/istio-r1"] = old
    monkeypatch.setattr(mesh_config, "open_cluster", lambda _, **_how: cluster)
    assert put_back(NOWHERE, "il-a")
    (call,) = cluster.made("PATCH")
    assert (call.path, call.body["data"] if call.body else None) == (
        f"{CONFIG_MAPS}/istio-r1",
        {"mesh": TEXT},
    )
