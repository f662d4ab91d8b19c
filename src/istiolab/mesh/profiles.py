"""Istio's profiles, asked of istioctl: what each would install."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from istiolab.errors import ClusterError
from istiolab.mesh.session import Mesh
from istiolab.mesh.table import Listing

_WORKLOAD = re.compile(r"^kind: (?:DaemonSet|Deployment)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A workload that a profile would install."""

    profile: str
    """The profile."""
    workload: str
    """The workload's kind and name; empty if the profile installs none."""
    image: str
    """Its image."""

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {
            "profile": self.profile,
            "workload": self.workload or "none",
            "image": self.image or "-",
        }


def profiles(mesh: Mesh, *names: str) -> Listing[Component]:
    """Ask `istioctl manifest generate` what profiles would install.

    Args:
        mesh: the cluster; nothing is changed on it.
        names: the profiles.

    Raises:
        ClusterError: there is no such profile.
    """
    return Listing(component for name in names for component in _components(mesh, name))


def _components(mesh: Mesh, profile: str) -> list[Component]:
    said = mesh.istioctl(f"manifest generate --set profile={profile}")
    return read_components(profile, said.stdout) or [
        Component(profile=profile, workload="", image="")
    ]


def read_components(profile: str, manifest: str) -> list[Component]:
    """Return the workloads in a manifest, sorted.

    Raises:
        ClusterError: one is not as it must be.
    """
    try:
        # Of 20,000 lines most are definitions, which would take seconds to read.
        texts = [text for text in re.split(r"(?m)^---.*$", manifest) if _WORKLOAD.search(text)]
        found = [
            Component(
                profile=profile,
                workload=f"{each['kind']} {each['metadata']['name']}",
                image=image,
            )
            for each in map(yaml.safe_load, texts)
            for image in _images(each)
        ]
    except (yaml.YAMLError, KeyError, TypeError) as wrong:
        raise ClusterError(
            f"what `istioctl` generated for the profile `{profile}` is no manifest",
            where=(" ".join(str(wrong).split())[:200],),
        ) from wrong
    return sorted(found, key=lambda each: (each.workload, each.image))


def _images(workload: Mapping[str, Any]) -> Iterable[str]:
    for container in workload["spec"]["template"]["spec"]["containers"]:
        yield str(container["image"])
