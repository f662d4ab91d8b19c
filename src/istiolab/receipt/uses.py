"""A notebook's code cells in; digests of the helpers, and of the files, that they use, out.

No code is run: what the text of the cells and of the package says is all that is known of it.
Where that does not tell, too much is taken rather than too little.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from posixpath import dirname, normpath

from istiolab.receipt.beside import python_files
from istiolab.receipt.fingerprint import library_sha256
from istiolab.receipt.modules import texts
from istiolab.receipt.package import Package
from istiolab.receipt.reach import Reach
from istiolab.receipt.source import UnclearError, parse

# What sets apart the words of a command, or of source text that is not plain Python.
_BETWEEN_WORDS = re.compile(r"[\s'\"`,;:=()\[\]{}<>|&@]+")
# What each run writes anew; that counts only where it is named itself.
_WRITTEN = re.compile(r"receipts/.*|.*\.ipynb|(.*/)?(__pycache__|\.ipynb_checkpoints)/.*")


def helpers_sha256(cells: Iterable[str], *, root: Path | None = None) -> str:
    """Return the digest of the definitions of the package that code cells reach.

    Comments, docstrings and spelling do not change it. It is `library_sha256` where the text of
    the cells, or of what they reach, does not tell what is used.

    Args:
        cells: the sources of the code cells.
        root: the package's folder; none means the package that is running.
    """
    folder = _folder(root)
    try:
        reach = _reach(cells, folder)
    except UnclearError:
        return library_sha256(folder)
    parts = {name: text.encode() for name, text in reach.records.items()}
    rooms = {dotted for module in reach.modules.values() for dotted in module.data}
    for path in _data_files(folder, rooms):
        parts[f"/{path.relative_to(folder).as_posix()}"] = path.read_bytes()
    return _digest(parts)


def reached(cells: Iterable[str], root: Path | None = None) -> tuple[str, ...]:
    """Return the sorted names of the definitions that code cells reach: why a digest is as it is.

    Where the whole library counts, the one line says why.
    """
    try:
        return tuple(sorted(_reach(cells, _folder(root)).records))
    except UnclearError as unclear:
        return (f"the whole library: {unclear.message}",)


def manifests_sha256(cells: Collection[str], *, folder: Path) -> str:
    """Return the digest of the files below a notebook's folder that its code names or imports.

    A file counts by its path, a directory with all its files, wherever it stands in a string:
    alone, as a word of a command, or as the beginning of a path that is put together.

    Args:
        cells: the sources of the code cells, and of the Python files beside the notebook.
        folder: the notebook's folder, from which paths start.
    """
    home = folder.resolve()
    files = {path.relative_to(home).as_posix(): path for path in home.rglob("*") if path.is_file()}
    named = {
        name
        for cell in cells
        for text in _strings(cell)
        for name in _named(text.replace(f"{home}/", ""), files)
    }
    named |= python_files(cells, home).keys()
    return _digest({name: files[name].read_bytes() for name in named})


def _folder(root: Path | None) -> Path:
    return root if root is not None else Path(__file__).resolve().parents[1]


def _reach(cells: Iterable[str], root: Path) -> Reach:
    reach = Reach(package=Package(root))
    reach.add_cells(cells)
    return reach


def _data_files(folder: Path, packages: Iterable[str]) -> Iterator[Path]:
    """Yield the files of the rooms that packages are in, but for their sources."""
    rooms = {folder.joinpath(*package.split(".")[1:2]) for package in packages}
    for path in {path for room in rooms for path in room.rglob("*")}:
        if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts:
            yield path


def _strings(cell: str) -> list[str]:
    """Return the strings in a cell; the cell itself if it is not plain Python."""
    try:
        return texts(parse(cell, "a code cell"))
    except UnclearError:
        return [cell]


def _named(text: str, files: Collection[str]) -> Iterator[str]:
    """Yield the files that a string names."""
    if (whole := normpath(text)) in files:
        yield whole
        return
    # As it stands, whatever is around it: `-fmanifests/a.yaml`, or a space in it.
    yield from (name for name in files if name in text)
    for word in _BETWEEN_WORDS.split(text):
        path = normpath(word)
        # A lone dot is more often what joins two values than the folder itself.
        if path == "." and word and text.strip() != ".":
            yield from _below("", files)
        # The beginning of a path, if the rest is not there or is not known.
        while path not in (".", "..", "/", "//", "") and path not in files:
            if found := [*_below(f"{path}/", files)]:
                yield from found
                break
            path = dirname(path)
        else:
            if path in files:
                yield path


def _below(start: str, files: Iterable[str]) -> Iterator[str]:
    return (name for name in files if name.startswith(start) and not _WRITTEN.fullmatch(name))


def _digest(parts: Mapping[str, bytes]) -> str:
    total = hashlib.sha256()
    for name in sorted(parts):
        # The length keeps apart what ends one part from what begins the next.
        total.update(f"{name}\0{len(parts[name])}\0".encode())
        total.update(parts[name])
    return total.hexdigest()
