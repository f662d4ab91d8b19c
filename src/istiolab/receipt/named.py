"""Code and a notebook's files in; those that the code names, out. Nothing is run.

What the text of the code says is all that is known of it. Where that does not tell, too much is
taken rather than too little.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from posixpath import dirname, normpath

from istiolab.receipt.folder import below, files_in, whole
from istiolab.receipt.listing import command_leaves_open, leaves_open, lists_whole
from istiolab.receipt.modules import texts
from istiolab.receipt.source import UnclearError, parse
from istiolab.receipt.spelling import BETWEEN_WORDS, bindings, spelled

_WILD = re.compile(r"[*?\[]")
# Of absolute paths these alone: most in a notebook are paths in containers, and what lies at the
# same place on this machine has nothing to do with them.
_OURS = (".yaml", ".yml", ".json", ".toml", ".py", ".sh")


def named_files(cells: Iterable[str], home: Path) -> dict[str, Path]:
    """Return the files that code names, by their path from the folder `home`, or from the root.

    Args:
        cells: the sources.
        home: the folder from which paths start, with no link in its path.
    """
    files = files_in(home)
    sources = [cell.replace(f"{home}/", "") for cell in cells]
    trees = [_tree(each) for each in sources]
    # A command that nobody can read may bind any name anew.
    known = {} if None in trees else bindings([each for each in trees if each])
    found: dict[str, Path] = {}
    is_open = False
    suffixes = frozenset(PurePosixPath(name).suffix for name in whole(files)) - {""}

    for source, tree in zip(sources, trees, strict=True):
        strings, made, lists = [source], [source], command_leaves_open(source)
        if tree is not None:
            strings = texts(tree)
            try:
                made = [*spelled(tree, known)]
                lists = lists_whole(tree, known, lambda text: _is_placed(text, files, home))
            except RecursionError:  # what is nested so deeply may be anything
                lists = True
        for text in {*strings, *made}:
            found |= {name: files[name] for name in _named(text, files)}
            found |= _outside(text, home)
        is_open |= lists or any(leaves_open(text, suffixes) for text in made)
    return found | ({name: files[name] for name in whole(files)} if is_open else {})


def _tree(source: str) -> ast.Module | None:
    try:
        return parse(source, "a code cell")
    except UnclearError:
        return None


def _named(text: str, files: Collection[str]) -> Iterator[str]:
    """Yield the files that a string names."""
    if (all_of_it := normpath(text)) in files:
        yield all_of_it
        return
    # As it stands, whatever is around it: `-fmanifests/a.yaml`, or a space in it.
    yield from (name for name in files if name in text)
    for word in BETWEEN_WORDS.split(text):
        path = normpath(word)
        # A lone dot is more often what joins two values than the folder itself.
        if path == "." and word and text.strip() != ".":
            yield from whole(files)
        # The beginning of a path, if the rest is not there or is not known.
        while path not in (".", "..", "/", "//", "") and path not in files:
            if found := [*below(f"{path}/", files)]:
                yield from found
                break
            path = dirname(path)
        else:
            if path in files:
                yield path


def _is_placed(text: str, files: Collection[str], home: Path) -> bool:
    """Tell whether a path, or a pattern, is of a folder that counts for its name, or is not ours.

    A file is no such folder: what is listed may be the one that it lies in.
    """
    path = normpath(_WILD.split(text, maxsplit=1)[0])
    while path not in (".", "..", ""):
        if path in files:
            return False
        if path.startswith("/") or any(name.startswith(f"{path}/") for name in files):
            return True
        if path.startswith("../") and _is(Path.is_dir, home / path):
            return not home.is_relative_to(normpath(home / path))
        path = dirname(path)
    return False


def _outside(text: str, home: Path) -> dict[str, Path]:
    """Return the files outside of the folder that a string names, or all of a folder there."""
    found: dict[str, Path] = {}
    for word in {text, *BETWEEN_WORDS.split(text)}:
        # As in `-f../a.yaml`.
        start = word.find("../") if ".." in word.partition("/")[0] else 0
        path = normpath(word[max(start, 0) :])
        if path.startswith("/"):
            if path.endswith(_OURS) and _is(Path.is_file, Path(path)):
                found[path] = Path(path)
        elif path.startswith("../"):
            found |= _from_above(path, home)
    return found


def _from_above(path: str, home: Path) -> Mapping[str, Path]:
    while path.strip("./"):
        place = Path(normpath(home / path))
        if _is(Path.is_file, place):
            return {path: place}
        if _is(Path.is_dir, place) and not home.is_relative_to(place):
            inside = files_in(place)
            return {f"{path}/{name}": inside[name] for name in whole(inside)}
        path = dirname(path)
    return {}


def _is(ask: Callable[[Path], bool], place: Path) -> bool:
    try:
        return ask(place)
    except OSError:  # longer than any name
        return False
