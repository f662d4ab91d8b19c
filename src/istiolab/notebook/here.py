"""Which secrets this process and its kubeconfig hold, and what of the environment a kernel gets.

The only module of the room that reads the environment and the files that a kubeconfig names.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from istiolab.notebook.known import (
    SecretValue,
    file_names,
    from_environment,
    from_file,
    uses_plugin,
)
from istiolab.system.environment import Audience, environment_for


def known_here(kubeconfig: Path | None = None) -> frozenset[SecretValue]:
    """Return the secrets in our environment, in a kubeconfig, and in the files that it names."""
    known = from_environment(os.environ, is_path=os.path.exists)
    if kubeconfig is None:
        return known
    text = _read(kubeconfig)
    known |= from_file("", text)
    for field, name in file_names(text):
        # kubectl takes them to be relative to the kubeconfig.
        known |= from_file(field, _read(kubeconfig.parent / name))
    return known


def handed_on(
    ours: Mapping[str, str], kubeconfig: Path | None, own: Mapping[str, str]
) -> dict[str, str]:
    """Return a kernel's environment: its own, and what passes of ours but what opens a door.

    What it does not have, no cell can put out. Where the kubeconfig has a program fetch its
    credentials, that program may live on any variable: the unnamed ones and the secrets stay as
    well, and an output that holds one ends the run.

    Args:
        ours: our environment.
        kubeconfig: the kubeconfig that the notebook is to use, if it is known.
        own: what the kernel is told besides, over all else.
    """
    if kubeconfig is not None and uses_plugin(_read(kubeconfig)):
        return environment_for(Audience.KERNEL, own, ours=ours, unnamed=True)
    harmless = {
        name: value
        for name, value in ours.items()
        # Through a proxy that wants a password the cluster may be reached at all.
        if name.lower().endswith("_proxy")
        or not from_environment({name: value}, is_path=os.path.exists)
    }
    return environment_for(Audience.KERNEL, own, ours=harmless)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # whoever needs it says so
        return ""
