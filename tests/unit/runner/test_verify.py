"""Verifying without a cluster: `execute` is a double that does what a hook says, and passes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from nbformat import from_dict

from istiolab.cli.report import text
from istiolab.cli.verify_command import exit_code
from istiolab.errors import ExitCode, UsageError
from istiolab.notebook.document import load_document
from istiolab.notebook.execution import Execution
from istiolab.notebook.failed import namesakes
from istiolab.notebook.scanner import SecretScanner
from istiolab.notebook.uses import Use
from istiolab.receipt.store import State, receipt_path, status
from istiolab.runner import verify as joint
from istiolab.runner.publish import publish
from istiolab.runner.verify import RunContext, Verified, reasons_to_run, verify
from istiolab.verdict.judge import Outcome
from tests.unit.cli.outcomes import FAILURE
from tests.unit.notebook.build import code, write
from tests.unit.receipt.build import use
from tests.unit.runner.test_publish import CLUSTER

Install = Callable[[Callable[[Path], object]], None]


def passed(path: Path) -> Execution:
    return Execution(
        document=load_document(path),
        cells=(),
        failure=None,
        started_at="2026-11-24T00:00:00Z",
        seconds=1.0,
        log="",
    )


@pytest.fixture
def without_cluster(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Runs pass on no cluster; a hook is called in each, once the notebook was read."""

    def install(hook: Callable[[Path], object]) -> None:
        def execute(
            path: Path, *_: object, **__: object
        ) -> tuple[Execution, tuple[()], str, SecretScanner]:
            execution = passed(path)
            hook(path)
            return execution, (), "", SecretScanner()

        monkeypatch.setattr(joint, "execute", execute)

    return install


def context(folder: Path, *, update: bool = False) -> RunContext:
    return RunContext(environment={}, reports=folder / "reports", update=update)


def test_a_notebook_that_nobody_touches_while_it_runs_is_verified(
    tmp_path: Path, without_cluster: Install
) -> None:
    without_cluster(lambda _path: None)
    path = write(tmp_path, code("assert 1 == 1"))
    assert (
        publish(verify(path, CLUSTER, context=context(tmp_path)), CLUSTER).outcome
        is Outcome.VERIFIED
    )
    assert status(path).state is State.VERIFIED


@pytest.mark.parametrize("update", [False, True])
def test_what_the_author_saves_while_it_runs_is_neither_attested_nor_overwritten(
    tmp_path: Path, without_cluster: Install, *, update: bool
) -> None:
    def save(path: Path) -> None:
        path.write_text(path.read_text().replace("1 == 1", "1 == 2"))

    without_cluster(save)
    path = write(tmp_path, code("assert 1 == 1"))
    found = publish(verify(path, CLUSTER, context=context(tmp_path, update=update)), CLUSTER)
    assert found.outcome is Outcome.CHANGED
    assert "assert 1 == 2" in path.read_text()
    assert status(path).state is State.MISSING


def test_a_run_whose_evidence_has_no_place_is_not_begun(
    tmp_path: Path, without_cluster: Install
) -> None:
    begun: list[Path] = []
    without_cluster(begun.append)
    path = write(tmp_path, code("1"))
    mine = tmp_path / "reports" / path.stem / "mine.yaml"
    mine.parent.mkdir(parents=True)
    mine.touch()
    with pytest.raises(UsageError, match="holds files that istiolab did not make"):
        verify(path, CLUSTER, context=context(tmp_path))
    assert begun == []
    assert mine.exists()


def test_the_evidence_of_notebooks_with_one_name_is_kept_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(
        path: Path, *_: object, **__: object
    ) -> tuple[Execution, tuple[()], str, SecretScanner]:
        return replace(passed(path), failure=FAILURE), (), path.parent.name, SecretScanner()

    monkeypatch.setattr(joint, "execute", fail)
    paths = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        paths.append(write(tmp_path / name, code("1"), code("1 / 0")))
    wished = replace(context(tmp_path), namesakes=namesakes(paths))
    folders = [verify(path, CLUSTER, context=wished).evidence for path in paths]
    assert [(each / "cluster.txt").read_text() for each in folders if each] == ["a", "b"]


