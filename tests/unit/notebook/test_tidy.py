from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode

from istiolab.notebook.document import load_document, serialize
from istiolab.notebook.tidy import clear, tidy
from tests.unit.notebook.build import code, text, write


def stream(words: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": words}


def display(**data: object) -> dict[str, Any]:
    named = {kind.replace("_", "/"): value for kind, value in data.items()}
    return {"output_type": "display_data", "data": named, "metadata": {"width": 3}}


def error(*lines: str) -> dict[str, Any]:
    return {"output_type": "error", "ename": "E", "evalue": "v", "traceback": list(lines)}


def result(count: int) -> dict[str, Any]:
    return {**display(text_plain="2"), "output_type": "execute_result", "execution_count": count}


def executed(folder: Path, *outputs: dict[str, Any]) -> NotebookNode:
    return load_document(write(folder, {**code("x", outputs=[*outputs]), "execution_count": 1}))


def run_of(folder: Path, *, process: int, count: int, version: str) -> NotebookNode:
    """Return what one run of a notebook left: the same but for what the tools make differ."""
    file = f"/tmp/ipykernel_{process}/1234567.py"
    document = load_document(
        write(
            folder,
            text("# Title"),
            {**code("1 + 1", outputs=[result(count)]), "execution_count": count},
            {
                **code("warn()", "warned", metadata={"execution": {"started": str(process)}}),
                "outputs": [stream(f"{file}:2: UserWarning: look\n")],
                "execution_count": count + 1,
            },
            {
                **code("fail()", outputs=[error(f'  File "{file}", line 1', "E: v")]),
                "execution_count": count + 2,
            },
            {**code("shown", outputs=[display(text_plain=f"{file}:2")]), "execution_count": count},
        )
    )
    document.metadata.language_info = {
        "name": "python",
        "version": version,
        "codemirror_mode": {"version": process},
    }
    document.metadata.widgets = {str(process): {}}
    return document


def test_two_runs_of_the_same_notebook_are_the_same_bytes(tmp_path: Path) -> None:
    one = run_of(tmp_path, process=11, count=1, version="3.11.7")
    other = run_of(tmp_path, process=4022, count=7, version="3.12.0")
    assert serialize(one) != serialize(other)
    assert serialize(tidy(one)) == serialize(tidy(other))


def test_tidying_twice_is_tidying_once_and_leaves_what_it_is_given(tmp_path: Path) -> None:
    document = run_of(tmp_path, process=11, count=5, version="3.11.7")
    before = deepcopy(document)
    once = tidy(document)
    assert document == before
    assert tidy(once) == once


@pytest.mark.parametrize("folder", ["/tmp", "/var/folders/a-b_c", ""])
def test_the_file_of_a_cell_is_named_without_its_process(tmp_path: Path, folder: str) -> None:
    file = f"{folder}/ipykernel_42/987.py"
    document = executed(
        tmp_path, stream(f"at {file}:2: W\n"), error(f'  File "{file}", line 1'), error(f"({file})")
    )
    outputs = tidy(document).cells[0].outputs
    assert outputs[0].text == "at <cell>:2: W\n"
    assert outputs[1].traceback == ['  File "<cell>", line 1']
    assert outputs[2].traceback == ["(<cell>)"]


def test_other_paths_stay(tmp_path: Path) -> None:
    words = "/tmp/ipykernel_x/1.py /tmp/kernel_1/1.py ipykernel_1/a.py\n"
    assert tidy(executed(tmp_path, stream(words))).cells[0].outputs[0].text == words


def test_executed_cells_are_counted_from_1_and_others_are_not(tmp_path: Path) -> None:
    document = load_document(
        write(
            tmp_path,
            {**code("1", outputs=[result(8)]), "execution_count": 8},
            text("a"),
            code(""),
            {**code("2", outputs=[result(9)]), "execution_count": 9},
        )
    )
    cells = tidy(document).cells
    assert [cell.get("execution_count") for cell in cells] == [1, None, None, 2]
    assert [cells[at].outputs[0].execution_count for at in (0, 3)] == [1, 2]
    assert [cell.id for cell in cells] == [cell.id for cell in document.cells]


def test_only_known_metadata_is_kept(tmp_path: Path) -> None:
    kept = {"istiolab": {"timeout_seconds": 3}, "jupyter": {"outputs_hidden": True}}
    document = load_document(
        write(tmp_path, code("1", "name", metadata={**kept, "collapsed": True, "vscode": {}}))
    )
    document.metadata |= {"title": "T", "vscode": {}}
    clean = tidy(document)
    assert clean.cells[0].metadata == {"tags": ["name"], **kept}
    assert set(clean.metadata) == {"kernelspec", "title"}


def test_clearing_leaves_sources_and_no_outputs(tmp_path: Path) -> None:
    document = run_of(tmp_path, process=11, count=5, version="3.11.7")
    before = deepcopy(document)
    bare = clear(document)
    assert document == before
    assert [cell.source for cell in bare.cells] == [cell.source for cell in document.cells]
    codes = [cell for cell in bare.cells if cell.cell_type == "code"]
    assert [(cell.outputs, cell.execution_count) for cell in codes] == [([], None)] * 4
