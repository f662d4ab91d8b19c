"""Outputs and a scanner in; which cells put out a secret, and what may be kept of them, out."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output

from istiolab.notebook.cells import name_of, plain
from istiolab.notebook.execution import Ending, Execution, Failure
from istiolab.notebook.scanner import SecretScanner, withheld

_MOST_BYTES = 1_000_000
_PATTERNS_ALONE = SecretScanner()


def find_in_cell(cell: NotebookNode, scanner: SecretScanner = _PATTERNS_ALONE) -> str | None:
    """Return what secret a cell has put out; None if it has put out none.

    The outputs are read as one text: a value may be put out piece by piece.
    """
    said = "\n".join(text for output in cell.get("outputs", ()) for text in _texts(output))
    return scanner.find(plain(said))


def withhold(document: NotebookNode, scanner: SecretScanner) -> tuple[NotebookNode, dict[int, str]]:
    """Return a copy of a document without the outputs that hold secrets, and whose by cell."""
    clean = deepcopy(document)
    found = {}
    for index, cell in enumerate(clean.cells):
        if source := find_in_cell(cell, scanner):
            found[index] = source
            cell.outputs = [notice(source)]
    return clean, found


def exposed(index: int, name: str | None, source: str) -> Failure:
    """Return the failure of a cell that put out a secret."""
    return Failure(
        ending=Ending.EXPOSED,
        index=index,
        name=name,
        message=f"it put out {source}; nothing of its outputs is kept",
    )


def without_secrets(execution: Execution, scanner: SecretScanner) -> Execution:
    """Return what came of a run without secrets; it failed if a cell put one out."""
    document, found = withhold(execution.document, scanner)
    failure = execution.failure
    source: str | None
    if found and (failure is None or failure.ending is not Ending.EXPOSED):
        index, source = min(found.items())
        failure = exposed(index, name_of(document.cells[index]), source)
    elif failure and (source := scanner.find(f"{failure.message}\n{failure.traceback}")):
        # The kernel's traceback shows a cell's code as well.
        failure = exposed(failure.index, failure.name, source)
    return replace(execution, document=document, failure=failure, log=scanner.text(execution.log))


def notice(source: str) -> NotebookNode:
    """Return what stands in the place of outputs that hold a secret."""
    said: NotebookNode = new_output("stream", name="stderr", text=withheld(source))  # type: ignore[no-untyped-call]
    return said


def _texts(output: NotebookNode) -> Iterator[str]:
    """Yield all that an output says, in whatever representation."""
    for part in ("text", "ename", "evalue", "traceback"):
        yield from _leaves(output.get(part))
    for kind, value in output.get("data", {}).items():
        yield from _leaves(value)
        if kind.startswith("image/") and isinstance(value, str):
            yield from _behind_image(value)
    yield from _leaves(output.get("metadata"))


def _leaves(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield str(name)
            yield from _leaves(value)
    elif isinstance(tree, list):
        for each in tree:
            yield from _leaves(each)
    elif tree is not None:
        yield str(tree)


def _behind_image(value: str) -> Iterator[str]:
    """Yield the bytes of an image, and the texts that PNG keeps compressed, as text."""
    try:
        data = base64.b64decode(value)
    except (binascii.Error, ValueError):  # it is a drawing, in text
        return
    yield data.decode("latin-1")
    for chunk in re.finditer(rb"(?:zTXt|iTXt)[^\0]{1,79}\0", data):
        for packed in re.finditer(rb"x[\x01\x5e\x9c\xda]", data[chunk.end() : chunk.end() + 400]):
            try:
                start = chunk.end() + packed.start()
                yield zlib.decompressobj().decompress(data[start:], _MOST_BYTES).decode("latin-1")
            except zlib.error:
                continue
