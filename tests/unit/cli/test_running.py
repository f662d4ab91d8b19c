from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from istiolab.ablate import Ablated
from istiolab.cli import running
from istiolab.cli.report import ablations
from istiolab.cli.running import barred, prove, run_all, run_changed
from istiolab.cli.verify_command import exit_code
from istiolab.errors import ExitCode
from istiolab.mesh.departures import Departures
from istiolab.places import WHY_BARRED, Share, Shares
from istiolab.receipt.model import ClusterFacts
from istiolab.receipt.store import receipt_path
from istiolab.system.progress import SILENT, Reporter
from istiolab.verdict.judge import Outcome
from istiolab.verify import Verified, Wish
from tests.unit.cli.outcomes import FAILURE, verified
from tests.unit.test_publish import CLUSTER

WISH = Wish(environment={}, reports=Path("reports"))
PATHS = (Path("a.ipynb"), Path("b.ipynb"))


class Told:
    """A place that writes down what is done on it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.cluster: ClusterFacts = replace(CLUSTER, kubeconfig=Path("told"))
        self.environment = {"KUBECONFIG": "told"}

    def prepare(self, reporter: Reporter) -> None:
        assert reporter is SILENT
        self.done.append("prepared")


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Told:
    place = Told()

    def verify_all(
        paths: Sequence[Path], cluster: ClusterFacts, *, wish: Wish, **_how: Any
    ) -> list[Verified]:
        assert cluster is place.cluster
        assert wish.environment == place.environment
        place.done.append("+".join(path.stem for path in paths))
        return [
            verified(Outcome.UNTRUE, failure=FAILURE, leaks=("left behind: x",), notebook=path)
            if path.stem == "b"
            else verified(Outcome.LEAKED, leaks=("left behind: y",), notebook=path)
            for path in paths
        ]

    def ablate_all(paths: Sequence[Path], _cluster: object, **how: Any) -> list[Ablated]:
        if how["prepare"] is not None:
            how["prepare"]()
        place.done.append("ablated " + "+".join(path.stem for path in paths))
        return [Ablated(notebook=path, rows=(), problems=()) for path in paths]

    monkeypatch.setattr(running, "verify_all", verify_all)
    monkeypatch.setattr(running, "ablate_all", ablate_all)
    return place


def share(place: Told, *, alone: bool) -> Share:
    return Share(place=place, paths=PATHS, workers=2, alone=alone)


def test_on_a_lab_with_a_mesh_notebooks_run_together(place: Told) -> None:
    found = run_all(share(place, alone=False), PATHS, WISH, reporter=SILENT)
    assert place.done == ["a+b"]
    assert [each.leaks for each in found] == [("left behind: y",), ("left behind: x",)]


def test_on_a_bare_lab_each_runs_alone_and_finds_it_ready(place: Told) -> None:
    found = run_all(share(place, alone=True), PATHS, WISH, reporter=SILENT)
    assert place.done == ["prepared", "a", "prepared", "b"]
    assert [each.outcome for each in found] == [Outcome.LEAKED, Outcome.UNTRUE]


def test_a_place_is_made_ready_when_the_namespaces_of_the_run_before_are_gone(
    place: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Departures, "wait", lambda _self: place.done.append("gone"))
    run_all(share(place, alone=True), PATHS[:1], WISH, reporter=SILENT)
    prove(Shares(shares=(share(place, alone=True),), barred=()), WISH, force=True, reporter=SILENT)
    assert place.done == ["gone", "prepared", "a", "gone", "prepared", "ablated a+b"]


def test_what_stopped_half_way_on_a_bare_lab_has_left_nothing_worth_telling(place: Told) -> None:
    leaked, stopped = run_all(share(place, alone=True), PATHS, WISH, reporter=SILENT)
    assert leaked.leaks == ("left behind: y",)
    assert stopped.leaks == ()


def test_ablations_find_the_place_ready_for_each_of_their_runs(place: Told, tmp_path: Path) -> None:
    paths = (tmp_path / "a.ipynb",)
    shares = Shares(shares=(replace(share(place, alone=True), paths=paths),), barred=PATHS[1:])
    proven, kept_out = prove(shares, WISH, force=True, reporter=SILENT)
    assert place.done == ["prepared", "ablated a"]
    assert proven.barred == ""
    assert kept_out == Ablated(notebook=PATHS[1], rows=(), problems=(), barred=WHY_BARRED)


def test_ablations_on_a_lab_with_a_mesh_have_to_leave_it_as_it_is(
    place: Told, tmp_path: Path
) -> None:
    paths = (tmp_path / "a.ipynb",)
    shares = Shares(shares=(replace(share(place, alone=False), paths=paths),), barred=())
    prove(shares, WISH, force=True, reporter=SILENT)
    assert place.done == ["ablated a"]


def test_what_cannot_run_here_is_no_pass_and_nothing_of_it_is_written() -> None:
    found = barred(PATHS)
    assert {each.outcome for each in found} == {Outcome.BARRED}
    assert exit_code([*found, verified(Outcome.VERIFIED)]) is ExitCode.KERNEL
    assert not any(receipt_path(path).exists() for path in PATHS)


def test_to_ablate_what_cannot_run_here_is_no_pass_either() -> None:
    fine = Ablated(notebook=PATHS[0], rows=(), problems=())
    kept_out = replace(fine, barred=WHY_BARRED)
    wrong = replace(fine, problems=("it has no cell tagged `check`",))
    assert ablations.exit_code([fine]) is ExitCode.OK
    assert ablations.exit_code([fine, wrong]) is ExitCode.FINDING
    broke = replace(wrong, broken=True)
    assert ablations.exit_code([fine, wrong, broke]) is ExitCode.KERNEL
    assert ablations.exit_code([fine, wrong, kept_out]) is ExitCode.KERNEL
    assert ablations.render([kept_out]) == f"a.ipynb: could not run here\n  {WHY_BARRED}"


def test_only_what_changed_is_run_and_a_place_is_not_made_ready_for_nothing(
    place: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        running, "reasons_to_run", lambda path, _: () if path.stem == "a" else ("x",)
    )
    shares = [share(place, alone=True)]
    found = run_changed(shares, WISH, force=False, reporter=SILENT)
    assert [each.outcome for each in found] == [Outcome.UNCHANGED, Outcome.UNTRUE]
    assert [each.reasons for each in found] == [(), ("x",)]
    assert place.done == ["prepared", "b"]

    place.done.clear()
    monkeypatch.setattr(running, "reasons_to_run", lambda *_: ())
    run_changed(shares, WISH, force=False, reporter=SILENT)
    assert place.done == []
    run_changed(shares, WISH, force=True, reporter=SILENT)
    assert place.done == ["prepared", "a", "prepared", "b"]
