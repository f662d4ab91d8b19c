"""A run that passed in, its receipt out."""

from __future__ import annotations

import json
import platform
from importlib.metadata import version
from pathlib import Path

from istiolab.notebook.execution import Execution
from istiolab.receipt.model import CellTime, ClusterFacts, Receipt, WaitTime
from istiolab.receipt.subject import Subject


def make_receipt(
    subject: Subject,
    execution: Execution,
    cluster: ClusterFacts,
    waits: tuple[WaitTime, ...],
    *,
    drift: str,
    attempts: int = 1,
) -> Receipt:
    """Return the receipt of a run.

    Args:
        subject: what ran; of the notebook itself, as it is published.
        execution: the run.
        cluster: what it ran on.
        waits: how long it waited for what.
        drift: what became of the published outputs: `none`, or `updated`.
        attempts: how many runs it took, this one included.
    """
    return Receipt(
        notebook_sha256=subject.notebook_sha256,
        helpers_sha256=subject.helpers_sha256,
        manifests_sha256=subject.manifests_sha256,
        mesh_config_sha256=cluster.mesh_config_sha256,
        drift=drift,
        attempts=attempts,
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
