"""Measured runs, made by hand."""

from __future__ import annotations

from typing import Any

from istiolab.race.result import OURS, Again, Race, Run


def run(notebooks: int = 1, seconds: float | None = 80.0, *, who: str = OURS, **more: Any) -> Run:
    return Run(
        who=who,
        notebooks=notebooks,
        at_once=notebooks,
        seconds=seconds,
        **{"cores_busy": 0.5 * notebooks, **more},
    )


def one(**more: Any) -> Run:
    """Return a run of one notebook of ours: 75 of 80 seconds to the verdict are cells."""
    stages = {
        "cluster before": 0.5,
        "a free worker": 0.1,
        "kernel": 1.0,
        "cells": 75.5,
        "namespaces": 0.4,
        "comparison": 0.1,
        "the others": 0.1,
        "cluster after": 0.6,
        "receipt": 0.2,
    }
    timed = {"verdict_seconds": 80.0, "cells_seconds": 75.0, "stages": stages, "longest": "long"}
    return run(1, 86.0, **{**timed, **more})


def race(
    *copies: Run, together: tuple[Run, ...] = (), again: tuple[Again, ...] = (), workers: int = 4
) -> Race:
    return Race(
        longest="long",
        workers=workers,
        cores=2,
        cores_busy_before=0.0,
        together=together,
        copies=copies,
        again=again,
    )
