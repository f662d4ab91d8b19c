"""Results of verifying, made by hand."""

from __future__ import annotations

from pathlib import Path

from nbformat.v4 import new_code_cell, new_notebook

from istiolab.notebook.execution import Ending, Execution, Failure
from istiolab.notebook.uses import Use
from istiolab.receipt.inputs import file_sha256
from istiolab.runner.verify import Verified
from istiolab.verdict.drift import CellDrift, Change
from istiolab.verdict.judge import Outcome
from tests.unit.notebook.build import KERNEL

FAILURE = Failure(
    ending=Ending.CELL_FAILED,
    index=1,
    name="judge",
    message="AssertionError: no <b>",
    traceback="line 1\nline 2",
)


def drift(change: Change = Change.CHANGED) -> CellDrift:
    return CellDrift(
        index=0, label="cell 1 `ask`", change=change, diff=("@@ -1 +1 @@", "-426 <a>", "+200")
    )


def verified(
    outcome: Outcome,
    *,
    failure: Failure | None = None,
    drifts: tuple[CellDrift, ...] = (),
    leaks: tuple[str, ...] = (),
    notebook: Path = Path("notebooks/x.ipynb"),
    uses: tuple[Use, ...] = (),
) -> Verified:
    document = new_notebook(  # type: ignore[no-untyped-call]
        metadata={"kernelspec": KERNEL},
        cells=[
            new_code_cell("ask()", id="c00"),  # type: ignore[no-untyped-call]
            new_code_cell("assert True", id="c01"),  # type: ignore[no-untyped-call]
        ],
    )
    execution = Execution(
        document=document,
        cells=(),
        failure=failure,
        started_at="2026-11-24T00:00:00Z",
        seconds=61.2,
        log="",
        uses=uses,
    )
    return Verified(
        notebook=notebook,
        outcome=outcome,
        execution=None if outcome is Outcome.UNCHANGED else execution,
        sha256=file_sha256(notebook) or "",
        drifts=drifts,
        leaks=leaks,
        evidence=Path("reports/x") if failure or outcome is Outcome.DRIFTED else None,
    )
