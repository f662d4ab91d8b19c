from __future__ import annotations

import ast
from pathlib import Path

import pytest

from istiolab.receipt import modules
from istiolab.receipt.remembered import mentions_of, shell_of, text_of
from istiolab.receipt.source import UnclearError, canonical
from istiolab.receipt.uses import helpers_sha256

TREE = ast.parse("class One:\n    size = 1\n    def grow(self):\n        return eval('2')\n")
ONE = TREE.body[0]


def write(root: Path, value: int) -> None:
    (root / "mesh").mkdir(exist_ok=True)
    (root / "__init__.py").write_text('_HOMES = {"mesh.make": ("make",)}\n')
    (root / "mesh" / "__init__.py").write_text("")
    (root / "mesh" / "make.py").write_text(f"def make():\n    return {value}\n")


def test_a_second_notebook_costs_no_second_look_at_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 1)
    parsed: list[str] = []

    def counting(text: str, what: str) -> ast.Module:
        parsed.append(what)
        return ast.parse(text)

    monkeypatch.setattr(modules, "parse", counting)
    first = helpers_sha256(["from istiolab import make\nmake()"], root=tmp_path)
    assert parsed
    parsed.clear()
    assert helpers_sha256(["from istiolab import make\nmake() and 1"], root=tmp_path) == first
    assert parsed == []


def test_what_is_remembered_of_a_file_goes_with_its_text(tmp_path: Path) -> None:
    write(tmp_path, 1)
    one = helpers_sha256(["from istiolab import make"], root=tmp_path)
    # As many bytes, and within the same tick of the file system's clock.
    write(tmp_path, 2)
    two = helpers_sha256(["from istiolab import make"], root=tmp_path)
    write(tmp_path, 1)
    assert helpers_sha256(["from istiolab import make"], root=tmp_path) == one != two


def test_a_shell_has_no_methods_and_the_class_keeps_its_own() -> None:
    assert isinstance(ONE, ast.ClassDef)
    assert len(shell_of(ONE).body) == 1
    assert len(ONE.body) == 2
    assert shell_of(ONE) is shell_of(ONE)


def test_texts_and_mentions_are_those_of_the_code() -> None:
    assert text_of((ONE,)) == canonical([ONE])
    for _ in range(2):
        with pytest.raises(UnclearError, match="eval"):
            mentions_of((ONE,), "")
