from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from istiolab.errors import KernelError
from istiolab.notebook.needs import Need, need_of
from istiolab.runner.batch import changes_mesh
from tests.unit.notebook.build import code, write


def saying(folder: Path, said: Any, *, name: str = "some") -> Path:
    path = write(folder, code("1"), name=name)
    tree = json.loads(path.read_text())
    tree["metadata"]["istiolab"] = said
    path.write_text(json.dumps(tree))
    return path


def test_a_notebook_that_says_nothing_needs_a_mesh(tmp_path: Path) -> None:
    assert need_of(write(tmp_path, code("1"))) is Need.MESH
    assert need_of(saying(tmp_path, {"changes_mesh": True})) is Need.MESH


@pytest.mark.parametrize("need", list(Need))
def test_a_notebook_says_what_kind_of_lab_it_needs(tmp_path: Path, need: Need) -> None:
    assert need_of(saying(tmp_path, {"lab": str(need)})) is need


@pytest.mark.parametrize("said", ["none", "", 1, None, ["bare"]])
def test_a_kind_that_there_is_not_is_an_error_that_names_those_that_are(
    tmp_path: Path, said: object
) -> None:
    with pytest.raises(KernelError, match=r"`some\.ipynb` needs a lab of the kind") as caught:
        need_of(saying(tmp_path, {"lab": said}))
    assert caught.value.where == ("kinds there are: mesh, bare",)


@pytest.mark.parametrize("said", ["bare", None, ["bare"], 1, True])
def test_what_a_notebook_says_of_itself_must_be_a_mapping(tmp_path: Path, said: object) -> None:
    path = saying(tmp_path, said)
    for ask in (need_of, changes_mesh):
        with pytest.raises(KernelError, match="has metadata `istiolab` that makes no sense") as it:
            ask(path)
        assert it.value.where == (f"field: metadata.istiolab: {json.dumps(said)}",)
        assert it.value.hint == 'write it as a mapping, such as `{"lab": "bare"}`, or leave it out'
