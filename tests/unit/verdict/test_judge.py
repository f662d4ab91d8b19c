from __future__ import annotations

import pytest

from istiolab.notebook.cells import CHECK
from istiolab.notebook.execution import Ending, Failure
from istiolab.verdict.drift import CellDrift, Change
from istiolab.verdict.judge import Outcome, judge, judge_failure

DRIFT = CellDrift(index=0, label="cell 1", change=Change.CHANGED, diff=())


def _failure(ending: Ending) -> Failure:
    return Failure(ending=ending, index=3, name="some", message="it did not go well")


def test_a_run_to_the_end_with_the_published_outputs_is_verified() -> None:
    assert judge((), update=False) is judge((), update=True) is Outcome.VERIFIED


def test_other_outputs_are_drift_unless_they_are_to_be_taken_over() -> None:
    assert judge((DRIFT,), update=False) is Outcome.DRIFTED
    assert judge((DRIFT,), update=True) is Outcome.UPDATED


def test_an_error_in_a_check_is_a_finding() -> None:
    failure = _failure(Ending.CELL_FAILED)
    assert judge_failure(failure, tags=("x", CHECK)) is Outcome.CHECK_FAILED


def test_a_check_that_got_no_answer_from_the_cluster_says_nothing_about_the_page() -> None:
    silent = Failure(
        ending=Ending.CELL_FAILED, index=3, name="some", message="SilentError: does not answer"
    )
    assert judge_failure(silent, tags=("x", CHECK)) is Outcome.BROKEN


def test_an_error_in_any_other_cell_says_nothing_about_the_page() -> None:
    assert judge_failure(_failure(Ending.CELL_FAILED), tags=("cause",)) is Outcome.BROKEN


def test_a_declared_error_that_did_not_happen_is_a_finding() -> None:
    failure = _failure(Ending.NO_ERROR)
    assert judge_failure(failure, tags=("raises-exception",)) is Outcome.CHECK_FAILED


@pytest.mark.parametrize("ending", [Ending.HUNG, Ending.RUNAWAY, Ending.KERNEL_DIED])
def test_a_check_that_could_not_be_run_says_nothing_about_the_page(ending: Ending) -> None:
    assert judge_failure(_failure(ending), tags=(CHECK,)) is Outcome.BROKEN


def test_a_secret_that_was_put_out_is_a_finding_of_its_own() -> None:
    assert judge_failure(_failure(Ending.EXPOSED), tags=(CHECK,)) is Outcome.EXPOSED


@pytest.mark.parametrize("ending", list(Ending))
def test_no_failure_of_any_kind_passes(ending: Ending) -> None:
    failed = (Outcome.CHECK_FAILED, Outcome.BROKEN, Outcome.EXPOSED)
    assert judge_failure(_failure(ending), tags=()) in failed
