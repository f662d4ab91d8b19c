"""The small interface behind which a cluster comes from, and the way to the one that is up."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Protocol, assert_never

from istiolab.errors import LabError
from istiolab.lab.embedded import EmbeddedProvider
from istiolab.lab.existing import ExistingProvider
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


def make_provider(
    kind: ProviderKind,
    name: str,
    *,
    kubeconfig: Path | None = None,
    context: str = "",
    workload_image: str = "",
    keep: bool = False,
) -> Provider:
    """Return the provider of a kind for the lab `name`."""
    match kind:
        case ProviderKind.EMBEDDED:
            return EmbeddedProvider(name, keep=keep)
        case ProviderKind.EXISTING:
            return ExistingProvider(
                name, kubeconfig=kubeconfig, context=context, workload_image=workload_image
            )
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
