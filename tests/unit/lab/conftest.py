from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from istiolab.lab.bringup import Bringup
from istiolab.lab.network import choose_link
from istiolab.lab.pins import load_pins
from istiolab.lab.spec import NodePaths


@pytest.fixture
def bringup(tmp_path: Path) -> Bringup:
    """Yield one whose node's init is this very process, so that it runs."""
    return Bringup(
        pid=os.getpid(),
        paths=NodePaths(root=tmp_path),
        pins=load_pins(),
        link=choose_link("lab", []),
        programs={"kubernetes": tmp_path / "programs"},
        lab="some-lab",
    )


@pytest.fixture
def dead() -> int:
    """Return the id of a process that has ended."""
    with subprocess.Popen(["true"]) as process:
        process.wait()
    return process.pid
