"""Verifying without a cluster: `execute` is a double that does what a hook says, and passes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from istiolab import verify as joint
from istiolab.errors import UsageError
from istiolab.notebook.document import load_document
from istiolab.notebook.execution import Execution
from istiolab.notebook.failed import namesakes
from istiolab.notebook.scanner import SecretScanner
from istiolab.publish import publish
from istiolab.receipt.store import State, status
from istiolab.verdict.judge import Outcome
from istiolab.verify import Wish, verify
from tests.unit.cli.outcomes import FAILURE
from tests.unit.notebook.build import code, write
from tests.unit.test_publish import CLUSTER

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


def wish(folder: Path, *, update: bool = False) -> Wish:
    return Wish(environment={}, reports=folder / "reports", update=update)


def test_a_notebook_that_nobody_touches_while_it_runs_is_verified(
    tmp_path: Path, without_cluster: Install
) -> None:
    without_cluster(lambda _path: None)
    path = write(tmp_path, code("assert 1 == 1"))
    assert publish(verify(path, CLUSTER, wish=wish(tmp_path)), CLUSTER).outcome is Outcome.VERIFIED
    assert status(path).state is State.VERIFIED


@pytest.mark.parametrize("update", [False, True])
def test_what_the_author_saves_while_it_runs_is_neither_attested_nor_overwritten(
    tmp_path: Path, without_cluster: Install, *, update: bool
) -> None:
    def save(path: Path) -> None:
        path.write_text(path.read_text().replace("1 == 1", "1 == 2"))

    without_cluster(save)
    path = write(tmp_path, code("assert 1 == 1"))
    found = publish(verify(path, CLUSTER, wish=wish(tmp_path, update=update)), CLUSTER)
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
        verify(path, CLUSTER, wish=wish(tmp_path))
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
    wished = replace(wish(tmp_path), namesakes=namesakes(paths))
    folders = [verify(path, CLUSTER, wish=wished).evidence for path in paths]
    assert [(each / "cluster.txt").read_text() for each in folders if each] == ["a", "b"]


def test_a_manifest_that_is_edited_while_its_notebook_runs_is_not_attested(
    tmp_path: Path, without_cluster: Install
) -> None:
    (tmp_path / "a.yaml").write_text("a: 1")
    without_cluster(lambda path: (path.parent / "a.yaml").write_text("a: 2"))
    path = write(tmp_path, code("apply('a.yaml')"))
    found = publish(verify(path, CLUSTER, wish=wish(tmp_path)), CLUSTER)
    assert (found.outcome, found.changed) == (Outcome.CHANGED, "a manifest")
    assert status(path).state is State.MISSING
