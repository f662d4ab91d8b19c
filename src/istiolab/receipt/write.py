"""A run that passed in, its receipt out."""

from __future__ import annotations

import json
import platform
from importlib.metadata import version
from pathlib import Path

from istiolab.notebook.execution import Execution
from istiolab.receipt.fingerprint import library_sha256, notebook_sha256
from istiolab.receipt.model import CellTime, ClusterFacts, Receipt, WaitTime


def make_receipt(
    path: Path, execution: Execution, cluster: ClusterFacts, waits: tuple[WaitTime, ...]
) -> Receipt:
    """Return the receipt of a run; the notebook at `path` must hold the run's outputs already."""
    return Receipt(
        notebook_sha256=notebook_sha256(path),
        library_sha256=library_sha256(),
        versions={
            **cluster.versions,
            "istiolab": version("istiolab"),
            "python": platform.python_version(),
        },
        images=cluster.images,
        machine=cluster.machine,
        provider=cluster.provider,
        started_at=execution.started_at,
        duration_seconds=round(execution.seconds, 1),
        cells=tuple(
            CellTime(index=cell.index, name=cell.name, seconds=round(cell.seconds, 2))
            for cell in execution.cells
        ),
        waits=waits,
    )


def read_waits(record: Path) -> tuple[WaitTime, ...]:
    """Read the record of waits that a kernel left: JSON lines; none if it waited for nothing."""
    if not record.exists():
        return ()
    rows = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    return tuple(WaitTime(what=row["what"], seconds=row["seconds"]) for row in rows)
