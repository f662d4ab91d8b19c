"""An execution that did not pass in, a folder of evidence out.

Rule: a folder that is replaced was made here. One with anything else in it is nobody's to delete,
and is found before a run, so that no run is lost for it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from istiolab.errors import HostError, UsageError
from istiolab.notebook.document import serialize
from istiolab.notebook.execution import Execution, Failure
from istiolab.system.files import (
    TAG_NAME,
    make_owned_folder,
    remove_owned_folder,
    write_atomic,
)

_EXECUTED = "executed.ipynb"
_FILES = frozenset({"failure.txt", "cluster.txt", "kernel.log", _EXECUTED})


def namesakes(paths: Iterable[Path]) -> frozenset[Path]:
    """Return the notebooks of which another one, in another folder, has the same name."""
    by_stem: dict[str, dict[Path, Path]] = defaultdict(dict)
    for path in paths:
        by_stem[path.stem][path.resolve()] = path
    return frozenset(path for same in by_stem.values() if len(same) > 1 for path in same.values())


def evidence_folder(reports: Path, path: Path, *, apart: bool = False) -> Path:
    """Return the folder in `reports` for the evidence of a notebook's runs.

    Args:
        reports: where all evidence goes.
        path: the notebook.
        apart: it has a namesake, so that its name is not enough to tell whose evidence it is.

    Raises:
        UsageError: there is such a folder, with files that istiolab did not make.
    """
    name = path.stem
    if apart:
        # By the place alone, so that each finds its own again whatever else is run.
        place = hashlib.sha256(str(path.parent.resolve()).encode(errors="surrogateescape"))
        name = f"{name}-{place.hexdigest()[:8]}"
    folder = reports / name
    if folder.is_dir() and not _is_ours(folder):
        raise UsageError(
            f"`{folder}` holds files that istiolab did not make, and the evidence of a run of "
            f"`{path.name}` that does not pass would take its place",
            hint="name another folder with `--reports`",
        )
    return folder


def save_failure(execution: Execution, failure: Failure, *, cluster: str, folder: Path) -> Path:
    """Write down a failed run, replacing what lies in `folder` of an earlier one.

    Args:
        execution: the run.
        failure: where it stopped.
        cluster: events, pod states and log lines of the notebook's namespaces.
        folder: gets `failure.txt` (the cell, its code and its traceback), `executed.ipynb` (with
            the outputs so far), `cluster.txt` and `kernel.log`.

    Returns:
        The folder.

    Raises:
        HostError: the disk is full, or the folder cannot be written.
        UsageError: the folder is there, with files that istiolab did not make.
    """
    texts = {
        "failure.txt": describe_failure(execution, failure),
        "cluster.txt": cluster,
        "kernel.log": execution.log,
    }
    return _save(folder, {**texts, _EXECUTED: serialize(execution.document)})


def save_outputs(execution: Execution, folder: Path) -> Path:
    """Write `executed.ipynb`, with the outputs of the run, into `folder`, which is made anew.

    Raises:
        HostError: the disk is full, or the folder cannot be written.
        UsageError: the folder is there, with files that istiolab did not make.
    """
    return _save(folder, {_EXECUTED: serialize(execution.document)})


def _save(folder: Path, texts: Mapping[str, str]) -> Path:
    try:
        if folder.is_dir():
            _remove(folder)
        make_owned_folder(folder)
        for name, text in texts.items():
            write_atomic(folder / name, text)
    except OSError as wrong:
        raise HostError(
            f"the evidence in `{folder}` could not be written", where=(str(wrong),)
        ) from wrong
    return folder


def _is_ours(folder: Path) -> bool:
    return (folder / TAG_NAME).exists() or _is_untagged(folder)


def _is_untagged(folder: Path) -> bool:
    """Tell whether a folder is of a version that put no tag into it: it holds evidence alone."""
    return {each.name for each in folder.iterdir()} <= _FILES


def _remove(folder: Path) -> None:
    if _is_untagged(folder):
        for each in folder.iterdir():
            each.unlink()
    else:
        remove_owned_folder(folder)


def describe_failure(execution: Execution, failure: Failure) -> str:
    """Return the cell that failed, its code, and what the kernel said, as text."""
    source = execution.document.cells[failure.index].source
    parts = [f"{failure.label}: {failure.ending}", failure.message, "", source]
    if failure.traceback:
        parts += ["", failure.traceback.rstrip()]
    return "\n".join(parts) + "\n"
