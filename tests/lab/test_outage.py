"""A cluster that is away for a moment, or for good, while a notebook runs on it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from time import monotonic

import psutil
import pytest

from istiolab.mesh.patience import BACK, PATIENCE_SECONDS
from istiolab.receipt.store import State, load_receipt, receipt_path, status
from istiolab.system.deadlines import scaled
from istiolab.system.retry import Answer, wait_until
from tests.lab.command import OwnLab, istiolab, running, start
from tests.unit.notebook.build import code, write

ROOT = Path(__file__).parents[2]
CONNECT = code("""
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from istiolab import connect, send, wait_for_service
mesh = connect()
place = mesh.namespace("a")

def wait_for_file(name):
    while not Path(name).exists():
        time.sleep(0.02)
""")
SETUP = code("""
place.apply("manifests/426/backend.yaml")
place.wait_for_rollout("backend")
backend = place.pod("backend")
wait_for_service(backend, "backend-service:10000")
""")
# All kinds of calls at once, at the moment when nobody answers.
CALLS = code(
    """
Path("ready").touch()
wait_for_file("go")
with ThreadPoolExecutor() as pool:
    done = [
        pool.submit(each)
        for each in (
            lambda: place.pods()[0].ready,
            lambda: mesh.namespace("b").name[-1],
            lambda: place.kubectl("get deployment backend -o name").stdout.strip(),
            lambda: len(place.apply("manifests/426/backend.yaml")),
            lambda: send("http://backend-service:10000/", source=backend).status,
            lambda: len(place.wait_for_rollout("backend")),
        )
    ]
[each.result() for each in done]
""",
    "calls",
    metadata={"istiolab": {"timeout_seconds": 120}},
)
GONE = code("""
Path("ready").touch()
wait_for_file("go")
place.pods()
""", "ask", "check", metadata={"istiolab": {"timeout_seconds": 120}})  # fmt: skip


@pytest.fixture
def up(own_lab: OwnLab) -> OwnLab:
    done = istiolab("up", own=own_lab)
    assert done.returncode == 0, done.stderr
    return own_lab


def _begin(folder: Path, path: Path, own: OwnLab, *options: str) -> subprocess.Popen[str]:
    """Begin a run, and return when its cell waits for the word to go on."""
    for name in ("ready", "go"):
        (folder / name).unlink(missing_ok=True)
    process = start("verify", str(path), *options, own=own, folder=folder)
    waited = wait_until(
        lambda: Answer(done=(folder / "ready").exists(), hopeless=process.poll() is not None),
        timeout_seconds=120,
    )
    assert waited.done, process.communicate()[0]
    return process


def _kill_api_server(own: OwnLab) -> None:
    servers = running(own, "kube-apiserver")
    assert len(servers) == 1
    servers[0].kill()
    psutil.wait_procs(servers, timeout=scaled(10))


def test_a_run_rides_out_a_killed_api_server_and_ends_when_the_cluster_goes(
    up: OwnLab, tmp_path: Path
) -> None:
    """One lab for both, since to bring one up takes longer than either."""
    shutil.copytree(ROOT / "notebooks" / "manifests", tmp_path / "manifests")
    rides = write(tmp_path, CONNECT, SETUP, CALLS, name="rides")
    process = _begin(tmp_path, rides, up, "--update")
    _kill_api_server(up)
    (tmp_path / "go").touch()
    said, _ = process.communicate(timeout=scaled(180))
    assert process.returncode == 0, said
    assert status(rides).state is State.VERIFIED
    receipt = load_receipt(rides)
    assert receipt is not None
    assert max(each.seconds for each in receipt.waits if each.what == BACK) > 1
    # What the run said that rode out the outage is what one says that had none.
    again = istiolab("verify", str(rides), "--force", own=up, folder=tmp_path)
    assert again.returncode == 0, again.stdout + again.stderr

    gone = write(tmp_path, CONNECT, GONE, name="gone")
    # Whatever it says, it is to stay.
    shutil.copy(receipt_path(rides), receipt_path(gone))
    before = gone.read_bytes(), receipt_path(gone).read_bytes()
    process = _begin(tmp_path, gone, up)
    psutil.Process(up.record["pid"]).kill()
    (tmp_path / "go").touch()
    gone_at = monotonic()
    said, _ = process.communicate(timeout=scaled(180))
    assert process.returncode == 4, said
    assert "does not answer" in said
    assert "istiolab status" in said
    assert monotonic() - gone_at < PATIENCE_SECONDS + 20
    assert (gone.read_bytes(), receipt_path(gone).read_bytes()) == before
    assert sorted(each.name for each in tmp_path.rglob(".*")) == []
