"""Code cells in; the Python files beside the notebook that they import or name, out.

A kernel's import path begins with the notebook's folder, a script's with its own. No code is run:
the text of the cells and of the files is all that is known. Where that does not tell, too much is
taken, not too little.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from posixpath import isfile, normpath, relpath

from istiolab.receipt.folder import files_in
from istiolab.receipt.source import UnclearError, imported, parse

# With these, code imports what no import statement names.
_BLIND = re.compile(r"\b(?:__import__|import_module|run_path|run_module|exec|eval)\b")
_FILE = re.compile(r"[\w./-]+\.py\b")


def python_files(sources: Iterable[str], folder: Path) -> dict[str, Path]:
    """Return the Python files that code uses, and those that these use, by their path.

    It is the path below `folder`, or the one by which the code names a file elsewhere.

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
            name = _called(path, home)
            if name not in found:
                found[name] = path
                todo.append((read_source(path), path.parent))
    return found


def _called(path: Path, home: Path) -> str:
    if path.is_relative_to(home):
        return path.relative_to(home).as_posix()
    above = relpath(path, home)
    # From far away by its whole path: how far up that is, is another matter on each machine.
    return path.as_posix() if above.startswith("../../../") else above


def read_source(path: Path) -> str:
    """Return the source of a Python file, whatever is wrong with its encoding."""
    return path.read_text(encoding="utf-8", errors="replace")


def _used(source: str, place: Path, home: Path) -> Iterator[Path]:
    """Yield the files that a piece of code in the folder `place` uses."""
    for name in _FILE.findall(source):
        # By its name alone, so that a file behind a link is known by the place that code gives it.
        path = Path(normpath(home / name))
        if isfile(path):
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
    own = place.is_relative_to(home)
    package = ".".join(place.relative_to(home).parts) if own else ""
    for each in imported(node, package):
        parts = each.whole.strip(".").split(".")
        for folder in (home,) if own else (home, place):
            yield from _modules(folder, parts)


def _modules(folder: Path, parts: Iterable[str]) -> Iterator[Path]:
    for part in parts:
        for path in (folder / f"{part}.py", folder / part / "__init__.py"):
            if path.is_file():
                yield path
        folder /= part


def _mentioned(source: str, home: Path) -> Iterator[Path]:
    """Yield the files whose module's name is a word of the text."""
    words = set(re.findall(r"\w+", source))
    for path in files_in(home).values():
        if path.suffix != ".py":
            continue
        called = path.parent.name if path.stem == "__init__" else path.stem
        if called in words:
            yield path
