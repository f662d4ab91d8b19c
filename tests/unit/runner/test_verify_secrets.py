from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode

from istiolab.cli.report import github, junit, table, text, web
from istiolab.cli.verify_command import exit_code
from istiolab.errors import ClusterError, ExitCode, SilentError
from istiolab.mesh import evidence
from istiolab.mesh.pending_deletions import PendingDeletions
from istiolab.mesh.secret_data import SecretData
from istiolab.notebook.document import load_document
from istiolab.notebook.execution import Execution, RunPlan
from istiolab.receipt.failing import Failing
from istiolab.receipt.record import record_path
from istiolab.runner import secret_guard
from istiolab.runner import verify as joint
from istiolab.runner.publish import publish
from istiolab.runner.verify import RunContext, Verified, verify
from istiolab.verdict.judge import Outcome
from tests.unit.notebook.build import code, write
from tests.unit.runner.test_publish import CLUSTER

PASSWORD = "Tr0ub4dor9xyz"
WHOSE = "a value of Secret demo/db, key password"


class Watch:
    """Stands in for a cluster that has made a Secret by the end of a run."""

    names = frozenset[str]()
    error: ClusterError | None = None
    over = False

    def __init__(self, _kubeconfig: Path) -> None:
        pass

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        Watch.over = True

    def take(self) -> tuple[SecretData, ...]:
        data = {"password": PASSWORD.encode()}
        return (SecretData(called="demo/db", data=data),) if Watch.over else ()


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Stand in for a cluster, and for runs that put out a text."""

    def install(said: str) -> None:
        def run(
            plan: RunPlan, *, find_secret: Callable[[NotebookNode], str | None], **_: object
        ) -> Execution:
            document = load_document(plan.path)
            document.cells[0].outputs[0].text = said
            assert find_secret(document.cells[0]) is None
            return Execution(
                document=document, cells=(), failure=None, started_at="", seconds=1.0, log=""
            )

        monkeypatch.setattr(Watch, "over", False)
        monkeypatch.setattr(joint, "run_notebook", run)
        monkeypatch.setattr(secret_guard, "SecretWatch", Watch)
        monkeypatch.setattr(joint, "put_back", lambda *_: None)
        monkeypatch.setattr(evidence, "collect", lambda *_, **__: f"log: {PASSWORD}")
        monkeypatch.setattr(PendingDeletions, "begin", lambda *_: None)

    return install


def verified(folder: Path, *, published: str) -> Verified:
    outputs: list[dict[str, Any]] = [{"output_type": "stream", "name": "stdout", "text": published}]
    path = write(folder, code("print(pw)", "show", outputs=outputs))
    return verify(path, CLUSTER, context=RunContext(environment={}, reports=folder / "reports"))


def test_a_secret_of_the_run_that_a_cell_put_out_is_a_finding_and_is_written_nowhere(
    tmp_path: Path, running: Callable[[str], None]
) -> None:
    running(f"pw {PASSWORD}\n")
    found = publish(verified(tmp_path, published="pw\n"), CLUSTER)
    assert found.outcome is Outcome.EXPOSED
    assert exit_code([found]) is ExitCode.FINDING
    said = [each.render([found]) for each in (text, web, junit, github, table)]
    assert all(f"it put out {WHOSE}" in report for report in said)
    assert all("cell 1 `show`" in report for report in said[:4])
    assert "<failure" in said[2]
    assert record_path(found.notebook, Failing).is_file()
    assert found.evidence is not None
    assert {each.name for each in found.evidence.iterdir()} >= {"executed.ipynb", "failure.txt"}
    written = [each.read_text() for each in tmp_path.rglob("*") if each.is_file()]
    assert PASSWORD not in "".join((*said, *written))


@pytest.mark.parametrize("published", [f"pw {PASSWORD}\n", f"password {PASSWORD}\n"])
def test_a_published_secret_of_the_cluster_is_drift_and_is_not_shown_again(
    tmp_path: Path, running: Callable[[str], None], published: str
) -> None:
    running("pw\n")
    found = verified(tmp_path, published=published)
    assert found.outcome is Outcome.DRIFTED
    assert f"-[istiolab: withheld, since it holds {WHOSE}]" in found.drifts[0].diff
    assert PASSWORD not in str(found)


def test_a_run_whose_secrets_are_not_all_known_has_not_passed(
    tmp_path: Path, running: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    running("pw\n")
    monkeypatch.setattr(Watch, "error", SilentError("away"))
    with pytest.raises(SilentError, match="away"):
        verified(tmp_path, published="pw\n")
