from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from istiolab.errors import IstiolabError, KernelError
from istiolab.notebook.document import load_document, parse_document, serialize
from tests.unit.notebook.build import KERNEL, code, text, write


def refused(content: str) -> KernelError:
    with pytest.raises(KernelError) as caught:
        parse_document(content, name="some.ipynb")
    assert "`some.ipynb`" in caught.value.message
    return caught.value


def tree(folder: Path, **changes: Any) -> str:
    return json.dumps(json.loads(write(folder, code("1"), text("a")).read_text()) | changes)


def test_what_is_not_json_is_told_with_its_place() -> None:
    wrong = refused('{\n  "cells": [,]\n}')
    assert wrong.message == "`some.ipynb` is not valid JSON"
    assert wrong.where == ("line 2, column 13: Expecting value",)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("9" * 5000, "holds what cannot be read"),
        ("[" * 900 + "]" * 900, "is nested too deeply to be read"),
        ("[" * 100_000, "is nested too deeply to be read"),
    ],
    ids=["digits", "deep", "deeper"],
)
def test_json_beyond_the_limits_of_python_is_told(tmp_path: Path, value: str, message: str) -> None:
    content = tree(tmp_path, metadata={"kernelspec": KERNEL, "other": "HERE"})
    assert message in refused(content.replace('"HERE"', value)).message


@pytest.mark.parametrize("content", ["3", "null", '"text"', "[{}]"])
def test_json_that_is_no_object_is_no_notebook(content: str) -> None:
    assert "its JSON is no object" in refused(content).message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nbformat": None}, "it names no notebook format"),
        ({"nbformat_minor": "5"}, "it names no notebook format"),
        ({"nbformat_minor": 4}, "format 4.4, not 4.5 or a later 4.x"),
        ({"nbformat": 5}, "format 5.5, not 4.5"),
    ],
)
def test_other_formats_are_refused(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    assert message in refused(tree(tmp_path, **changes)).message


def test_what_breaks_the_schema_is_told_with_its_place(tmp_path: Path) -> None:
    cells = [{"id": "a", **text("a")}, {"id": "b", **code("1"), "execution_count": "one"}]
    wrong = refused(tree(tmp_path, cells=cells))
    assert wrong.message == "`some.ipynb` is not a valid notebook"
    assert wrong.where[0].startswith("cells.1.execution_count: 'one' is not")


def test_only_the_first_problems_are_told_each_in_one_short_line(tmp_path: Path) -> None:
    cells = [{"id": f"c{number}", "cell_type": "raw", "source": 3} for number in range(30)]
    wrong = refused(tree(tmp_path, cells=cells))
    assert len(wrong.where) == 10
    assert all(len(line) <= 200 and "\n" not in line for line in wrong.where)


def test_an_id_on_two_cells_is_refused(tmp_path: Path) -> None:
    cells = [{"id": each, **text("a")} for each in ("x", "y", "x", "x")]
    assert refused(tree(tmp_path, cells=cells)).where == ("id `x`: on 3 cells",)


@pytest.mark.parametrize("kernel", [None, {"name": "", "display_name": "Python 3"}])
def test_a_notebook_without_a_kernels_name_cannot_be_executed(
    tmp_path: Path, kernel: dict[str, str] | None
) -> None:
    path = write(tmp_path, code("1"), kernel=kernel)
    with pytest.raises(KernelError, match=r"`some\.ipynb` names no kernel") as caught:
        load_document(path)
    assert caught.value.where == ("field: metadata.kernelspec.name",)
    assert caught.value.hint is not None
    assert '"name": "python3"' in caught.value.hint


def test_text_that_is_not_utf8_is_told_with_its_place(tmp_path: Path) -> None:
    path = write(tmp_path, code("1"))
    path.write_bytes(path.read_bytes() + "中".encode("big5"))
    with pytest.raises(KernelError, match=r"`some\.ipynb` is not UTF-8 text") as caught:
        load_document(path)
    assert "position" in caught.value.where[0]


def test_what_is_there_and_cannot_be_read_is_not_called_missing(tmp_path: Path) -> None:
    with pytest.raises(IstiolabError, match="cannot be read") as caught:
        load_document(tmp_path)
    assert not isinstance(caught.value, KernelError)


def test_a_notebook_that_is_not_there_is_a_kernel_error(tmp_path: Path) -> None:
    with pytest.raises(KernelError, match="there is no notebook"):
        load_document(tmp_path / "none.ipynb")


def test_a_text_given_as_lines_becomes_one_text(tmp_path: Path) -> None:
    stream = {"output_type": "stream", "name": "stdout", "text": ["x\n", "y\n"]}
    path = write(tmp_path, {**code("", outputs=[stream]), "source": ["a\n", "b"]})
    cell = load_document(path).cells[0]
    assert (cell.source, cell.outputs[0].text) == ("a\nb", "x\ny\n")


def test_what_was_serialized_is_read_and_serialized_to_the_same_bytes(tmp_path: Path) -> None:
    path = write(tmp_path, text("# 標題\n\na"), code("1\n2", "name"))
    document = load_document(path)
    once = serialize(document)
    assert parse_document(once, name="some.ipynb") == document
    assert serialize(parse_document(once, name="some.ipynb")) == once
    assert once.endswith("}\n")
    assert "標題" in once
    assert list(json.loads(once)) == sorted(json.loads(once))
