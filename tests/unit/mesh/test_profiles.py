from __future__ import annotations

from pathlib import Path

import pytest

from istiolab.errors import ClusterError
from istiolab.mesh.profiles import profiles, read_components
from istiolab.mesh.session import Mesh
from tests.unit.mesh.fakes import FakeCluster
from tests.unit.mesh.test_commands import program

MANIFEST = """apiVersion: v1
kind: ConfigMap
metadata: {name: istio}
---
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: istiod}
spec:
  template:
    spec:
      containers:
      - {name: discovery, image: docker.io/istio/pilot:1.28.2}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: ztunnel}
spec:
  template:
    spec:
      containers:
      - {name: istio-proxy, image: docker.io/istio/ztunnel:1.28.2}
"""


def test_a_profiles_workloads_are_told_with_their_images() -> None:
    found = read_components("ambient", MANIFEST)
    assert [tuple(each.row().values()) for each in found] == [
        ("ambient", "DaemonSet ztunnel", "docker.io/istio/ztunnel:1.28.2"),
        ("ambient", "Deployment istiod", "docker.io/istio/pilot:1.28.2"),
    ]


@pytest.mark.parametrize("more", ["", "spec: [", "metadata: {name: x}\nspec: {template: {}}"])
def test_what_is_no_manifest_is_an_error_that_names_the_profile(more: str) -> None:
    with pytest.raises(ClusterError, match="profile `demo` is no manifest"):
        read_components("demo", f"{MANIFEST}---\nkind: Deployment\n{more}\n")


def test_each_profile_is_asked_for_and_one_that_installs_nothing_shows_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "profile=default").write_text(MANIFEST)
    (tmp_path / "profile=empty").write_text("")
    script = f'#!/bin/sh\n[ "$1 $2 $3" = "manifest generate --set" ] && cat {tmp_path}/"$4"\n'
    monkeypatch.setenv("ISTIOLAB_BIN", str(program(tmp_path / "bin", script, name="istioctl")))
    found = profiles(Mesh(FakeCluster()), "default", "empty")
    assert [each.profile for each in found] == ["default", "default", "empty"]
    assert found.table.rows[-1] == ("empty", "none", "-")
    with pytest.raises(ClusterError):
        profiles(Mesh(FakeCluster()), "nonsense")
