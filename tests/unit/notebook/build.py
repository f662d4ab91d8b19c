"""Notebooks built in tests, cell by cell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def code(
    source: str,
    *tags: str,
    outputs: list[dict[str, Any]] | None = None,
    metadata: dict[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "source": source,
        "metadata": {"tags": list(tags), **(metadata or {})},
        "outputs": outputs or [],
        "execution_count": None,
    }


def text(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "source": source, "metadata": {}}


def raw(source: str, **metadata: str) -> dict[str, Any]:
    return {"cell_type": "raw", "source": source, "metadata": metadata}


def write(
    folder: Path,
    *cells: dict[str, Any],
    name: str = "some",
    kernel: dict[str, str] | None = KERNEL,
) -> Path:
    path = folder / f"{name}.ipynb"
    metadata = {"kernelspec": kernel} if kernel else {}
    numbered = [{"id": f"cell-{number}", **cell} for number, cell in enumerate(cells)]
    tree = {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": numbered}
    path.write_text(json.dumps(tree))
    return path
