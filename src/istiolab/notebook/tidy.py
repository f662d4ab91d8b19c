"""An executed document in, the same document as it is committed out: no noise.

What two runs of the same notebook on the same cluster put out must be the same bytes, as far as
that is up to the tools and not to the cluster.
"""

from __future__ import annotations

import re
from copy import deepcopy

from nbformat import NotebookNode

from istiolab.notebook.cells import plain

_CELL_METADATA = frozenset({"tags", "istiolab", "jupyter"})
_NOTEBOOK_METADATA = frozenset({"kernelspec", "language_info", "istiolab", "title"})
# The kernel's answer to `kernel_info` names the version of Python; the receipt does that.
_LANGUAGE_NOISE = frozenset({"version", "codemirror_mode"})

# ipykernel names the file of a cell by its own process and a hash (`ipykernel/compiler.py`,
# `get_tmp_directory`); warnings and syntax errors show it.
_CELL_FILE = re.compile(r"[^\s\"'<>(]*/ipykernel_\d+/\d+\.py")


def tidy(document: NotebookNode) -> NotebookNode:
    """Return a copy without timings, process ids and editors' marks.

    Code cells that were executed are counted from 1; cell ids stay.
    """
    clean = deepcopy(document)
    clean.metadata = _kept(clean.metadata, _NOTEBOOK_METADATA)
    if "language_info" in clean.metadata:
        for each in _LANGUAGE_NOISE:
            clean.metadata.language_info.pop(each, None)
    count = 0
    for cell in clean.cells:
        cell.metadata = _kept(cell.metadata, _CELL_METADATA)
        if cell.cell_type != "code":
            continue
        executed = cell.execution_count is not None
        count += executed
        _tidy_code(cell, count if executed else None)
    return clean


def clear(document: NotebookNode) -> NotebookNode:
    """Return a copy without outputs: what a run starts from."""
    bare = deepcopy(document)
    for cell in bare.cells:
        if cell.cell_type == "code":
            cell.outputs = []
            cell.execution_count = None
    return bare


def _kept(metadata: NotebookNode, names: frozenset[str]) -> NotebookNode:
    kept = {name: value for name, value in metadata.items() if name in names}
    return NotebookNode(kept)  # type: ignore[no-untyped-call]


def _tidy_code(cell: NotebookNode, count: int | None) -> None:
    cell.execution_count = count
    for output in cell.outputs:
        if output.output_type == "execute_result":
            output.execution_count = count
        if "metadata" in output:
            output.metadata = NotebookNode()  # type: ignore[no-untyped-call]
        _tidy_texts(output)


def _tidy_texts(output: NotebookNode) -> None:
    if isinstance(output.get("text"), str):
        output.text = _tidy_text(output.text)
    if "traceback" in output:
        output.traceback = [_tidy_text(line) for line in output.traceback]
    if "text/plain" in output.get("data", {}):
        output.data["text/plain"] = _tidy_text(output.data["text/plain"])


def _tidy_text(text: str) -> str:
    return _CELL_FILE.sub("<cell>", plain(text))
