"""The other tools that execute notebooks: how each is called, and how it tells that it failed.

Each is taken at its best: one that runs several notebooks side by side by itself does so, any other
is started once for each, as many at a time as `istiolab verify` runs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from istiolab.system.timed import Timed

# How long one cell may take; as `istiolab verify` lets it at the most.
_CELL_SECONDS = 600
_JCACHE = "from jupyter_cache.cli.commands.cmd_main import jcache; jcache()"
_ADD = (
    "import os, sys; from jupyter_cache import get_cache; cache = get_cache('.jupyter_cache'); "
    "[cache.add_nb_to_project(os.path.abspath(path)) for path in sys.argv[1:]]"
)

Argv = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineup:
    """What is started to have notebooks executed; everything in the notebooks' folder."""

    commands: tuple[Argv, ...]
    """The commands."""
    at_once: int
    """How many of them at the same time."""
    width: int
    """How many notebooks run at the same time by that."""
    prepare: tuple[Argv, ...] = ()
    """What has to be done before, off the clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A tool that executes notebooks."""

    key: str
    """Its name on our command line."""
    call: str
    """How one calls it."""
    distribution: str
    """Its package."""
    line_up: Callable[[str, Sequence[Path], int], Lineup]
    """From its Python, the notebooks, and how many are to run at a time."""
    failed: Callable[[Timed], bool]
    """Whether a command of it that has ended did not execute everything."""
    remembers: bool = False
    """It skips notebooks that have not changed."""


def _nbconvert(python: str, notebooks: Sequence[Path], workers: int) -> Lineup:
    options = ("--execute", "--to", "notebook", "--output-dir", "executed")
    limit = f"--ExecutePreprocessor.timeout={_CELL_SECONDS}"
    return Lineup(
        commands=tuple(
            (python, "-m", "nbconvert", *options, limit, path.name) for path in notebooks
        ),
        at_once=workers,
        width=min(workers, len(notebooks)),
    )


def _papermill(python: str, notebooks: Sequence[Path], workers: int) -> Lineup:
    return Lineup(
        commands=tuple(
            (python, "-m", "papermill", "--no-progress-bar", path.name, f"executed-{path.name}")
            for path in notebooks
        ),
        at_once=workers,
        width=min(workers, len(notebooks)),
    )


def _nbmake(python: str, notebooks: Sequence[Path], workers: int) -> Lineup:
    many = min(workers, len(notebooks))
    side_by_side = ("-n", str(many)) if many > 1 else ()
    options = ("--nbmake", f"--nbmake-timeout={_CELL_SECONDS}", "-q", "-p", "no:cacheprovider")
    names = tuple(path.name for path in notebooks)
    return Lineup(
        commands=((python, "-m", "pytest", *options, *side_by_side, *names),),
        at_once=1,
        width=many,
    )


def _jupyter_cache(python: str, notebooks: Sequence[Path], _workers: int) -> Lineup:
    # As many at a time as there are processors: it has no option for that.
    options = ("--cache-path", ".jupyter_cache", "--executor", "local-parallel")
    execute = ("project", *options[:2], "execute", *options[2:], "--timeout", str(_CELL_SECONDS))
    return Lineup(
        commands=((python, "-c", _JCACHE, *execute),),
        at_once=1,
        width=min(os.cpu_count() or 1, len(notebooks)),
        prepare=((python, "-c", _ADD, *(path.name for path in notebooks)),),
    )


def _by_exit_code(done: Timed) -> bool:
    return done.exit_code != 0


def _by_its_lists(done: Timed) -> bool:
    # It ends with 0 whatever became of the notebooks, and lists them by what did.
    clean = "excepted: []" in done.stdout and "errored: []" in done.stdout
    return done.exit_code != 0 or not clean


PEERS = (
    Peer(
        key="nbconvert",
        call="jupyter nbconvert --execute",
        distribution="nbconvert",
        line_up=_nbconvert,
        failed=_by_exit_code,
    ),
    Peer(
        key="nbmake",
        call="pytest --nbmake -n",
        distribution="nbmake",
        line_up=_nbmake,
        failed=_by_exit_code,
    ),
    Peer(
        key="jupyter-cache",
        call="jcache project execute",
        distribution="jupyter-cache",
        line_up=_jupyter_cache,
        failed=_by_its_lists,
        remembers=True,
    ),
    Peer(
        key="papermill",
        call="papermill",
        distribution="papermill",
        line_up=_papermill,
        failed=_by_exit_code,
    ),
)
