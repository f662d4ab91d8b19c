"""An execution that did not pass in, a folder of evidence out."""

from __future__ import annotations

import shutil
from pathlib import Path

from istiolab.notebook.document import serialize
from istiolab.notebook.execution import Execution, Failure
from istiolab.notebook.redact import redact
from istiolab.system.files import write_atomic


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
    """
    save_outputs(execution, folder)
    write_atomic(folder / "failure.txt", describe_failure(execution, failure))
    write_atomic(folder / "cluster.txt", redact(cluster))
    write_atomic(folder / "kernel.log", execution.log)
    return folder


def save_outputs(execution: Execution, folder: Path) -> Path:
    """Write `executed.ipynb`, with the outputs of the run, into `folder`, which is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_atomic(folder / "executed.ipynb", serialize(execution.document))
    return folder


def describe_failure(execution: Execution, failure: Failure) -> str:
    """Return the cell that failed, its code, and what the kernel said, as text."""
    source = execution.document.cells[failure.index].source
    parts = [f"{failure.label}: {failure.ending}", failure.message, "", redact(source)]
    if failure.traceback:
        parts += ["", failure.traceback.rstrip()]
    return "\n".join(parts) + "\n"
