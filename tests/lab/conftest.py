"""What the live tests stand on: the lab that is up, and labs of their own.

Without a lab each of them fails with the reason; none is skipped.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from istiolab.lab.folders import cache_folder
from istiolab.lab.provider import current
from istiolab.lab.spec import Lab
from istiolab.mesh.session import Mesh, connect
from istiolab.system.calibration import calibrate
from istiolab.system.deadlines import TIMEOUT_SCALE
from tests.lab.command import OwnLab, istiolab

# Our own deadlines, and those of what the tests start.
os.environ.setdefault(TIMEOUT_SCALE, f"{calibrate(cache_folder()):g}")


@pytest.fixture(scope="session")
def lab() -> Lab:
    return current()


@pytest.fixture
def mesh(lab: Lab) -> Iterator[Mesh]:
    with connect(lab.kubeconfig) as connected:
        yield connected


@pytest.fixture
def own_lab() -> Iterator[OwnLab]:
    """Yield the name and the state folder of a lab that is not up; take down what is left of it."""
    with an_own_lab() as own:
        yield own


@pytest.fixture(scope="module")
def shared_lab() -> Iterator[OwnLab]:
    """Yield a lab of a module's own, which a test may find up or not."""
    with an_own_lab() as own:
        yield own


@contextmanager
def an_own_lab() -> Iterator[OwnLab]:
    """Give what `own_lab` does, to those who share one."""
    name = f"t-{secrets.token_hex(3)}"
    # Short, and not pytest's own: the path of a socket in it may have 108 bytes (unix(7)). With a
    # space and another letter in it: any path works.
    with (
        tempfile.TemporaryDirectory(prefix="il é-", dir="/tmp") as state,
        tempfile.TemporaryDirectory(prefix="il-tmp-") as temporary,
    ):
        environment = {
            **os.environ,
            "TMPDIR": temporary,
            "ISTIOLAB_NAME": name,
            "ISTIOLAB_STATE": state,
            "ISTIOLAB_CACHE": str(cache_folder()),
        }
        own = OwnLab(name=name, state=Path(state), environment=environment)
        yield own
        istiolab("down", own=own)
