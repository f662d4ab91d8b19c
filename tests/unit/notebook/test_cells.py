from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from istiolab.errors import IstiolabError, KernelError
from istiolab.notebook.cells import find_cell, read_notebook
from tests.unit.notebook.build import code, text, write


def test_cells_keep_order_source_tags_and_name(tmp_path: Path) -> None:
    path = write(
        tmp_path, text("# The title { #here }\n\nText."), code("1 + 1", "check", "sum", "hide-x")
    )
    notebook = read_notebook(path)
    assert notebook.title == "The title"
    assert [cell.kind for cell in notebook.cells] == ["markdown", "code"]
    cell = notebook.cells[1]
    assert (cell.index, cell.source, cell.tags) == (1, "1 + 1", ("check", "sum", "hide-x"))
    assert cell.name == "sum"
    assert cell.label == "cell 2 `sum`"


def test_every_kind_of_output_is_read(tmp_path: Path) -> None:
    data = {"text/plain": ["a\n", "b"], "text/html": ["<b>", "a</b>"], "text/markdown": "*a*"}
    outputs: list[dict[str, Any]] = [
        {"output_type": "stream", "name": "stdout", "text": ["x\n", "y\n"]},
        {"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": 1},
        {"output_type": "display_data", "data": {"text/plain": "c"}, "metadata": {}},
        {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\x1b[31mE\x1b[0m: v"]},
    ]
    cell = read_notebook(write(tmp_path, code("x", outputs=outputs))).cells[0]
    assert [output.kind for output in cell.outputs] == ["stream", "result", "display", "error"]
    assert [output.text for output in cell.outputs] == ["x\ny\n", "a\nb", "c", "E: v"]
    assert cell.outputs[1].html == "<b>a</b>"
    assert cell.outputs[1].markdown == "*a*"
    assert cell.outputs[2].html is None


def test_every_representation_of_an_output_is_read(tmp_path: Path) -> None:
    others = {"text/latex": "$a$", "application/json": {"a": [1]}, "image/png": "aGk=\n"}
    data = {"text/plain": "a", "text/html": "<b>a</b>", "text/markdown": "*a*", **others}
    outputs = [{"output_type": "display_data", "data": data, "metadata": {}}]
    (output,) = read_notebook(write(tmp_path, code("x", outputs=outputs))).cells[0].outputs
    assert output.others == others


def test_a_notebook_without_heading_is_titled_by_its_file(tmp_path: Path) -> None:
    assert read_notebook(write(tmp_path, code("1"))).title == "some"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "`bad.ipynb` is not valid JSON"),
        ("[]", "`bad.ipynb` is not a notebook: its JSON is no object"),
        ("{}", "`bad.ipynb` is not a notebook: it names no notebook format"),
        ('{"nbformat": 4, "nbformat_minor": 4}', "format 4.4, not 4.5"),
        ('{"nbformat": 3, "nbformat_minor": 0}', "format 3.0"),
        ('{"nbformat": 4, "nbformat_minor": 5, "cells": 3}', "is not a valid notebook"),
    ],
)
def test_what_is_no_notebook_is_a_kernel_error(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "bad.ipynb"
    path.write_text(content)
    with pytest.raises(KernelError) as caught:
        read_notebook(path)
    assert message in caught.value.message


def test_cells_without_an_id_or_with_the_same_are_no_valid_notebook(tmp_path: Path) -> None:
    path = write(tmp_path, code("1"))
    path.write_text(path.read_text().replace('"id": "cell-0", ', ""))
    with pytest.raises(KernelError, match="is not a valid notebook") as caught:
        read_notebook(path)
    assert "'id' is a required property" in caught.value.where[0]
    with pytest.raises(KernelError, match="is not a valid notebook") as caught:
        read_notebook(write(tmp_path, {**text("a"), "id": "x"}, {**text("b"), "id": "x"}))
    assert caught.value.where == ("id `x`: on 2 cells",)


def test_missing_file_and_missing_kernelspec_are_kernel_errors(tmp_path: Path) -> None:
    with pytest.raises(KernelError, match="there is no notebook"):
        read_notebook(tmp_path / "none.ipynb")
    with pytest.raises(KernelError, match=r"`some\.ipynb` names no kernel"):
        read_notebook(write(tmp_path, code("1"), kernel=None))


def test_text_that_is_not_utf8_is_a_kernel_error(tmp_path: Path) -> None:
    path = tmp_path / "bad.ipynb"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(KernelError, match="not UTF-8"):
        read_notebook(path)


def test_two_names_on_one_cell_are_refused(tmp_path: Path) -> None:
    with pytest.raises(KernelError, match=r"cell 1 `a` of `some\.ipynb` has more than one name"):
        read_notebook(write(tmp_path, code("1", "a", "b")))


def test_find_cell_returns_the_cell_and_names_those_there_are(tmp_path: Path) -> None:
    notebook = read_notebook(
        write(tmp_path, code("1", "first"), code("2", "twice"), code("3", "twice"))
    )
    assert find_cell(notebook, "first").source == "1"
    with pytest.raises(IstiolabError) as caught:
        find_cell(notebook, "other")
    assert caught.value.message == "`some.ipynb` has no cell called `other`"
    assert "`first`" in caught.value.where[0]
    with pytest.raises(IstiolabError, match="has 2 cells called `twice`"):
        find_cell(notebook, "twice")
