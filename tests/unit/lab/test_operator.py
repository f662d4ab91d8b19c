"""What the lab adds to Istio's default profile, and what the chapter on the installation shows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from istiolab.lab.pins import asset_text

SHOWN = Path(__file__).parents[3] / "notebooks" / "manifests" / "install" / "lab.yaml"


def leaves(table: Mapping[str, Any], *above: str) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for name, value in table.items():
        if isinstance(value, Mapping):
            found |= leaves(value, *above, name)
        else:
            found[*above, name] = value
    return found


def test_what_the_chapter_shows_is_in_every_lab_and_all_that_is_for_its_envoy() -> None:
    lab = leaves(yaml.safe_load(asset_text("istio-operator.yaml"))["spec"])
    shown = leaves(yaml.safe_load(SHOWN.read_text())["spec"])
    assert {name: lab.get(name) for name in shown} == shown
    switches = {name for name in lab if name[-1].startswith("PILOT_ENABLE_")}
    assert switches <= shown.keys()
    assert ("values", "telemetry", "enabled") in shown
    assert ("meshConfig", "defaultProviders", "metrics") in shown
