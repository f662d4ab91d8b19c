from __future__ import annotations

from pathlib import Path

import pytest

from istiolab.ablate import judge_ablation
from istiolab.notebook.cells import Notebook, read_notebook
from istiolab.notebook.execution import RunPlan
from istiolab.notebook.run import run_notebook
from istiolab.verdict.ablation import Ablation, lacking, toothless
from tests.unit.notebook.build import code, write


def _ablations(path: Path) -> tuple[Notebook, list[Ablation]]:
    notebook = read_notebook(path)
    found = []
    for cell in notebook.cells:
        if "cause" in cell.tags:
            plan = RunPlan(path=path, leave_out=cell.id, past_failures=True)
            found.append(judge_ablation(notebook, cell.id, run_notebook(plan)))
    return notebook, found


def test_a_check_that_rests_on_its_cause_is_proven(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        code("answer = 200"),
        code("answer = 426", "apply", "cause"),
        code("assert answer == 426", "judge", "check"),
    )
    notebook, found = _ablations(path)
    assert toothless(notebook, found) == ()
    assert found[0].message.startswith("cell failed: AssertionError")


def test_a_check_that_passes_without_its_cause_is_found(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        code("answer = 426"),
        code("answer = 426", "apply", "cause"),
        code("assert answer == 426", "judge", "check"),
    )
    notebook, found = _ablations(path)
    assert toothless(notebook, found) == (
        "no check fails without cell 2 `apply`: the run came to its end",
        "check cell 3 `judge` failed without none of the causes",
    )


def test_a_check_that_cannot_fail_is_found_beside_one_that_can(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        code("answer = 200"),
        code("answer = 426", "apply", "cause"),
        code("assert answer", "weak", "check"),
        code("assert answer == 426", "judge", "check"),
    )
    notebook, found = _ablations(path)
    assert toothless(notebook, found) == ("check cell 3 `weak` failed without none of the causes",)


def test_a_check_that_fails_for_want_of_a_name_proves_nothing(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        code("answer = 426", "apply", "cause"),
        code("assert answer or not answer", "judge", "check"),
    )
    notebook, found = _ablations(path)
    assert toothless(notebook, found) == (
        (
            "no check fails without cell 1 `apply`: cell 2 `judge` does not judge it "
            "(NameError: name 'answer' is not defined): define the name before"
        ),
        "check cell 2 `judge` failed without none of the causes",
    )


def test_a_cell_between_that_fails_without_the_cause_does_not_hide_the_check(
    tmp_path: Path,
) -> None:
    path = write(
        tmp_path,
        code("seen = {}"),
        code("seen['sidecar'] = True", "inject", "cause"),
        code("print(seen['sidecar'])"),
        code("assert seen.get('sidecar')", "judge", "check"),
    )
    notebook, found = _ablations(path)
    assert toothless(notebook, found) == ()


@pytest.mark.parametrize(("tag", "missing"), [("check", "cause"), ("cause", "check")])
def test_a_notebook_that_lacks_one_half_of_a_proof_is_told(
    tmp_path: Path, tag: str, missing: str
) -> None:
    notebook = read_notebook(write(tmp_path, code("1", tag)))
    assert [missing in sentence for sentence in lacking(notebook)] == [True]
    assert toothless(notebook, ())


def test_every_committed_notebook_has_a_cause_and_a_check() -> None:
    folder = Path(__file__).parents[3] / "notebooks"
    notebooks = sorted(folder.glob("*.ipynb"))
    assert notebooks
    assert {path.stem: lacking(read_notebook(path)) for path in notebooks} == {
        path.stem: () for path in notebooks
    }
