"""What the page room is given, built in tests."""

from __future__ import annotations

from pathlib import Path

from istiolab.notebook.cells import Cell, Notebook, Output
from istiolab.receipt.failing import Failing
from istiolab.receipt.inputs import Inputs
from istiolab.receipt.model import Receipt
from istiolab.receipt.proof import Proof, WithoutCause
from tests.unit.receipt import build as receipts


def output(
    text: str = "", *, kind: str = "stream", html: str | None = None, markdown: str | None = None
) -> Output:
    return Output(kind=kind, text=text, html=html, markdown=markdown)


def cell(*outputs: Output, source: str = "1 + 1", tags: tuple[str, ...] = ("sum",)) -> Cell:
    return Cell(index=0, id="a", kind="code", source=source, tags=tags, outputs=outputs)


def notebook(*cells: Cell) -> Notebook:
    return Notebook(path=Path("some.ipynb"), title="Some", cells=cells)


def receipt(path: Path | None = None) -> Receipt:
    """Return the receipt of the notebook at `path`, as a run of just now would leave it."""
    return receipts.receipt(
        path,
        versions={"kubernetes": "1.34.0", "istio": "1.28.2", "python": "3.11.7"},
        machine={"processor": "a <fast> one", "memory": "8 GiB"},
        provider="its own & nobody's",
        duration_seconds=61.7,
        waits=(),
    )


def failing() -> Failing:
    return Failing(
        since="2026-01-03T03:04:05Z",
        last="2026-01-05T03:04:05Z",
        attempts=3,
        outcome="untrue",
        what="cell 4 `judge`: cell failed: AssertionError: <200>",
        versions={"istio": "1.28.2"},
    )


def proof() -> Proof:
    run = WithoutCause(cause="cell 2 `apply`", check="cell 4 `judge`", how="AssertionError")
    return Proof(
        steps_sha256="0",
        inputs=Inputs(),
        versions={"istio": "1.28.2"},
        started_at="2026-01-04T03:04:05Z",
        duration_seconds=71.0,
        runs=(run, run),
    )
