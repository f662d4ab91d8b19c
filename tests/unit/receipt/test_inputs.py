from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from istiolab.errors import HostError
from istiolab.notebook.recorder import FOLDER, MODULE, WRITE
from istiolab.notebook.uses import Use
from istiolab.receipt import inputs as receipt_inputs
from istiolab.receipt.inputs import (
    PACKAGE_FOLDER,
    Inputs,
    changed_inputs,
    file_sha256,
    take_inputs,
)
from tests.unit.receipt.build import inputs, use


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "a.yaml").write_text("kind: A")
    (tmp_path / "helper.py").write_text("x = 1")
    return tmp_path


def test_what_is_as_it_was_has_not_changed(folder: Path) -> None:
    used = inputs(folder, "helper.py", "manifests/a.yaml", "manifests/", "absent.yaml")
    os.utime(folder / "helper.py", (0, 0))
    assert changed_inputs(used, folder) == ()


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda folder: (folder / "helper.py").write_text("x = 2"), "`helper.py`"),
        (lambda folder: (folder / "helper.py").unlink(), "`helper.py`"),
        (lambda folder: (folder / "absent.yaml").touch(), "`absent.yaml`"),
        (
            lambda folder: (folder / "manifests" / "b.yaml").touch(),
            "the list of files in `manifests/`",
        ),
    ],
    ids=["changed", "gone", "there now", "beside it"],
)
def test_what_changed_is_named(folder: Path, edit: Callable[[Path], object], said: str) -> None:
    used = inputs(folder, "helper.py", "manifests/", "absent.yaml")
    edit(folder)
    assert changed_inputs(used, folder) == (said,)


def test_what_was_not_used_may_change(folder: Path) -> None:
    used = inputs(folder, "manifests/a.yaml")
    (folder / "helper.py").write_text("x = 2")
    (folder / "manifests" / "b.yaml").touch()
    assert changed_inputs(used, folder) == ()


def test_a_changed_module_of_the_library_is_named(folder: Path) -> None:
    taken = take_inputs([use(PACKAGE_FOLDER, "mesh/table.py")], folder)
    assert isinstance(taken, Inputs)
    assert taken.library["mesh/table.py"] == file_sha256(PACKAGE_FOLDER / "mesh" / "table.py")
    assert changed_inputs(taken, folder) == ()
    other = Inputs(library={"mesh/table.py": "0"})
    assert changed_inputs(other, folder) == ("`istiolab/mesh/table.py`",)


def test_packages_count_by_their_version_and_ours_by_its_modules(folder: Path) -> None:
    modules = [
        Use(kind=MODULE, root="", name=name, state=None)
        for name in ("yaml", "istiolab", "nowhere", "helper")
    ]
    taken = take_inputs(modules, folder)
    assert isinstance(taken, Inputs)
    assert taken.packages.keys() == {"PyYAML"}
    assert changed_inputs(taken, folder) == ()
    (said,) = changed_inputs(Inputs(packages={"PyYAML": "5.1"}), folder)
    assert said.startswith("the package PyYAML (5.1 → ")


@pytest.mark.parametrize("name", ["helper.py", "absent.yaml", "manifests/", "gone/"])
def test_what_changed_after_it_was_used_is_no_input_of_anything(folder: Path, name: str) -> None:
    (folder / "gone").mkdir()
    uses = [use(folder, name)]
    (folder / "helper.py").write_text("x = 22")
    (folder / "absent.yaml").touch()
    (folder / "manifests" / "b.yaml").touch()
    (folder / "gone").rmdir()
    listed = f"the list of files in `{name}`" if name.endswith("/") else f"`{name}`"
    assert take_inputs(uses, folder) == listed


def test_what_the_run_wrote_is_its_own_also_where_it_lists_it(folder: Path) -> None:
    uses = [
        use(folder, "manifests/"),
        Use(kind=WRITE, root=FOLDER, name="manifests/own", state=None),
    ]
    (folder / "manifests" / "own").touch()
    taken = take_inputs(uses, folder)
    assert isinstance(taken, Inputs)
    assert taken.files.keys() == {"manifests/"}
    assert changed_inputs(taken, folder) == ()


def test_a_file_that_cannot_be_read_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used = inputs(folder, "helper.py")

    def refuse(_: str) -> str:
        raise PermissionError("no")

    monkeypatch.setattr(receipt_inputs, "sha256_of", refuse)
    with pytest.raises(HostError, match=r"helper\.py` cannot be read"):
        changed_inputs(used, folder)
