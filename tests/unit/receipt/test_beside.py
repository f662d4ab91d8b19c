from __future__ import annotations

from os.path import relpath
from pathlib import Path

import pytest

from istiolab.receipt.beside import python_files
from istiolab.receipt.fingerprint import code_of
from istiolab.receipt.uses import helpers_sha256, manifests_sha256, reached
from tests.unit.notebook.build import code, write

FILES = {
    "helper.py": "import other\nfrom pkg.deep import thing\n",
    "other.py": "x = 1\n",
    "unused.py": "x = 1\n",
    "pkg/__init__.py": "",
    "pkg/deep.py": "from . import near\nfrom .far import thing\n",
    "pkg/near.py": "",
    "pkg/far.py": "thing = 1\n",
    "pkg/unused.py": "",
}
ALL_OF_HELPER = {
    *("helper.py", "other.py", "pkg/__init__.py", "pkg/deep.py", "pkg/near.py", "pkg/far.py"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("import helper", ALL_OF_HELPER),
        ("from helper import x as y", ALL_OF_HELPER),
        ("def late():\n    import helper", ALL_OF_HELPER),
        ("from helper import *", ALL_OF_HELPER),
        ("%run helper.py", ALL_OF_HELPER),
        ("import sys; run([sys.executable, 'helper.py'])", ALL_OF_HELPER),
        ("__import__('helper')", ALL_OF_HELPER),
        ("import importlib\nimportlib.import_module('other')", {"other.py"}),
        ("%autoreload 2\nimport other", {"other.py"}),
        ("import pkg.near", {"pkg/__init__.py", "pkg/near.py"}),
        ("from pkg import near", {"pkg/__init__.py", "pkg/near.py"}),
        ("import json, yaml\nfrom istiolab import connect", set()),
        ("1 +", set()),
    ],
)
def test_what_a_cell_imports_counts_with_what_that_imports(
    folder: Path, cell: str, names: set[str]
) -> None:
    assert python_files([cell], folder).keys() == names


def counted_in(cell: str, home: Path) -> list[str]:
    """Return the files, in a folder and beside it, whose content changes the digest."""
    found = []
    before = manifests_sha256([cell], folder=home)
    for path in sorted(path for path in home.parent.rglob("*") if path.is_file()):
        text = path.read_text()
        path.write_text(f"{text} changed")
        if manifests_sha256([cell], folder=home) != before:
            found.append(relpath(path, home))
        path.write_text(text)
    return sorted(found)


def test_a_script_elsewhere_is_taken_if_it_is_there_with_what_lies_beside_it(folder: Path) -> None:
    home = folder / "home"
    home.mkdir()
    (home / "own.py").write_text("")
    (folder / "script.py").write_text("import own, other\nfrom .pkg import near\n")
    cells = ["'../script.py'", "'../none.py'", "'/etc/none.py'"]
    assert python_files(cells, home).keys() == {
        *("own.py", "../script.py", "../other.py", "../pkg/__init__.py", "../pkg/near.py"),
    }
    assert python_files([f"'{folder}/other.py'"], home).keys() == {"../other.py"}


def test_a_package_behind_a_link_is_known_by_the_name_that_code_gives_it(folder: Path) -> None:
    home = folder / "home"
    home.mkdir()
    (home / "helpers").symlink_to("../pkg")
    found = python_files(["from helpers import deep"], home)
    names = ("__init__.py", "deep.py", "near.py", "far.py")
    assert found.keys() == {f"helpers/{name}" for name in names}
    assert python_files(["run('helpers/far.py')"], home).keys() == {"helpers/far.py"}
    assert python_files(["__import__(f'helpers.{x}'); far"], home).keys() >= {"helpers/far.py"}


def test_modules_that_import_each_other_come_to_an_end(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import b")
    (tmp_path / "b.py").write_text("import a")
    assert python_files(["import a"], tmp_path).keys() == {"a.py", "b.py"}


def test_a_change_in_a_module_far_away_changes_the_digest_and_one_in_another_does_not(
    folder: Path,
) -> None:
    path = write(folder, code("import helper"))
    before = manifests_sha256(code_of(path), folder=folder)
    (folder / "unused.py").write_text("x = 2\n")
    assert manifests_sha256(code_of(path), folder=folder) == before
    (folder / "pkg" / "far.py").write_text("thing = 2\n")
    assert manifests_sha256(code_of(path), folder=folder) != before


def test_what_a_module_beside_uses_of_the_package_and_of_files_counts(folder: Path) -> None:
    path = write(folder, code("import helper"))
    plain = code_of(path)
    (folder / "other.py").write_text("from istiolab import send\nopen('some.yaml')\n")
    (folder / "some.yaml").write_text("a: b")
    assert "istiolab.probe.send.send" in reached(code_of(path))
    assert helpers_sha256(code_of(path)) != helpers_sha256(plain)
    before = manifests_sha256(code_of(path), folder=folder)
    (folder / "some.yaml").write_text("a: c")
    assert manifests_sha256(code_of(path), folder=folder) != before


def test_a_notebook_without_such_files_is_its_cells(tmp_path: Path) -> None:
    path = write(tmp_path, code("import json"), code("1"))
    assert code_of(path) == ("import json", "1")
