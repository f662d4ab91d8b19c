"""What came of verifying notebooks in, JSON out."""

from __future__ import annotations

import json
from collections.abc import Iterable

from istiolab.runner.verify import Verified


def render(found: Iterable[Verified]) -> str:
    """Return the report of all notebooks as a JSON list."""
    return json.dumps([as_table(each) for each in found], indent=2, ensure_ascii=False)


def as_table(found: Verified) -> dict[str, object]:
    """Return what came of one notebook as JSON values."""
    run = found.execution
    failure = run.failure if run else None
    return {
        "notebook": str(found.notebook),
        "outcome": str(found.outcome),
        "reasons": list(found.reasons),
        "seconds": round(run.seconds, 1) if run else 0.0,
        "barred": found.barred or None,
        "changed": found.changed or None,
        "stages": {stage: round(seconds, 2) for stage, seconds in found.stages.items()},
        "leaks": list(found.leaks),
        "unseen": list(found.unseen),
        "drifts": [
            {
                "cell": drift.index,
                "label": drift.label,
                "change": str(drift.change),
                "diff": list(drift.diff),
            }
            for drift in found.drifts
        ],
        "failure": {
            "cell": failure.index,
            "name": failure.name,
            "ending": str(failure.ending),
            "message": failure.message,
        }
        if failure
        else None,
        "evidence": str(found.evidence) if found.evidence else None,
    }
