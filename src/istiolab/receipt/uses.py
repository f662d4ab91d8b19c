"""A notebook's code cells in; digests of the helpers, and of the files, that they use, out.

No code is run: what the text of the cells and of the package says is all that is known of it.
Where that does not tell, too much is taken rather than too little.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from istiolab.receipt.beside import python_files
from istiolab.receipt.fingerprint import library_sha256
from istiolab.receipt.folder import read
from istiolab.receipt.named import named_files
from istiolab.receipt.package import Package
from istiolab.receipt.reach import Reach
from istiolab.receipt.source import UnclearError


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
    return digest_of(parts)


def reached(cells: Iterable[str], root: Path | None = None) -> tuple[str, ...]:
    """Return the sorted names of the definitions that code cells reach: why a digest is as it is.

    Where the whole library counts, the one line says why.
    """
    try:
        return tuple(sorted(_reach(cells, _folder(root)).records))
    except UnclearError as unclear:
        return (f"the whole library: {unclear.message}",)


def manifests_sha256(cells: Collection[str], *, folder: Path) -> str:
    """Return the digest of the files that a notebook's code names or imports: see `used_files`.

    Raises:
        HostError: one of them cannot be read.
    """
    return digest_of(used_files(cells, folder=folder))


def used_files(cells: Collection[str], *, folder: Path) -> Mapping[str, bytes]:
    """Return the files that a notebook's code names or imports, by name.

    A file counts by its path, a directory with all its files, wherever it stands in a string:
    alone, as a word of a command, or as the beginning of a path that is put together. Where the
    code finds files by a pattern or a listing, all in the notebook's folder count, but for hidden
    ones, notebooks and receipts. A file elsewhere counts if it is there.

    Args:
        cells: the sources of the code cells, and of the Python files that they use.
        folder: the notebook's folder, from which paths start.

    Raises:
        HostError: one of them cannot be read.
    """
    home = folder.resolve()
    files = named_files(cells, home) | python_files(cells, home)
    return {name: read(path) for name, path in files.items()}


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


def digest_of(parts: Mapping[str, bytes]) -> str:
    """Return one digest of named parts, whatever their order."""
    total = hashlib.sha256()
    for name in sorted(parts):
        # The length keeps apart what ends one part from what begins the next.
        total.update(f"{name}\0{len(parts[name])}\0".encode(errors="surrogateescape"))
        total.update(parts[name])
    return total.hexdigest()
