"""What a kernel does before its first cell: it writes down what the cells use, as they use it.

`uses.py` has it executed from its file, outside the cells' names, so it imports the standard
library alone. Python tells of what is done by audit events (PEP 578): the hook takes the files that
are opened, the folders that are listed, the modules that are loaded, and the arguments of commands,
and appends a line of JSON for each first use. A kernel that dies leaves what it has done so far.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.util import source_from_cache

FOLDER, PACKAGE = "folder", "package"
READ, LIST, WRITE, MODULE, FOREIGN = "read", "list", "write", "module", "foreign"

# What is below a folder and no part of it: caches, other people's packages, what runs write.
_ASIDE = frozenset({"__pycache__", "node_modules", "site-packages", "receipts"})
_WORD = re.compile(r"[^\s'\"=;|&<>()]+")
_ARGUMENTS = {"subprocess.Popen": 1, "os.exec": 1, "os.posix_spawn": 1, "os.system": 0}
_LISTINGS = frozenset({"os.listdir", "os.scandir"})
# Who looks into each folder of the import path, which tells nothing of what is found there.
_IMPORTERS = (
    "<frozen importlib",
    os.path.join(os.path.dirname(os.__file__), "importlib", "metadata"),  # noqa: PTH118, PTH120
)


def sha256_of(path: str) -> str | None:
    """Return the digest of a file; None if there is no such file.

    Raises:
        OSError: it cannot be read.
    """
    if not os.path.isfile(path):  # noqa: PTH113 - a path's text is what events bring
        return None
    with open(path, "rb") as file:  # noqa: PTH123
        return hashlib.file_digest(file, "sha256").hexdigest()


def names_in(path: str) -> list[str] | None:
    """Return the names in a folder, those of folders with a slash; None if it cannot be listed."""
    try:
        with os.scandir(path) as entries:
            names = [f"{each.name}/" if each.is_dir() else each.name for each in entries]
    except (OSError, ValueError):
        return None
    return sorted(name for name in names if not name.startswith(".") and name[:-1] not in _ASIDE)


def begin(record: str, package: str) -> None:
    """Write what is used from now on to the file `record`.

    Args:
        record: the file.
        package: the folder of the package that cells import their helpers from.
    """
    recorder = _Recorder(record, package)
    for name in list(sys.modules):
        recorder.module(name)
    sys.addaudithook(recorder.hook)


class _Recorder:
    def __init__(self, record: str, package: str) -> None:
        self._record = record
        self._start = os.path.join(os.path.basename(package), "__init__.py")  # noqa: PTH118, PTH119
        here = os.getcwd()  # noqa: PTH109 - a path's text is what events bring
        pairs = [(here, FOLDER), (package, PACKAGE), (os.path.realpath(package), PACKAGE)]
        self._roots = [(f"{root}{os.sep}", name) for root, name in pairs]
        self._seen: set[tuple[str, ...]] = set()

    def hook(self, event: str, args: tuple[object, ...]) -> None:
        """Take one audit event; whatever it holds, what was to be done is done."""
        try:
            self._take(event, args)
        except (OSError, ValueError, TypeError, IndexError, AttributeError):
            return

    def module(self, name: str) -> None:
        """Take the name of a module of another package that is loaded, or looked for.

        Private ones belong to a package with a public one, or to the start of Python.
        """
        top = name.partition(".")[0]
        public = top not in sys.stdlib_module_names and not top.startswith("_")
        if public and (MODULE, top) not in self._seen:
            self._seen.add((MODULE, top))
            self._write([MODULE, "", top, None])

    def _take(self, event: str, args: tuple[object, ...]) -> None:
        if event == "open":
            self._opened(args[0], args[2])
        elif event == "import":
            self.module(str(args[0]))
            self._opened(args[1], os.O_RDONLY)
        elif event in _LISTINGS:
            if not sys._getframe(2).f_code.co_filename.startswith(_IMPORTERS):  # noqa: SLF001
                self._use(LIST, _absolute("." if args[0] is None else args[0]))
        elif event == "os.rename":
            self._use(WRITE, _absolute(args[1]))
        elif event in _ARGUMENTS:
            place = args[2] if event == "subprocess.Popen" and args[2] else "."
            for path in _named(args[_ARGUMENTS[event]], _absolute(place)):
                self._given(path)

    def _opened(self, path: object, flags: object) -> None:
        if path is None or isinstance(path, int):
            return
        written = isinstance(flags, int) and (
            flags & (os.O_TRUNC | os.O_EXCL) or flags & os.O_ACCMODE == os.O_WRONLY
        )
        full = _absolute(path)
        if not written and full.endswith(".pyc"):
            full = source_from_cache(full)
        self._use(WRITE if written else READ, full)

    def _given(self, path: str) -> None:
        """Take a path that a command is given: of a folder, all that is in it."""
        if any(f"{path}{os.sep}" == root for root, _ in self._roots):
            return  # `.` is a filter or a pattern as well, as in `jq .`
        if not os.path.isdir(path):  # noqa: PTH112
            self._use(READ, path)
        elif any(f"{path}{os.sep}".startswith(root) for root, _ in self._roots):
            self._use(LIST, path)
            for name in names_in(path) or ():
                self._given(os.path.join(path, name.rstrip("/")))  # noqa: PTH118

    def _use(self, kind: str, path: str) -> None:
        for root, called in self._roots:
            if not f"{path}{os.sep}".startswith(root):
                continue
            name = path[len(root) :]
            folders = name if kind == LIST else os.path.dirname(name)  # noqa: PTH120
            if any(each in _ASIDE or each.startswith(".") for each in folders.split("/")):
                return
            # Of a file, what was done first counts: what a cell wrote before is its own.
            key = (LIST if kind == LIST else READ, called, name)
            if key not in self._seen:
                self._seen.add(key)
                self._write([kind, called, name, _state(kind, path)])
            return
        if path.endswith(f"{os.sep}{self._start}"):
            self._write([FOREIGN, "", path, None])

    def _write(self, line: list[object]) -> None:
        # Opened anew each time: who forks may close all files, and which command it starts counts.
        file = os.open(self._record, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, json.dumps(line).encode() + b"\n")
        finally:
            os.close(file)


def _state(kind: str, path: str) -> object:
    match kind:
        case "list":
            return names_in(path)
        case "read":
            return sha256_of(path)
        case _:
            return None


def _absolute(path: object) -> str:
    return os.path.abspath(os.fsdecode(path))  # type: ignore[arg-type]  # noqa: PTH100


def _named(arguments: object, place: str) -> Iterator[str]:
    """Yield the paths that a command's arguments name: one that is there, whole or as a word."""
    texts: Iterable[object] = arguments if isinstance(arguments, list | tuple) else (arguments,)
    for text in map(os.fsdecode, texts):  # type: ignore[arg-type]
        for word in {text, *_WORD.findall(text)}:
            path = os.path.normpath(os.path.join(place, word))  # noqa: PTH118
            if word and os.path.exists(path):  # noqa: PTH110
                yield path
