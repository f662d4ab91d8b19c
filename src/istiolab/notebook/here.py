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


def handed_on(ours: Mapping[str, str], kubeconfig: Path | None) -> dict[str, str]:
    """Return what a kernel gets of our environment: all but what opens a door.

    What it does not have, no cell can put out. Not a list of what is allowed: a program that a
    notebook starts may need any variable (proxies, certificates, LD_LIBRARY_PATH), and what it
    needs is nobody's to foresee. Secrets stay as well where the kubeconfig has a program fetch its
    credentials: that program may live on them, and an output that holds one ends the run.

    Args:
        ours: our environment.
        kubeconfig: the kubeconfig that the notebook is to use, if it is known.
    """
    if kubeconfig is not None and uses_plugin(_read(kubeconfig)):
        return dict(ours)
    return {
        name: value
        for name, value in ours.items()
        # Through a proxy that wants a password the cluster may be reached at all.
        if name.lower().endswith("_proxy")
        or not from_environment({name: value}, is_path=os.path.exists)
    }


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # whoever needs it says so
        return ""
