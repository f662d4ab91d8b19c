from __future__ import annotations

from pathlib import Path

import pytest
from nbformat import NotebookNode

from istiolab.errors import SilentError
from istiolab.notebook.cells import Notebook, read_notebook
from istiolab.notebook.execution import Ending, Execution, Failure, RunPlan
from istiolab.notebook.run import run_notebook
from istiolab.verdict.ablation import Ablation, judge_ablation, lacking, toothless
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


def test_a_check_that_fails_for_want_of_an_answer_proves_nothing(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        code("answer = None"),
        code("answer = 426 .__class__", "ask", "cause"),
        code("assert answer.real or not answer.real", "judge", "check"),
    )
    notebook, found = _ablations(path)
    assert toothless(notebook, found) == (
        (
            "no check fails without cell 2 `ask`: cell 3 `judge` does not judge it "
            "(AttributeError: 'NoneType' object has no attribute 'real'): "
            "only a failed assertion counts, so assert first that there is something to ask"
        ),
        "check cell 3 `judge` failed without none of the causes",
    )


def _stopped(ending: Ending, message: str, *, index: int) -> Execution:
    return Execution(
        document=NotebookNode(),  # type: ignore[no-untyped-call]
        cells=(),
        failure=Failure(ending=ending, index=index, name=None, message=message),
        started_at="2026-01-02T03:04:05Z",
        seconds=1.0,
        log="",
    )


@pytest.fixture
def three(tmp_path: Path) -> Notebook:
    """Return a notebook of a cause, a cell without tags, and a check."""
    return read_notebook(write(tmp_path, code("1", "cause"), code("2"), code("assert 3", "check")))


@pytest.mark.parametrize("index", [1, 2], ids=["between", "check"])
@pytest.mark.parametrize("ending", [Ending.HUNG, Ending.RUNAWAY, Ending.KERNEL_DIED])
def test_a_run_that_breaks_proves_nothing_and_says_so(
    three: Notebook, ending: Ending, index: int
) -> None:
    found = judge_ablation(three, "cell-0", _stopped(ending, "it did", index=index))
    assert (found.check, found.broken) == (None, True)
    assert toothless(three, [found])[0] == (
        f"nothing can be said about cell 1: cell {index + 1}: {ending}: it did"
    )


def test_only_what_a_check_asserts_and_a_declared_error_that_fails_to_come_are_its_word(
    three: Notebook,
) -> None:
    failed, missed = Ending.CELL_FAILED, Ending.NO_ERROR
    told = {
        (ending, message, index): judge_ablation(
            three, "cell-0", _stopped(ending, message, index=index)
        )
        for ending, message, index in (
            (failed, "AssertionError:", 2),
            (failed, "AssertionError: 200", 2),
            (missed, "it ended without an error", 2),
            (failed, "ValueError: not enough values to unpack", 2),
            (failed, "AssertionErrors: of somebody else", 2),
            (missed, "it ended without an error", 1),
        )
    }
    assert [each.check for each in told.values()] == ["cell-2"] * 3 + [None] * 3
    assert not any(each.broken for each in told.values())


def test_a_cluster_that_is_away_is_not_passed_over_on_the_way_to_the_check(tmp_path: Path) -> None:
    away = "from istiolab.errors import SilentError\nif not seen: raise SilentError('away')"
    path = write(
        tmp_path,
        code("seen, answer = False, None"),
        code("seen = True", "see", "cause"),
        code(f"{away}\nanswer = 200"),
        code("assert answer", "judge", "check"),
    )
    with pytest.raises(SilentError, match=r"some\.ipynb: cell 3: SilentError: away"):
        _ablations(path)


@pytest.mark.parametrize(
    "tags", [pytest.param(("early",), id="a cell"), pytest.param(("early", "check"), id="a check")]
)
def test_what_fails_before_the_cause_is_not_what_came_of_its_lack(
    tmp_path: Path, tags: tuple[str, ...]
) -> None:
    path = write(
        tmp_path,
        code("answer = 200"),
        code("assert False, 'by chance'", *tags),
        code("answer = 426", "apply", "cause"),
        code("assert answer == 426", "judge", "check"),
    )
    _, (found,) = _ablations(path)
    assert (found.broken, found.check) == (True, None)
    assert found.message == (
        "cell 2 `early` failed before it: cell failed: AssertionError: by chance"
    )


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
