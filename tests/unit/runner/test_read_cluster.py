from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from istiolab.mesh import facts
from istiolab.mesh.facts import Facts
from istiolab.receipt.model import ClusterFacts
from istiolab.runner.publish import publish
from istiolab.runner.verify import read_cluster, reasons_to_run
from istiolab.verdict.judge import Outcome
from tests.unit.cli.outcomes import verified
from tests.unit.notebook.build import code, write
from tests.unit.runner.test_publish import CLUSTER


@pytest.fixture(autouse=True)
def _gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Facts(versions={}, images={"m": "sha256:1", "z": "sha256:2"}, mesh_config_sha256="c")
    monkeypatch.setattr(facts, "gather", lambda _kubeconfig, *, mesh: found if mesh else None)


def read(workloads: Mapping[str, str] | None) -> ClusterFacts:
    return read_cluster(Path("/k"), provider="embedded", workloads=workloads)


def test_the_images_of_workloads_are_among_those_of_the_system_sorted_by_name() -> None:
    assert list(read({"n": "sha256:3"}).images.items()) == [
        ("m", "sha256:1"),
        ("n", "sha256:3"),
        ("z", "sha256:2"),
    ]
    assert list(read(None).images) == ["m", "z"]


def test_what_a_running_pod_tells_of_an_image_counts_more_than_its_name() -> None:
    assert read({"m": "m"}).images["m"] == "sha256:1"


def test_a_workload_image_that_was_built_anew_under_its_name_makes_a_notebook_run_again(
    tmp_path: Path,
) -> None:
    notebook = write(tmp_path, code("1"))
    before = replace(CLUSTER, images=read({"n": "sha256:3"}).images)
    publish(verified(Outcome.VERIFIED, notebook=notebook), before)
    assert reasons_to_run(notebook, before) == ()
    anew = replace(before, images=read({"n": "sha256:4"}).images)
    assert reasons_to_run(notebook, anew) == ("the image `n` is another",)
