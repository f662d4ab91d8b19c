"""An execution that did not pass in, a folder of evidence out."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from istiolab.errors import HostError
from istiolab.notebook.document import serialize
from istiolab.notebook.execution import Execution, Failure
from istiolab.notebook.redact import redact
from istiolab.system.files import write_atomic

_EXECUTED = "executed.ipynb"


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
    """
    texts = {
        "failure.txt": describe_failure(execution, failure),
        "cluster.txt": redact(cluster),
        "kernel.log": execution.log,
    }
    return _save(folder, {**texts, _EXECUTED: serialize(execution.document)})


def save_outputs(execution: Execution, folder: Path) -> Path:
    """Write `executed.ipynb`, with the outputs of the run, into `folder`, which is made anew.

    Raises:
        HostError: the disk is full, or the folder cannot be written.
    """
    return _save(folder, {_EXECUTED: serialize(execution.document)})


def _save(folder: Path, texts: Mapping[str, str]) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
        for name, text in texts.items():
            write_atomic(folder / name, text)
    except OSError as wrong:
        raise HostError(
            f"the evidence in `{folder}` could not be written", where=(str(wrong),)
        ) from wrong
    return folder


def describe_failure(execution: Execution, failure: Failure) -> str:
    """Return the cell that failed, its code, and what the kernel said, as text."""
    source = execution.document.cells[failure.index].source
    parts = [f"{failure.label}: {failure.ending}", failure.message, "", redact(source)]
    if failure.traceback:
        parts += ["", failure.traceback.rstrip()]
    return "\n".join(parts) + "\n"
