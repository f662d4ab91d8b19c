"""A notebook's folder in; the files in it, by their path below it, out.

Links are followed: what lies behind one is used as if it lay in the folder. A link that leads back
to a folder that it lies in is not.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from istiolab.errors import HostError
from istiolab.system.files import TAG_NAME

# What each run writes anew; that counts only where it is named itself.
_WRITTEN = re.compile(r"receipts/.*|.*\.ipynb|(.*/)?(__pycache__|\.ipynb_checkpoints)/.*")
# Of a folder that nobody names, nor what is hidden, nor the records of notebooks further below.
_ASIDE = re.compile(r"(.*/)?(\..*|receipts/[^/]*\.jsonl?)")


def files_in(home: Path) -> dict[str, Path]:
    """Return the files in a folder, and behind the links in it, by their path below it."""
    return {path.relative_to(home).as_posix(): path for path in _walk(home, frozenset())}


def below(start: str, files: Iterable[str]) -> Iterator[str]:
    """Yield the files whose path begins with `start`, but for those that each run writes."""
    return (name for name in files if name.startswith(start) and not _WRITTEN.fullmatch(name))


def whole(files: Iterable[str]) -> frozenset[str]:
    """Return the files that count where code may use any of them.

    Left out are hidden files, what runs write, and folders of evidence and caches, which a tag
    tells from others.
    """
    listed = list(files)
    tagged = tuple(name.removesuffix(TAG_NAME) for name in listed if _is_tag(name))
    return frozenset(
        name
        for name in below("", listed)
        if not _ASIDE.fullmatch(name) and not name.startswith(tagged)
    )


def read(path: Path) -> bytes:
    """Return what is in a file that a notebook uses.

    Raises:
        HostError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as wrong:
        raise HostError(f"`{path}` cannot be read", where=(str(wrong),)) from wrong


def _is_tag(name: str) -> bool:
    return name.endswith(f"/{TAG_NAME}")


def _walk(folder: Path, way: frozenset[str]) -> Iterator[Path]:
    """Yield the files in a folder; `way` holds the real folders by which one came here."""
    real = os.path.realpath(folder)
    for entry in _entries(folder):
        path = folder / entry.name
        if entry.is_file():
            yield path
        elif entry.is_dir():
            # A link to where one is, or to anything above it, would begin all over again.
            target = os.path.realpath(path)
            around = (real, *(str(each) for each in Path(real).parents), *way)
            if not entry.is_symlink() or target not in around:
                yield from _walk(path, way | {real})


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:  # it is not there, or not for us: what lies in it cannot be used either
        return []
