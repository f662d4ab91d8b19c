from __future__ import annotations

from pathlib import Path

import pytest
from nbformat.v4 import new_notebook

from istiolab.cli.verify_command import as_table, as_text, exit_code, find_notebooks
from istiolab.errors import ExitCode, UsageError
from istiolab.notebook.execution import Ending, Execution, Failure
from istiolab.verdict.judge import Outcome
from istiolab.verify import Verified


def _verified(outcome: Outcome, failure: Failure | None = None) -> Verified:
    execution = Execution(
        document=new_notebook(),  # type: ignore[no-untyped-call]
        cells=(),
        failure=failure,
        started_at="2026-11-24T00:00:00Z",
        seconds=61.2,
        log="",
    )
    return Verified(
        notebook=Path("notebooks/x.ipynb"),
        outcome=outcome,
        execution=None if outcome is Outcome.UNCHANGED else execution,
        evidence=Path("reports/x") if failure else None,
    )


FAILURE = Failure(
    ending=Ending.CELL_FAILED,
    index=4,
    name="judge",
    message="AssertionError: no",
    traceback="line 1\nline 2",
)


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([Outcome.VERIFIED, Outcome.UNCHANGED], ExitCode.OK),
        ([Outcome.VERIFIED, Outcome.UNTRUE], ExitCode.FINDING),
        ([Outcome.UNTRUE, Outcome.BROKEN], ExitCode.KERNEL),
    ],
)
def test_the_worst_outcome_decides_the_exit_code(outcomes: list[Outcome], code: ExitCode) -> None:
    assert exit_code([_verified(outcome) for outcome in outcomes]) is code


def test_a_failure_is_told_with_its_cell_its_traceback_and_its_evidence() -> None:
    assert as_text(_verified(Outcome.UNTRUE, FAILURE)) == (
        "x.ipynb: untrue\n"
        "  cell 5 `judge`: cell failed: AssertionError: no\n"
        "  | line 1\n"
        "  | line 2\n"
        "  evidence: reports/x"
    )
    assert as_table(_verified(Outcome.UNTRUE, FAILURE))["failure"] == {
        "cell": 4,
        "name": "judge",
        "ending": "cell failed",
        "message": "AssertionError: no",
    }


def test_success_and_skipping_are_one_line_each() -> None:
    passed = as_text(_verified(Outcome.VERIFIED))
    assert passed == "x.ipynb: verified in 61 s, notebooks/receipts/x.json"
    assert as_text(_verified(Outcome.UNCHANGED)) == "x.ipynb: unchanged"


def test_notebooks_are_found_by_name_by_path_or_all(tmp_path: Path) -> None:
    one, two = tmp_path / "one.ipynb", tmp_path / "two.ipynb"
    one.touch()
    two.touch()
    assert find_notebooks([], tmp_path) == [one, two]
    assert find_notebooks(["two"], tmp_path) == [two]
    assert find_notebooks([str(one)], tmp_path) == [one]
    with pytest.raises(UsageError):
        find_notebooks(["three"], tmp_path)
