from __future__ import annotations

from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from istiolab.errors import HostError, UsageError
from istiolab.notebook.execution import Ending, Execution, Failure
from istiolab.notebook.failed import evidence_folder, namesakes, save_failure, save_outputs

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
    folder = save_outputs(execution(), tmp_path / "reports" / "some")
    (folder / "old.txt").touch()
    assert save_failure(execution(), FAILURE, cluster="events\n", folder=folder) == folder
    assert {path.name for path in folder.iterdir()} == {
        *("failure.txt", "executed.ipynb", "cluster.txt", "kernel.log", "CACHEDIR.TAG"),
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


@pytest.mark.parametrize("names", [["mine.yaml"], ["failure.txt", "mine.yaml"]])
def test_a_folder_with_files_of_somebody_else_is_left_as_it_is(
    tmp_path: Path, names: list[str]
) -> None:
    folder = tmp_path / "manifests" / "some"
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text("mine")
    with pytest.raises(UsageError, match="some` holds files that istiolab did not make") as caught:
        evidence_folder(tmp_path / "manifests", Path("some.ipynb"))
    assert caught.value.hint == "name another folder with `--reports`"
    with pytest.raises(UsageError):
        save_failure(execution(), FAILURE, cluster="", folder=folder)
    with pytest.raises(UsageError):
        save_outputs(execution(), folder)
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)


def test_evidence_of_a_version_that_did_not_tag_it_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "some"
    folder.mkdir()
    (folder / "failure.txt").touch()
    (folder / "kernel.log").touch()
    assert evidence_folder(tmp_path, Path("some.ipynb")) == folder
    save_outputs(execution(), folder)
    assert {path.name for path in folder.iterdir()} == {"executed.ipynb", "CACHEDIR.TAG"}


def test_notebooks_of_one_name_have_a_folder_each_and_any_other_has_its_name(
    tmp_path: Path,
) -> None:
    first, second, other = (Path(name) for name in ("a/x.ipynb", "b/x.ipynb", "b/y.ipynb"))
    same = namesakes([first, second, other, Path("b/../b/y.ipynb")])
    assert same == {first, second}
    folders = [
        evidence_folder(tmp_path, each, apart=each in same) for each in (first, second, other)
    ]
    assert len(set(folders)) == 3
    assert folders[2] == tmp_path / "y"
    assert all(folder.name.startswith("x-") for folder in folders[:2])
    assert evidence_folder(tmp_path, Path("a/../a/x.ipynb"), apart=True) == folders[0]
