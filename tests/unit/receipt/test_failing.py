from __future__ import annotations

from pathlib import Path

import pytest

from istiolab.errors import HostError, IstiolabError
from istiolab.receipt.failing import Failing, failed_runs, record_failure
from istiolab.receipt.record import load_record, record_path, remove_record
from istiolab.receipt.store import State, status, write_receipt
from tests.unit.notebook.build import code, write
from tests.unit.page.build import receipt


def _fail(notebook: Path, day: int) -> Failing:
    return record_failure(
        notebook,
        started_at=f"2026-02-{day:02}T00:00:00Z",
        outcome="untrue",
        what=f"cell 2 `judge`: failed on day {day}",
        versions={"istio": "1.28.2"},
    )


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    return write(tmp_path, code("1"))


def test_the_first_failure_is_kept_and_the_last_is_told(notebook: Path) -> None:
    assert failed_runs(notebook) == 0
    _fail(notebook, 3)
    last = _fail(notebook, 5)
    assert load_record(notebook, Failing) == last
    assert (last.since, last.last) == ("2026-02-03T00:00:00Z", "2026-02-05T00:00:00Z")
    assert failed_runs(notebook) == 2
    assert last.what == "cell 2 `judge`: failed on day 5"


def test_a_failing_notebook_keeps_its_last_receipt_and_says_since_when(notebook: Path) -> None:
    good = receipt(notebook)
    write_receipt(notebook, good)
    _fail(notebook, 3)
    found = status(notebook)
    assert found.state is State.FAILING
    assert found.receipt == good
    assert found.reason.startswith("no run passed since 2026-02-03T00:00:00Z: cell 2 `judge`")


def test_a_run_that_passes_ends_it(notebook: Path) -> None:
    write_receipt(notebook, receipt(notebook))
    _fail(notebook, 3)
    remove_record(notebook, Failing)
    remove_record(notebook, Failing)
    assert status(notebook).state is State.VERIFIED
    assert not record_path(notebook, Failing).exists()


def test_a_notebook_that_never_passed_fails_rather_than_lacks_a_receipt(notebook: Path) -> None:
    _fail(notebook, 3)
    assert status(notebook).state is State.FAILING


def test_a_record_edited_by_hand_is_not_believed_and_the_next_failure_begins_anew(
    notebook: Path,
) -> None:
    _fail(notebook, 3)
    path = record_path(notebook, Failing)
    path.write_text(path.read_text().replace("02-03", "02-04"))
    with pytest.raises(IstiolabError, match="was changed after it was written"):
        load_record(notebook, Failing)
    assert status(notebook).state is State.FAILED
    assert _fail(notebook, 9).attempts == 1


def test_a_folder_in_the_way_is_a_host_error(notebook: Path) -> None:
    record_path(notebook, Failing).mkdir(parents=True)
    with pytest.raises(HostError, match="could not be written"):
        _fail(notebook, 3)
    with pytest.raises(HostError, match="could not be removed"):
        remove_record(notebook, Failing)
