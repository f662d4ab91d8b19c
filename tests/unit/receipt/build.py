"""Receipts, and what runs used, built in tests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from nbformat.v4 import new_notebook

from istiolab.notebook.document import load_document
from istiolab.notebook.execution import CellRun, Execution
from istiolab.notebook.recorder import FOLDER, LIST, PACKAGE, READ, names_in, sha256_of
from istiolab.notebook.uses import Use
from istiolab.receipt.inputs import PACKAGE_FOLDER, Inputs, take_inputs
from istiolab.receipt.model import ClusterFacts, Receipt, WaitTime, make_receipt

CLUSTER = ClusterFacts(
    kubeconfig=Path("kubeconfig"),
    provider="embedded",
    versions={"kubernetes": "1.34.0", "istio": "1.28.2"},
    images={"pilot": "sha256:00"},
    mesh_config_sha256="0",
    machine={"processors": "2"},
)


def use(folder: Path, name: str) -> Use:
    """Return the use of a file as it is now; of a folder whose path ends with a slash, its list."""
    path = str(folder / name)
    kind, state = (LIST, names_in(path)) if name.endswith("/") else (READ, sha256_of(path))
    root = PACKAGE if folder == PACKAGE_FOLDER else FOLDER
    return Use(kind=kind, root=root, name=name.rstrip("/"), state=state)


def inputs(folder: Path, *names: str) -> Inputs:
    """Return what a run is that used files and folders as they are now."""
    found = take_inputs([use(folder, name) for name in names], folder)
    assert isinstance(found, Inputs)
    return found


def receipt(path: Path | None = None, *names: str, **changes: Any) -> Receipt:
    """Return the receipt of the notebook at `path`, which used the files that are named."""
    document = load_document(path) if path else new_notebook()  # type: ignore[no-untyped-call]
    execution = Execution(
        document=document,
        cells=(CellRun(index=0, name=None, seconds=0.25),),
        failure=None,
        started_at="2026-01-02T03:04:05Z",
        seconds=1.5,
        log="",
    )
    used = inputs(path.parent, *names) if path else Inputs()
    waits = (WaitTime(what="rollout `a`", seconds=0.5),)
    return replace(make_receipt(document, used, execution, CLUSTER, waits, drift="none"), **changes)
