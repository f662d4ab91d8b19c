"""What a run used in, the digest of each thing out; and what of it is another now.

Rule 1: of a file that changed between its use and the end of the run nothing can be said.
Rule 2: what a run wrote before it read it is the run's own, and no input of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from istiolab.errors import HostError
from istiolab.notebook.recorder import FOLDER, LIST, MODULE, READ, WRITE, names_in, sha256_of
from istiolab.notebook.uses import Use
from istiolab.receipt.record import STRICT

PACKAGE_FOLDER = Path(__file__).resolve().parents[1]
_OURS = PACKAGE_FOLDER.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a run used besides its cells and its cluster."""

    __pydantic_config__ = STRICT

    files: Mapping[str, str | None] = field(default_factory=dict)
    """Digest by path below the notebook's folder. A path with a slash at its end is a folder whose
    names were listed; None stands for a file that was looked for, and was not there."""
    library: Mapping[str, str | None] = field(default_factory=dict)
    """The same below the folder of the package `istiolab`: modules and data files."""
    packages: Mapping[str, str] = field(default_factory=dict)
    """Version by name of each other Python package that was loaded."""

    def __or__(self, other: Inputs) -> Inputs:
        """Return what two runs used."""
        return Inputs(
            files={**self.files, **other.files},
            library={**self.library, **other.library},
            packages={**self.packages, **other.packages},
        )


def take_inputs(uses: Iterable[Use], folder: Path) -> Inputs | str:
    """Return the inputs of a run.

    Args:
        uses: what its kernel recorded.
        folder: the notebook's folder.

    Returns:
        If one of them was changed while it ran, its name instead.

    Raises:
        HostError: one cannot be read.
    """
    listed = list(uses)
    own = {(each.root, each.name) for each in listed if each.kind == WRITE}
    found: dict[bool, dict[str, str | None]] = {True: {}, False: {}}
    for use in listed:
        if use.kind not in (READ, LIST):
            continue
        here = use.root == FOLDER
        root = folder if here else PACKAGE_FOLDER
        name = use.name if use.kind == READ else f"{use.name}/".removeprefix("/") or "./"
        digest = _digest(root, name)
        if not (digest == use.state if use.kind == READ else _is_listed(root / name, use, own)):
            return _called(name, here=here)
        found[here][name] = digest
    tops = frozenset(use.name for use in listed if use.kind == MODULE)
    return Inputs(files=found[True], library=found[False], packages=_packages(tops))


def changed_inputs(inputs: Inputs, folder: Path) -> tuple[str, ...]:
    """Return in words what is not as a run used it, nothing if all is.

    Args:
        inputs: what it used.
        folder: the notebook's folder.
    """
    return (
        *(
            _called(name, here=True)
            for name, digest in inputs.files.items()
            if _digest(folder, name) != digest
        ),
        *(
            _called(name, here=False)
            for name, digest in inputs.library.items()
            if _digest(PACKAGE_FOLDER, name) != digest
        ),
        *(
            f"the package {name} ({had} → {_version(name) or 'none'})"
            for name, had in inputs.packages.items()
            if _version(name) != had
        ),
    )


def file_sha256(path: Path) -> str | None:
    """Return the digest of a file; None if there is none.

    Raises:
        HostError: it cannot be read.
    """
    try:
        return sha256_of(str(path))
    except OSError as wrong:
        raise HostError(f"`{path}` cannot be read", where=(str(wrong),)) from wrong


def _called(name: str, *, here: bool) -> str:
    path = name if here else f"{_OURS}/{name}"
    return f"the list of files in `{path}`" if name.endswith("/") else f"`{path}`"


def _is_listed(path: Path, use: Use, own: set[tuple[str, str]]) -> bool:
    """Tell whether a folder's list is as it was, but for what the run itself put there."""
    names = names_in(str(path))
    if use.state is None or names is None:
        return names is use.state
    came = {name for name in names if (use.root, str(Path(use.name) / name)) in own}
    return sorted({*use.state, *came}) == names


def _digest(root: Path, name: str) -> str | None:
    if not name.endswith("/"):
        return file_sha256(root / name)
    names = names_in(str(root / name))
    return None if names is None else hashlib.sha256(json.dumps(names).encode()).hexdigest()


@lru_cache(maxsize=8)
def _packages(tops: frozenset[str]) -> Mapping[str, str]:
    by_module = packages_distributions()
    names = {name for top in tops for name in by_module.get(top, ()) if name != _OURS}
    return {name: version(name) for name in sorted(names)}


@lru_cache(maxsize=256)
def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
