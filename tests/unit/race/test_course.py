from __future__ import annotations

import os
from pathlib import Path

import pytest

from istiolab.errors import UsageError
from istiolab.notebook.document import load_document
from istiolab.race.course import copy_names, laid_out
from tests.unit.notebook.build import code, write


def test_one_copy_keeps_its_name_and_several_are_numbered_apart() -> None:
    assert copy_names(["a", "b"], 1) == (("a", "a"), ("b", "b"))
    names = copy_names(["a", "b"], 12)
    assert len({copied for _, copied in names}) == 24
    assert names[0] == ("a", "a-copy-01")
    assert names[-1] == ("b", "b-copy-12")


def test_a_course_has_the_notebooks_and_what_they_read_and_nothing_else(tmp_path: Path) -> None:
    path = write(tmp_path, code("1"), name="a")
    write(tmp_path, code("1"), name="other")
    for folder in ("manifests", "receipts"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x").write_text("x")
    before = sorted(tmp_path.rglob("*"))
    with laid_out([path], 2) as course:
        there = {each.relative_to(course.home).as_posix() for each in course.home.rglob("*")}
        assert there == {"a-copy-01.ipynb", "a-copy-02.ipynb", "manifests", "manifests/x"}
        (course.notebooks[0]).write_text("spoilt")
    assert not course.folder.exists()
    assert sorted(tmp_path.rglob("*")) == before
    assert path.read_text() != "spoilt"


def test_one_copy_is_the_notebook_as_it_stands(tmp_path: Path) -> None:
    path = write(tmp_path, code("1"))
    with laid_out([path], 1) as course:
        assert [copied.read_bytes() for copied in course.notebooks] == [path.read_bytes()]


def test_several_copies_differ_in_what_jupyter_cache_knows_a_notebook_by_and_not_in_cells(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, code("1"), code("2"))
    original = load_document(path)
    with laid_out([path], 3) as course:
        copies = [load_document(copied) for copied in course.notebooks]
    kernels = [each.metadata.kernelspec for each in copies]
    assert len({each.display_name for each in kernels}) == 3
    assert {each.name for each in kernels} == {original.metadata.kernelspec.name}
    assert [each.cells for each in copies] == [original.cells] * 3


def test_each_kernel_of_a_tool_gets_a_prefix_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with laid_out([write(tmp_path, code("1"))], 1) as course:
        (script,) = (course.ipython / "profile_default" / "startup").glob("*.py")
        monkeypatch.setenv("ISTIOLAB_NAMESPACE_PREFIX", "il-a")
        names: dict[str, object] = {}
        exec(script.read_text(), names)  # as IPython does it
    assert os.environ["ISTIOLAB_NAMESPACE_PREFIX"] == f"il-a-{os.getpid():x}"
    assert set(names) == {"__builtins__"}


def test_notebooks_of_several_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    paths = [write(tmp_path, code("1")), write(tmp_path / "b", code("1"))]
    with pytest.raises(UsageError, match="in several folders"), laid_out(paths, 1):
        pass
