"""Code cells in; the Python files below the notebook's folder that they import or name, out.

A kernel's import path begins with the notebook's folder. No code is run: the text of the cells and
of the files is all that is known. Where that does not tell, too much is taken, not too little.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from istiolab.receipt.source import UnclearError, imported, parse

# With these, code imports what no import statement names.
_BLIND = re.compile(r"\b(?:__import__|import_module|run_path|run_module|exec|eval)\b")
_FILE = re.compile(r"[\w./-]+\.py\b")


def python_files(sources: Iterable[str], folder: Path) -> dict[str, Path]:
    """Return the Python files that code uses, and those that these use, by their path in `folder`.

    Args:
        sources: the sources of the code cells.
        folder: the notebook's folder.
    """
    home = folder.resolve()
    found: dict[str, Path] = {}
    todo = [(source, home) for source in sources]
    while todo:
        source, place = todo.pop()
        for path in _used(source, place, home):
            name = path.relative_to(home).as_posix()
            if name not in found:
                found[name] = path
                todo.append((read_source(path), path.parent))
    return found


def read_source(path: Path) -> str:
    """Return the source of a Python file, whatever is wrong with its encoding."""
    return path.read_text(encoding="utf-8", errors="replace")


def _used(source: str, place: Path, home: Path) -> Iterator[Path]:
    """Yield the files that a piece of code in the folder `place` uses."""
    for name in _FILE.findall(source):
        path = (home / name).resolve()
        if path.is_file() and path.is_relative_to(home):
            yield path
    try:
        tree = parse(source, "a piece of code")
    except UnclearError:  # it has a magic command, say
        yield from _mentioned(source, home)
        return
    if _BLIND.search(source):
        yield from _mentioned(source, home)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from _imported(node, place, home)


def _imported(node: ast.Import | ast.ImportFrom, place: Path, home: Path) -> Iterator[Path]:
    package = ".".join(place.relative_to(home).parts)
    for each in imported(node, package):
        folder = home
        for part in each.whole.strip(".").split("."):
            for path in (folder / f"{part}.py", folder / part / "__init__.py"):
                if path.is_file():
                    yield path
            folder /= part


def _mentioned(source: str, home: Path) -> Iterator[Path]:
    """Yield the files whose module's name is a word of the text."""
    words = set(re.findall(r"\w+", source))
    for path in home.rglob("*.py"):
        called = path.parent.name if path.stem == "__init__" else path.stem
        if called in words:
            yield path
