from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from istiolab import verify as joint
from istiolab.mesh import secret_data
from istiolab.mesh.departures import Departures
from istiolab.notebook.document import load_document
from istiolab.notebook.execution import Execution, RunPlan
from istiolab.verdict.judge import Outcome
from istiolab.verify import Verified, Wish, verify
from tests.unit.notebook.build import code, write
from tests.unit.test_publish import CLUSTER

PASSWORD = "Tr0ub4dor9xyz"


def printed(text: str) -> list[dict[str, Any]]:
    return [{"output_type": "stream", "name": "stdout", "text": text}]


@pytest.fixture
def cluster_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for a cluster with one Secret, and for a run that puts out what is there."""

    def run(plan: RunPlan, **_how: object) -> Execution:
        document = load_document(plan.path)
        document.cells[0].outputs[0].text = f"pw {PASSWORD}\n"
        return Execution(
            document=document, cells=(), failure=None, started_at="", seconds=1.0, log=""
        )

    def read(_kubeconfig: Path) -> tuple[Mapping[str, str], ...]:
        return ({"password": PASSWORD},)

    monkeypatch.setattr(joint, "run_notebook", run)
    monkeypatch.setattr(secret_data, "read", read)
    monkeypatch.setattr(joint, "put_back", lambda *_: None)
    monkeypatch.setattr(Departures, "begin", lambda *_: None)


def verified(folder: Path, *, published: str) -> Verified:
    path = write(folder, code("print(pw)", "show", outputs=printed(published)))
    return verify(path, CLUSTER, wish=Wish(environment={}, reports=folder / "reports"))


@pytest.mark.usefixtures("cluster_keeps")
@pytest.mark.parametrize("published", [f"pw {PASSWORD}\n", f"password {PASSWORD}\n"])
def test_a_published_secret_of_the_cluster_is_drift_and_is_not_shown_again(
    tmp_path: Path, published: str
) -> None:
    found = verified(tmp_path, published=published)
    assert found.outcome is Outcome.DRIFTED
    assert found.drifts[0].diff[0] == "-[a secret]"
    assert PASSWORD not in str(found)
    assert found.evidence is not None
    assert PASSWORD not in (found.evidence / "executed.ipynb").read_text()


@pytest.mark.usefixtures("cluster_keeps")
def test_what_was_published_without_its_secret_is_as_it_was(tmp_path: Path) -> None:
    found = verified(tmp_path, published="pw [redacted: secret]\n")
    assert found.outcome is Outcome.VERIFIED
    assert found.drifts == ()
