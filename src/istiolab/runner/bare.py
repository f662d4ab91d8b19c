"""A bare lab for notebooks that install Istio themselves: brought up for them, clean for each run.

Rule 1: it is brought up when the first run needs it, and taken down at the end, also after Ctrl-C.
What a killed process left of it goes when the next one begins, or with `istiolab down`.
Rule 2: a run finds it as it was when it came up. Whether the one before left it so is not believed
but looked at; if not, it is made anew.
"""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Self

from istiolab.errors import ClusterError
from istiolab.lab.embedded import EmbeddedProvider
from istiolab.lab.folders import bare_name, state_folder
from istiolab.lab.holding import hold
from istiolab.lab.spec import NodePaths
from istiolab.mesh import inventory
from istiolab.receipt.model import ClusterFacts
from istiolab.runner.verify import read_cluster
from istiolab.system.machine import describe_machine
from istiolab.system.progress import SILENT, Reporter
from istiolab.verdict.leaks import leaks

PROVIDER = "embedded"


class BareLab:
    """The bare lab beside a lab, for one process at a time."""

    def __init__(self, beside: str) -> None:
        self.name = bare_name(beside)
        self._paths = NodePaths(root=state_folder(self.name))
        self._provider = EmbeddedProvider(self.name, bare=True)
        self._held = ExitStack()
        self._begun = False
        self._clean: inventory.Inventory | None = None
        """What is on it when it is clean; None while it is not known to be."""

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables by which a notebook finds it, once it is up."""
        return {
            "KUBECONFIG": str(self._paths.kubeconfig),
            "ISTIOLAB_BIN": str(self._paths.bin),
        }

    @property
    def cluster(self) -> ClusterFacts:
        """Return what it runs, which is known before it is up: what it is made of."""
        kubernetes, images = self._provider.parts()
        return ClusterFacts(
            kubeconfig=self._paths.kubeconfig,
            provider=PROVIDER,
            versions={"kubernetes": kubernetes},
            images=dict(images),
            mesh_config_sha256="",
            machine=describe_machine(),
        )

    def prepare(self, reporter: Reporter) -> None:
        """Make sure that it is up, and as it was when it came up.

        Raises:
            HostError: this machine cannot.
            LabError: it does not come up.
            ClusterError: it does not run what it was made of.
        """
        if not self._begun:
            self._held.enter_context(hold(self.name, reporter))
            self._held.callback(self._provider.down, SILENT)
            self._begun = True
        if self._clean is not None and not self._spoilt(self._clean):
            return
        self._clean = None
        self._provider.down(SILENT)
        with reporter.step("a clean bare lab", estimate_seconds=13) as step:
            step.detail("Kubernetes, without a mesh")
            lab = self._provider.up(SILENT)
            self._demand_parts()
            self._clean = inventory.take(lab.kubeconfig)

    def _spoilt(self, clean: inventory.Inventory) -> bool:
        try:
            now = inventory.take(self._paths.kubeconfig)
            return bool(now.unseen or leaks(clean.seen(now), now.seen(clean)))
        except ClusterError:  # it does not even answer
            return True

    def _demand_parts(self) -> None:
        """Demand that the cluster says of itself what is said of it before it is up."""
        known = self.cluster
        found = read_cluster(self._paths.kubeconfig, provider=PROVIDER, mesh=False)
        strange = dict(found.images.items() - known.images.items())
        if found.versions != known.versions or strange:
            raise ClusterError(
                f"lab `{self.name}` does not run what it was made of",
                where=(
                    f"made of: {dict(known.versions)}, runs: {dict(found.versions)}",
                    *(f"runs: {name} {digest}" for name, digest in strange.items()),
                ),
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._held.close()
