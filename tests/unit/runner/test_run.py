from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from istiolab.cli.report import ablations
from istiolab.cli.verify_command import exit_code
from istiolab.errors import ExitCode
from istiolab.mesh.pending_deletions import PendingDeletions
from istiolab.receipt.model import ClusterFacts
from istiolab.receipt.store import receipt_path
from istiolab.runner import run
from istiolab.runner.ablate import Ablated
from istiolab.runner.run import barred, prove, run_all, run_changed
from istiolab.runner.targets import WHY_UNSUPPORTED, Assignment, Assignments
from istiolab.runner.verify import RunContext, Verified
from istiolab.system.progress import SILENT, Reporter
from istiolab.verdict.judge import Outcome
from tests.unit.cli.outcomes import FAILURE, verified
from tests.unit.runner.test_publish import CLUSTER

CONTEXT = RunContext(environment={}, reports=Path("reports"))
PATHS = (Path("a.ipynb"), Path("b.ipynb"))


class Told:
    """A target that writes down what is done on it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.cluster: ClusterFacts = replace(CLUSTER, kubeconfig=Path("told"))
        self.environment = {"KUBECONFIG": "told"}

    def prepare(self, reporter: Reporter) -> None:
        assert reporter is SILENT
        self.done.append("prepared")


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Told:
    target = Told()

    def verify_all(
        paths: Sequence[Path], cluster: ClusterFacts, *, context: RunContext, **_how: Any
    ) -> list[Verified]:
        assert cluster is target.cluster
        assert context.environment == target.environment
        target.done.append("+".join(path.stem for path in paths))
        return [
            verified(
                Outcome.CHECK_FAILED, failure=FAILURE, leaks=("left behind: x",), notebook=path
            )
            if path.stem == "b"
            else verified(Outcome.LEAKED, leaks=("left behind: y",), notebook=path)
            for path in paths
        ]

    def ablate_all(paths: Sequence[Path], _cluster: object, **how: Any) -> list[Ablated]:
        if how["prepare"] is not None:
            how["prepare"]()
        target.done.append("ablated " + "+".join(path.stem for path in paths))
        return [Ablated(notebook=path, rows=(), problems=()) for path in paths]

    monkeypatch.setattr(run, "verify_all", verify_all)
    monkeypatch.setattr(run, "ablate_all", ablate_all)
    return target


def assignment(target: Told, *, alone: bool) -> Assignment:
    return Assignment(target=target, paths=PATHS, workers=2, alone=alone)


def test_on_a_lab_with_a_mesh_notebooks_run_together(target: Told) -> None:
    found = run_all(assignment(target, alone=False), PATHS, CONTEXT, reporter=SILENT)
    assert target.done == ["a+b"]
    assert [each.leaks for each in found] == [("left behind: y",), ("left behind: x",)]


def test_on_a_bare_lab_each_runs_alone_and_finds_it_ready(target: Told) -> None:
    found = run_all(assignment(target, alone=True), PATHS, CONTEXT, reporter=SILENT)
    assert target.done == ["prepared", "a", "prepared", "b"]
    assert [each.outcome for each in found] == [Outcome.LEAKED, Outcome.CHECK_FAILED]


def test_a_place_is_made_ready_when_the_namespaces_of_the_run_before_are_gone(
    target: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PendingDeletions, "wait", lambda _self: target.done.append("gone"))
    run_all(assignment(target, alone=True), PATHS[:1], CONTEXT, reporter=SILENT)
    prove(
        Assignments(assignments=(assignment(target, alone=True),), barred=()),
        CONTEXT,
        force=True,
        reporter=SILENT,
    )
    assert target.done == ["gone", "prepared", "a", "gone", "prepared", "ablated a+b"]


def test_what_stopped_half_way_on_a_bare_lab_has_left_nothing_worth_telling(target: Told) -> None:
    leaked, stopped = run_all(assignment(target, alone=True), PATHS, CONTEXT, reporter=SILENT)
    assert leaked.leaks == ("left behind: y",)
    assert stopped.leaks == ()


def test_ablations_find_the_place_ready_for_each_of_their_runs(
    target: Told, tmp_path: Path
) -> None:
    paths = (tmp_path / "a.ipynb",)
    assignments = Assignments(
        assignments=(replace(assignment(target, alone=True), paths=paths),), barred=PATHS[1:]
    )
    proven, kept_out = prove(assignments, CONTEXT, force=True, reporter=SILENT)
    assert target.done == ["prepared", "ablated a"]
    assert proven.barred == ""
    assert kept_out == Ablated(notebook=PATHS[1], rows=(), problems=(), barred=WHY_UNSUPPORTED)


def test_ablations_on_a_lab_with_a_mesh_have_to_leave_it_as_it_is(
    target: Told, tmp_path: Path
) -> None:
    paths = (tmp_path / "a.ipynb",)
    assignments = Assignments(
        assignments=(replace(assignment(target, alone=False), paths=paths),), barred=()
    )
    prove(assignments, CONTEXT, force=True, reporter=SILENT)
    assert target.done == ["ablated a"]


def test_what_cannot_run_here_is_no_pass_and_nothing_of_it_is_written() -> None:
    found = barred(PATHS)
    assert {each.outcome for each in found} == {Outcome.UNSUPPORTED}
    assert exit_code([*found, verified(Outcome.VERIFIED)]) is ExitCode.KERNEL
    assert not any(receipt_path(path).exists() for path in PATHS)


def test_to_ablate_what_cannot_run_here_is_no_pass_either() -> None:
    fine = Ablated(notebook=PATHS[0], rows=(), problems=())
    kept_out = replace(fine, barred=WHY_UNSUPPORTED)
    wrong = replace(fine, problems=("it has no cell tagged `check`",))
    assert ablations.exit_code([fine]) is ExitCode.OK
    assert ablations.exit_code([fine, wrong]) is ExitCode.FINDING
    broke = replace(wrong, broken=True)
    assert ablations.exit_code([fine, wrong, broke]) is ExitCode.KERNEL
    assert ablations.exit_code([fine, wrong, kept_out]) is ExitCode.KERNEL
    assert ablations.render([kept_out]) == f"a.ipynb: could not run here\n  {WHY_UNSUPPORTED}"


def test_only_what_changed_is_run_and_a_place_is_not_made_ready_for_nothing(
    target: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "reasons_to_run", lambda path, _: () if path.stem == "a" else ("x",))
    assignments = [assignment(target, alone=True)]
    found = run_changed(assignments, CONTEXT, force=False, reporter=SILENT)
    assert [each.outcome for each in found] == [Outcome.UNCHANGED, Outcome.CHECK_FAILED]
    assert [each.reasons for each in found] == [(), ("x",)]
    assert target.done == ["prepared", "b"]

    target.done.clear()
    monkeypatch.setattr(run, "reasons_to_run", lambda *_: ())
    run_changed(assignments, CONTEXT, force=False, reporter=SILENT)
    assert target.done == []
    run_changed(assignments, CONTEXT, force=True, reporter=SILENT)
    assert target.done == ["prepared", "a", "prepared", "b"]
