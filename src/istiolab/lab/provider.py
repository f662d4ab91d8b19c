"""The small interface behind which a cluster comes from, and the way to the one that is up."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Protocol, TypedDict, Unpack, assert_never

from istiolab.errors import LabError, UsageError
from istiolab.lab.embedded import EmbeddedProvider
from istiolab.lab.existing import ExistingProvider, Preflight, unchecked
from istiolab.lab.folders import lab_name, state_folder
from istiolab.lab.spec import Lab, NodePaths, read_lab
from istiolab.system.progress import Reporter


class ProviderKind(StrEnum):
    """Where a cluster comes from."""

    EMBEDDED = "embedded"
    """Stood up on this machine."""
    EXISTING = "existing"
    """Given by a kubeconfig."""


class Provider(Protocol):
    """Something that hands out a cluster with Istio."""

    def up(self, reporter: Reporter) -> Lab:
        """Make the cluster usable and return it; when it is already, return at once."""

    def down(self, reporter: Reporter) -> bool:
        """Give the cluster up, leaving behind nothing of ours; tell whether it was in use."""

    def find(self) -> Lab | None:
        """Return the cluster if it is in use, without changing anything."""


class Given(TypedDict, total=False):
    """What describes a cluster that is given."""

    kubeconfig: Path | None
    """Its kubeconfig; None means what kubectl takes."""
    context: str
    """The context in it; empty means the current one."""
    workload_image: str
    """What the notebooks' workloads run there; empty means a public image."""


def make_provider(
    kind: ProviderKind,
    name: str,
    *,
    keep: bool = False,
    bare: bool = False,
    preflight: Preflight = unchecked,
    **given: Unpack[Given],
) -> Provider:
    """Return the provider of a kind for the lab `name`.

    Args:
        kind: where the cluster comes from.
        name: the lab's name.
        keep: leave the node up when a step fails; of an embedded lab.
        bare: without a mesh; of an embedded lab.
        preflight: looks whether a cluster has what is needed; of an existing one.
        given: of an existing cluster.

    Raises:
        UsageError: an existing cluster is to be bare.
    """
    match kind:
        case ProviderKind.EMBEDDED:
            return EmbeddedProvider(name, keep=keep, bare=bare)
        case ProviderKind.EXISTING:
            if bare:
                raise UsageError(
                    "an existing cluster is used as it is: it cannot be brought up bare",
                    hint="leave out `--provider existing`",
                )
            return ExistingProvider(name, preflight=preflight, **given)
        case _:
            assert_never(kind)


def provider_of(name: str) -> Provider:
    """Return the provider that the lab `name` was brought up with; `embedded` if there is none."""
    try:
        lab = read_lab(NodePaths(root=state_folder(name)).record)
    except LabError:
        lab = None
    return make_provider(ProviderKind(lab.provider) if lab else ProviderKind.EMBEDDED, name)


def current(name: str | None = None) -> Lab:
    """Return the lab that is up.

    Args:
        name: the lab's name; None means `ISTIOLAB_NAME`, or `default`.

    Raises:
        LabError: it is not up.
    """
    chosen = lab_name(name)
    lab = provider_of(chosen).find()
    if lab is None:
        raise LabError(f"lab `{chosen}` is not up", hint="bring it up: `istiolab up`")
    return lab
