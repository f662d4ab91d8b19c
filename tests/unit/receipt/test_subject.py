from __future__ import annotations

from pathlib import Path

from istiolab.receipt.subject import Subject, settle, take, what_changed
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


def test_a_file_that_the_run_makes_is_its_own_and_counts_from_then_on(tmp_path: Path) -> None:
    path = write(tmp_path, code("from pathlib import Path\nPath('found').write_text('1')"))
    before = take(path)
    (tmp_path / "found").write_text("1")
    assert what_changed(path, before) is None
    after = settle(path, before)
    assert isinstance(after, Subject)
    assert after.manifests_sha256 == take(path).manifests_sha256 != before.manifests_sha256
    (tmp_path / "found").write_text("2")
    assert what_changed(path, after) == "a manifest"


def test_a_file_that_was_there_and_is_gone_has_changed(tmp_path: Path) -> None:
    path = write(tmp_path, code("open('a.yaml')"))
    (tmp_path / "a.yaml").write_text("a: 1")
    before = take(path)
    (tmp_path / "a.yaml").unlink()
    assert what_changed(path, before) == "a manifest"
