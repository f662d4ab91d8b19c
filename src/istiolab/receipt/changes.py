"""A receipt in; what of its notebook, inputs and cluster is another now, in sentences, out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from nbformat import NotebookNode

from istiolab.notebook.cells import label, names
from istiolab.notebook.document import load_document
from istiolab.receipt.inputs import changed_inputs
from istiolab.receipt.model import (
    ClusterFacts,
    Receipt,
    cell_sha256,
    metadata_sha256,
    outputs_sha256,
)


def changes_since(notebook_path: Path, receipt: Receipt) -> tuple[str, ...]:
    """Return what of a notebook, and of what it used, is not as its receipt has it.

    Raises:
        KernelError: it is no notebook.
        HostError: what it used cannot be read.
    """
    document = load_document(notebook_path)
    return (
        *_changed_cells(document, receipt),
        *(
            f"outputs of {_label(document, index)} are not those that a run wrote"
            for index in edited_cells(document, receipt.outputs)
            if document.cells[index].id in receipt.outputs
        ),
        *(f"{each} changed" for each in changed_inputs(receipt.inputs, notebook_path.parent)),
    )


def changes_of_cluster(cluster: ClusterFacts, receipt: Receipt) -> tuple[str, ...]:
    """Return in what a cluster is not the one that a receipt names."""
    images = sorted({*receipt.images, *cluster.images})
    found = [
        f"{part} is {version}, and was {receipt.versions.get(part, 'not there')}"
        for part, version in cluster.versions.items()
        if receipt.versions.get(part) != version
    ]
    found += [
        f"the image `{name}` is another"
        for name in images
        if receipt.images.get(name) != cluster.images.get(name)
    ]
    if receipt.mesh_config_sha256 != cluster.mesh_config_sha256:
        found.append("the mesh's configuration is another")
    return tuple(found)


def outputs_of(document: NotebookNode) -> Mapping[str, str | None]:
    """Return the digest of each cell's outputs by the cell's id."""
    return {cell.id: outputs_sha256(cell) for cell in document.cells}


def edited_cells(document: NotebookNode, *runs: Mapping[str, str | None]) -> tuple[int, ...]:
    """Return the places of the cells whose outputs none of `runs` wrote.

    Args:
        document: the notebook.
        runs: of each run the digests of the outputs, by the cell's id.
    """
    return tuple(
        index
        for index, cell in enumerate(document.cells)
        if all(outputs_sha256(cell) != run.get(cell.id) for run in runs)
    )


def _changed_cells(document: NotebookNode, receipt: Receipt) -> Iterator[str]:
    had = {cell.id: cell for cell in receipt.cells}
    now = {cell.id: index for index, cell in enumerate(document.cells)}
    for id_, index in now.items():
        if id_ not in had:
            yield f"{_label(document, index)} is new"
        elif cell_sha256(document.cells[index]) != had[id_].sha256:
            yield f"{_label(document, index)} changed"
    for id_, cell in had.items():
        if id_ not in now:
            yield f"{label(cell.index, cell.name)} was removed"
    if [each for each in now if each in had] != [each for each in had if each in now]:
        yield "the order of the cells changed"
    if metadata_sha256(document) != receipt.metadata_sha256:
        yield "the notebook's metadata changed"


def _label(document: NotebookNode, index: int) -> str:
    tags = tuple(document.cells[index].metadata.get("tags", ()))
    return label(index, next(iter(names(tags)), None))
