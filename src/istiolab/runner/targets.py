"""Where notebooks run: on the lab that is up, or on a bare lab of their own beside it.

A notebook says in its metadata what it needs (`notebook/needs.py`); nothing else decides.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from istiolab.errors import UsageError
from istiolab.lab.folders import lab_name, state_folder
from istiolab.lab.holding import hold
from istiolab.lab.provider import current, provider_of
from istiolab.lab.spec import Lab, NodePaths
from istiolab.lab.workload import workload_digest
from istiolab.mesh.manifests import DEFAULT_IMAGE
from istiolab.mesh.orphans import clear_up
from istiolab.notebook.needs import Need, need_of
from istiolab.receipt.model import ClusterFacts
from istiolab.runner.bare import BareLab
from istiolab.runner.batch import workers_for
from istiolab.runner.verify import read_cluster
from istiolab.system.progress import Reporter
from istiolab.system.scratch import sweep_scratch

WHY_UNSUPPORTED = (
    "it installs Istio and removes it again, which is not for a cluster that is given: "
    "it needs a lab of our own"
)
# By this a notebook's manifests are told (mesh/manifests.py, `fill`).
_WORKLOAD_IMAGE = "ISTIOLAB_WORKLOAD_IMAGE"


class Target(Protocol):
    """A cluster that notebooks run on."""

    @property
    def cluster(self) -> ClusterFacts:
        """Return what it is, or will be, made of."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Return the variables by which a notebook finds it."""

    def prepare(self, reporter: Reporter) -> None:
        """Make it ready for the next run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshLab:
    """The lab that is up."""

    cluster: ClusterFacts
    """What it runs."""
    environment: Mapping[str, str]
    """The variables by which a notebook finds it."""

    def prepare(self, reporter: Reporter) -> None:
        """Do nothing: notebooks keep to namespaces of their own, or put back what they changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Notebooks, and where they run."""

    target: Target
    """Where."""
    paths: tuple[Path, ...]
    """The notebooks."""
    workers: int
    """How many run at the same time."""
    alone: bool
    """Each takes the whole place, and needs it made ready before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignments:
    """All notebooks that were asked for."""

    assignments: tuple[Assignment, ...]
    """Those that can run."""
    barred: tuple[Path, ...]
    """Those that cannot run here."""


@contextmanager
def assign(
    paths: Sequence[Path], name: str | None, *, workers: int | None, reporter: Reporter
) -> Iterator[Assignments]:
    """Say where each notebook runs; what is brought up for them goes at the end.

    What a run that was killed had among the temporary files goes before.

    Args:
        paths: the notebooks.
        name: the lab's name; None means `ISTIOLAB_NAME`, or `default`.
        workers: how many run at the same time; None means as many as fit.
        reporter: told of what takes time.

    Raises:
        KernelError: one is no notebook, or needs a kind of lab that there is not.
        UsageError: the lab has no mesh, and one needs it.
        LabError: the lab is not up, and one needs it.
        ClusterError: the lab does not answer.
    """
    sweep_scratch()
    needs = {path: need_of(path) for path in paths}
    meshed = tuple(path for path in paths if needs[path] is Need.MESH)
    bare = tuple(path for path in paths if needs[path] is Need.BARE)
    given = bool(bare) and is_given(name)
    assignments = []
    with ExitStack() as stack:
        if meshed:
            target = mesh_lab(name, reporter, stack)
            room = workers or workers_for(target.cluster.kubeconfig)
            assignments.append(Assignment(target=target, paths=meshed, workers=room, alone=False))
        if bare and not given:
            own = stack.enter_context(BareLab(lab_name(name)))
            assignments.append(Assignment(target=own, paths=bare, workers=1, alone=True))
        yield Assignments(assignments=tuple(assignments), barred=bare if given else ())


def mesh_lab(name: str | None, reporter: Reporter, stack: ExitStack) -> MeshLab:
    """Return the lab that is up, and has a mesh; hold it, and clear up after runs that were killed.

    Args:
        name: the lab's name.
        reporter: told of what takes time, and of what was left.
        stack: gives it back at the end.

    Raises:
        UsageError: it has none.
        LabError: it is not up.
        ClusterError: it does not answer.
    """
    lab = current(name)
    if lab.bare:
        raise UsageError(
            f"lab `{lab.name}` is bare: it has no mesh for a notebook to run on",
            hint="name another: `istiolab up --name NAME`, then `istiolab verify --name NAME`",
        )
    stack.enter_context(hold(lab.name, reporter))
    with reporter.step("look at the cluster", estimate_seconds=1):
        left = clear_up(lab.kubeconfig)
        image = workload_image(lab)
        cluster = read_cluster(
            lab.kubeconfig,
            provider=lab.provider,
            workloads={image: workload_digest(lab, image)},
        )
    for each in left:
        reporter.note(f" - {each}: left by a run that was killed, and taken back")
    return MeshLab(cluster=cluster, environment=kernel_environment(lab))


def is_given(name: str | None) -> bool:
    """Tell whether the lab is a cluster that somebody gave us."""
    lab = provider_of(lab_name(name)).find()
    return lab is not None and lab.provider != "embedded"


def workload_image(lab: Lab) -> str:
    """Return the name of the image that the notebooks' workloads run on the lab."""
    given = {**os.environ, **kernel_environment(lab)}
    return given.get(_WORKLOAD_IMAGE) or DEFAULT_IMAGE


def kernel_environment(lab: Lab) -> dict[str, str]:
    """Return the variables by which a notebook finds the lab."""
    found = {"KUBECONFIG": str(lab.kubeconfig)}
    programs = NodePaths(root=state_folder(lab.name)).bin
    if programs.is_dir():
        found["ISTIOLAB_BIN"] = str(programs)
    if lab.workload_image:
        found[_WORKLOAD_IMAGE] = lab.workload_image
    return found