def answering(monkeypatch: pytest.MonkeyPatch, said: str, *uses: Use) -> None:
    """Have each run put out `said` in its first cell, and use what is named."""

    def execute(
        path: Path, *_: object, **__: object
    ) -> tuple[Execution, tuple[()], str, SecretScanner]:
        execution = replace(passed(path), uses=uses)
        output = {"output_type": "stream", "name": "stdout", "text": said}
        execution.document.cells[0].outputs = [from_dict(output)]  # type: ignore[no-untyped-call]
        return execution, (), "", SecretScanner()

    monkeypatch.setattr(joint, "execute", execute)


def run(path: Path, *, update: bool = False) -> Verified:
    return publish(verify(path, CLUSTER, context=context(path.parent, update=update)), CLUSTER)


def test_a_manifest_that_is_edited_while_its_notebook_runs_is_not_attested(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.yaml").write_text("a: 1")
    answering(monkeypatch, "426", use(tmp_path, "a.yaml"))
    path = write(tmp_path, code("apply('a.yaml')"))
    (tmp_path / "a.yaml").write_text("a: 22")
    found = run(path, update=True)
    assert (found.outcome, found.changed) == (Outcome.CHANGED, "`a.yaml`")
    assert status(path).state is State.MISSING


def test_outputs_that_a_run_wrote_are_carried_on_by_each_run_that_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, code("ask()", "ask"))
    for number in (1, 2, 3):
        answering(monkeypatch, f"from 10.0.0.{number}")
        found = run(path, update=number == 1)
        assert found.outcome is (Outcome.UPDATED if number == 1 else Outcome.VERIFIED)
        assert "10.0.0.1" in path.read_text()
        assert status(path).state is State.VERIFIED
        assert reasons_to_run(path, CLUSTER) == ()


@pytest.mark.parametrize("has_receipt", [True, False])
def test_outputs_edited_under_a_mask_are_a_finding_until_a_run_writes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_receipt: bool
) -> None:
    answering(monkeypatch, "from 10.0.0.1 to 10.0.0.2")
    path = write(tmp_path, code("ask()", "ask"))
    assert run(path, update=True).outcome is Outcome.UPDATED
    if not has_receipt:
        receipt_path(path).unlink()
    path.write_text(path.read_text().replace("10.0.0.1 to 10.0.0.2", "10.0.0.2 to 10.0.0.1"))
    said = "outputs of cell 1 `ask` are not those that a run wrote"
    why = (said,) if has_receipt else ("it was never verified",)
    assert reasons_to_run(path, CLUSTER) == why
    edited = path.read_bytes()
    found = run(path)
    assert found.outcome is Outcome.DRIFTED
    assert exit_code([found]) is ExitCode.FINDING
    assert said in text.render([found])
    assert path.read_bytes() == edited
    assert status(path).state is State.FAILING
    found = run(path, update=True)
    assert (found.outcome, exit_code([found])) == (Outcome.UPDATED, ExitCode.FINDING)
    assert "10.0.0.1 to 10.0.0.2" in path.read_text()
    assert status(path).state is State.VERIFIED


def test_why_a_notebook_has_to_run_names_cell_and_part_of_the_cluster(
    tmp_path: Path, without_cluster: Install
) -> None:
    without_cluster(lambda _path: None)
    path = write(tmp_path, code("assert 1", "judge"))
    assert reasons_to_run(path, CLUSTER) == ("it was never verified",)
    run(path)
    assert reasons_to_run(path, CLUSTER) == ()
    other = replace(CLUSTER, versions={"istio": "1.29.0"})
    assert reasons_to_run(path, other) == ("istio is 1.29.0, and was 1.28.2",)
    path.write_text(path.read_text().replace("assert 1", "assert 2"))
    assert reasons_to_run(path, CLUSTER) == ("cell 1 `judge` changed",)
