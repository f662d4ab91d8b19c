"""Files in, digests out: of a notebook, and of the library that a notebook calls."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from istiolab.notebook.cells import read_notebook
from istiolab.receipt.beside import python_files, read_source

# What code in a cell can reach. The lab's sources are left out: the versions and the image
# digests in the receipt stand for what the lab made.
_LIBRARY = ("__init__.py", "errors.py", "system", "mesh", "probe")


def notebook_sha256(path: Path) -> str:
    """Return the digest of the notebook's file, outputs included."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def code_of(path: Path) -> tuple[str, ...]:
    """Return the sources of a notebook's code cells, and of the Python files beside it they use.

    Raises:
        KernelError: it is no notebook.
    """
    cells = tuple(cell.source for cell in read_notebook(path).cells if cell.kind == "code")
    beside = python_files(cells, path.parent)
    return (*cells, *(read_source(beside[name]) for name in sorted(beside)))


def steps_sha256(path: Path) -> str:
    """Return the digest of what a notebook does: sources and tags of its code cells, in order.

    Raises:
        KernelError: it is no notebook.
    """
    steps = [
        [cell.source, *sorted(cell.tags)]
        for cell in read_notebook(path).cells
        if cell.kind == "code"
    ]
    return hashlib.sha256(json.dumps(steps).encode()).hexdigest()


def library_sha256(root: Path | None = None) -> str:
    """Return the digest of the sources, and of their data files, that a notebook's cells call.

    Args:
        root: the package's folder; none means the package that is running.
    """
    folder = root if root is not None else Path(__file__).resolve().parents[1]
    total = hashlib.sha256()
    for path in sorted(_files(folder), key=lambda each: each.relative_to(folder).as_posix()):
        content = path.read_bytes()
        # The length keeps apart what ends one file from what begins the next.
        total.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


def _files(folder: Path) -> list[Path]:
    found: list[Path] = []
    for name in _LIBRARY:
        part = folder / name
        found += [part] if part.is_file() else part.rglob("*")
    return [each for each in found if each.is_file() and "__pycache__" not in each.parts]
