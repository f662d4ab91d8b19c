"""What a kernel's cells used: how it comes to be written down, and the record read back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from istiolab.errors import KernelError
from istiolab.notebook import recorder

_RECORD = "uses.jsonl"
_START = """(lambda names: (
    exec(compile(open({source!r}).read(), {source!r}, "exec"), names),
    names["begin"]({record!r}, {package!r}),
))({{"__name__": "recorder"}})
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """The first use of one thing."""

    kind: str
    """`read` a file, `list` a folder, `write` a file, or load a `module` of another package."""
    root: str
    """Where it lies: in the notebook's `folder`, or in the `package` of the helpers."""
    name: str
    """Its path below that; of a module its name."""
    state: Any
    """Of a file its digest, of a folder the names in it, at the time; None if it was not there."""


def record_uses(folder: Path, ipython: Path) -> None:
    """Have a kernel write down what its cells use.

    Args:
        folder: gets the record.
        ipython: the folder for IPython's files that the kernel is given.
    """
    start = ipython / "profile_default" / "startup"
    start.mkdir(parents=True)
    text = _START.format(
        source=recorder.__file__,
        record=str(folder / _RECORD),
        package=str(Path(recorder.__file__).parents[1]),
    )
    (start / "00-uses.py").write_text(text, encoding="utf-8")


def read_uses(folder: Path) -> tuple[Use, ...]:
    """Read the record that a kernel left in `folder`; nothing if it left none.

    Raises:
        KernelError: a line of it is none of the recorder's.
    """
    try:
        lines = (folder / _RECORD).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return ()
    try:
        rows = [json.loads(line) for line in lines]
        return tuple(
            Use(kind=kind, root=root, name=name, state=state) for kind, root, name, state in rows
        )
    except ValueError as wrong:
        raise KernelError(
            "the record of what the cells used cannot be read", where=(str(wrong),)
        ) from wrong


def demand_record(uses: Sequence[Use], *, name: str) -> None:
    """Demand that a kernel wrote down what it used, and that its helpers are ours.

    Raises:
        KernelError: it did not, or they are not; `name` is the notebook's.
    """
    if not uses:
        raise KernelError(
            f"the kernel of `{name}` left no record of what its cells used",
            hint="its kernel has to be ipykernel, as in istiolab's own environment",
        )
    for use in uses:
        if use.kind == recorder.FOREIGN:
            raise KernelError(
                f"the cells of `{name}` import another `istiolab` than the one that verifies them",
                where=(f"imported: {use.name}", f"verifies: {recorder.__file__}"),
                hint="let both find the same one: see `PYTHONPATH`, and what is installed",
            )
