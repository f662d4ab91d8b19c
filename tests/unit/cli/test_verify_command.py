from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from istiolab.cli.main import cli
from istiolab.cli.verify_command import exit_code, find_notebooks
from istiolab.errors import ExitCode, UsageError
from istiolab.verdict.drift import Change
from istiolab.verdict.judge import Outcome
from tests.unit.cli.outcomes import drift, verified
from tests.unit.notebook.build import code, write


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([Outcome.VERIFIED, Outcome.UNCHANGED], ExitCode.OK),
        ([Outcome.VERIFIED, Outcome.CHECK_FAILED], ExitCode.FINDING),
        ([Outcome.VERIFIED, Outcome.DRIFTED], ExitCode.FINDING),
        ([Outcome.LEAKED], ExitCode.FINDING),
        ([Outcome.CHANGED, Outcome.DRIFTED], ExitCode.KERNEL),
        ([Outcome.CHECK_FAILED, Outcome.BROKEN], ExitCode.KERNEL),
    ],
)
def test_the_worst_outcome_decides_the_exit_code(outcomes: list[Outcome], code: ExitCode) -> None:
    assert exit_code([verified(outcome) for outcome in outcomes]) is code


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_has_an_exit_code(outcome: Outcome) -> None:
    assert exit_code([verified(outcome)]) in ExitCode


def test_an_update_that_only_adds_passes_and_one_that_changes_does_not() -> None:
    new, changed = drift(Change.NEW), drift(Change.CHANGED)
    assert exit_code([verified(Outcome.UPDATED, drifts=(new,))]) is ExitCode.OK
    assert exit_code([verified(Outcome.UPDATED, drifts=(new, changed))]) is ExitCode.FINDING


def test_a_folder_that_evidence_would_replace_is_found_before_anything_runs(
    tmp_path: Path,
) -> None:
    mine = tmp_path / "manifests" / "some" / "mine.yaml"
    mine.parent.mkdir(parents=True)
    mine.touch()
    path = write(tmp_path, code("1"))
    done = CliRunner().invoke(cli, ["verify", str(path), "--reports", str(mine.parents[1])])
    assert isinstance(done.exception, UsageError)
    assert done.exception.message == (
        f"`{mine.parent}` holds files that istiolab did not make, and the evidence of a run of "
        "`some.ipynb` that does not pass would take its place"
    )
    assert mine.exists()


def test_notebooks_are_found_by_name_by_path_or_all(tmp_path: Path) -> None:
    one, two = tmp_path / "one.ipynb", tmp_path / "two.ipynb"
    one.touch()
    two.touch()
    assert find_notebooks([], tmp_path) == [one, two]
    assert find_notebooks(["two"], tmp_path) == [two]
    assert find_notebooks([str(one)], tmp_path) == [one]
    assert find_notebooks(["two", str(two)], tmp_path) == [two]
    with pytest.raises(UsageError):
        find_notebooks(["three"], tmp_path)


def test_hidden_files_and_checkpoints_are_no_notebooks(tmp_path: Path) -> None:
    (tmp_path / "._some.ipynb").write_bytes(b"\x00\x05\x16\x07")
    (tmp_path / ".ipynb_checkpoints").mkdir()
    (tmp_path / ".ipynb_checkpoints" / "some-checkpoint.ipynb").write_text("{}")
    (tmp_path / "folder.ipynb").mkdir()
    path = write(tmp_path, code("1"))
    assert find_notebooks([], tmp_path) == [path]
