from __future__ import annotations

from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from istiolab.errors import HostError
from istiolab.notebook.execution import Ending, Execution, Failure
from istiolab.notebook.failed import save_failure, save_outputs

FAILURE = Failure(
    ending=Ending.CELL_FAILED, index=0, name="judge", message="E: no", traceback="line 1\nline 2\n"
)


def execution() -> Execution:
    cell = new_code_cell("ask()", id="a")  # type: ignore[no-untyped-call]
    document = new_notebook(cells=[cell])  # type: ignore[no-untyped-call]
    return Execution(
        document=document, cells=(), failure=FAILURE, started_at="", seconds=1.0, log="log\n"
    )


def test_the_evidence_of_a_failure_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    folder = tmp_path / "reports" / "some"
    folder.mkdir(parents=True)
    (folder / "old.txt").touch()
    assert save_failure(execution(), FAILURE, cluster="events\n", folder=folder) == folder
    assert {path.name for path in folder.iterdir()} == {
        *("failure.txt", "executed.ipynb", "cluster.txt", "kernel.log"),
    }
    assert (folder / "failure.txt").read_text() == (
        "cell 1 `judge`: cell failed\nE: no\n\nask()\n\nline 1\nline 2\n"
    )
    assert (folder / "cluster.txt").read_text() == "events\n"


@pytest.mark.parametrize("in_the_way", ["reports", "reports/some"])
def test_evidence_that_cannot_be_written_is_told(tmp_path: Path, in_the_way: str) -> None:
    folder = tmp_path / "reports" / "some"
    (tmp_path / in_the_way).parent.mkdir(exist_ok=True)
    (tmp_path / in_the_way).write_text("a file")
    with pytest.raises(HostError, match=r"the evidence in `.*some` could not be written"):
        save_outputs(execution(), folder)
