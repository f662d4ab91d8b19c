"""A notebook in, the names out that its own outputs give to pods.

A DaemonSet's pod is called NAME-xxxxx, five signs that may be a word as well: a port is called
`tcp-pgsql`. So the place decides: only a name that stands somewhere as a pod's is one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from istiolab.notebook.cells import Notebook, Output
from istiolab.verdict.shape import Grid, html_shapes, text_shapes

# `pod/a created`, `pods "a" not found`, /api/v1/namespaces/b/pods/a
_NAMED = re.compile(r"\b[Pp]ods?(?:/| \")([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)")
# Heads that only a table of pods has, from kubectl and from `istioctl proxy-status`.
_HEADS = (frozenset({"name", "ready", "status"}), frozenset({"name", "istiod"}))
_COLUMNS = frozenset({"pod", "pod name"})
# Fields that hold a pod's name: our own, the Downward API's customary ones, Prometheus' labels.
_FIELDS = frozenset({"pod", "podName", "pod_name", "POD_NAME", "kubernetes_pod_name"})


def pods_in(notebook: Notebook) -> frozenset[str]:
    """Return each name that stands in the place of a pod's in an output of the notebook."""
    return frozenset(
        name
        for cell in notebook.cells
        for output in cell.outputs
        for name in _pods_of_output(output)
    )


def _pods_of_output(output: Output) -> Iterable[str]:
    for text in (output.text, output.html or "", output.markdown or ""):
        yield from _NAMED.findall(text)
    for shape in (*text_shapes(output.text), *html_shapes(output.html or "")):
        if isinstance(shape, Grid):
            yield from _pods_of_grid(shape)
        elif not isinstance(shape, str):
            yield from _pods_of_value(shape)
    for data in output.others.values():
        yield from _NAMED.findall(data if isinstance(data, str) else json.dumps(data))
        yield from _pods_of_value(data)


def _pods_of_grid(grid: Grid) -> Iterable[str]:
    head = tuple(name.lower() for name in grid.columns)
    is_of_pods = any(needed <= set(head) for needed in _HEADS)
    for row in grid.rows:
        cells = dict(zip(head, row, strict=False))
        for column, value in cells.items():
            if column in _COLUMNS or (
                column == "name" and (is_of_pods or cells.get("kind", "").lower() == "pod")
            ):
                # `istioctl proxy-status` has NAME.NAMESPACE, which no pod's name contains.
                yield value.partition(".")[0]


def _pods_of_value(value: Any) -> Iterable[str]:
    if isinstance(value, list):
        for each in value:
            yield from _pods_of_value(each)
    if not isinstance(value, Mapping):
        return
    if value.get("kind") == "Pod":
        meta = value.get("metadata")
        # An object, or what refers to one (`targetRef`).
        yield from _texts((value.get("name"), meta.get("name") if isinstance(meta, dict) else None))
    for key, each in value.items():
        if key in _FIELDS:
            yield from _texts((each,))
        yield from _pods_of_value(each)


def _texts(values: Iterable[object]) -> Iterable[str]:
    return (value for value in values if isinstance(value, str))
