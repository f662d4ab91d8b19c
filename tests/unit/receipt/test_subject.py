from __future__ import annotations

from pathlib import Path

from istiolab.receipt.subject import Subject, take, what_changed
from tests.unit.notebook.build import code, write


def test_a_notebook_that_nobody_touched_has_not_changed(tmp_path: Path) -> None:
    path = write(tmp_path, code("1"))
    assert what_changed(path, take(path)) is None


def test_what_was_never_taken_is_never_as_it_was(tmp_path: Path) -> None:
    assert what_changed(write(tmp_path, code("1")), Subject()) == "the notebook"


def test_a_notebook_that_is_gone_has_changed(tmp_path: Path) -> None:
    path = write(tmp_path, code("1"))
    before = take(path)
    path.unlink()
    assert what_changed(path, before) == "the notebook"
