"""What `istiolab verify` survives: what is left of it, and that the next run works."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from time import monotonic

import psutil
import pytest

from istiolab.lab.spec import Lab
from istiolab.mesh.client import open_cluster
from istiolab.mesh.namespaces import prefixed
from istiolab.mesh.revision import ControlPlane
from istiolab.receipt.store import State, load_receipt, receipt_path, status
from istiolab.system.deadlines import scaled
from istiolab.system.retry import Answer, wait_until
from tests.lab.command import PROGRAM, istiolab, start
from tests.unit.notebook.build import code, write

SETUP = code("""
import os, time
from pathlib import Path
from istiolab import configure_mesh, connect
mesh = connect()
place = mesh.namespace("a")
if Path("mesh").exists():
    configure_mesh(mesh, accessLogEncoding="JSON")
Path(f"kernel-{os.getpid()}").touch()
""")
SHOWN = code("place.kubectl('get serviceaccounts -o name')", "shown")
# A file `long` beside it makes a run endless; a file `mesh` makes it change the mesh.
MARKS = ("kernel-", "long", "mesh")
SLEEP = code("time.sleep(600 if Path('long').exists() else 0.5)", "sleep")


@pytest.fixture(scope="module")
def template(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Publish a notebook that takes a moment."""
    assert lab.name
    path = write(tmp_path_factory.mktemp("published"), SETUP, SHOWN, SLEEP)
    done = istiolab("verify", "--update", str(path), folder=path.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    next(path.parent.glob("kernel-*")).unlink()
    return path


@pytest.fixture
def published(template: Path, tmp_path: Path) -> Path:
    shutil.copytree(template.parent, tmp_path, dirs_exist_ok=True)
    return tmp_path / template.name


def _files(folder: Path) -> dict[str, bytes]:
    """Return what a run must not touch, and whatever else is there, but for the marks."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(MARKS)
    }


def _begin(path: Path, *options: str) -> tuple[subprocess.Popen[str], psutil.Process]:
    """Begin a run that does not end by itself; return it when its kernel has made a namespace."""
    folder = path.parent
    (folder / "long").touch()
    process = start("verify", str(path), "--force", *options, folder=folder)
    begun = wait_until(
        lambda: Answer(done=any(folder.glob("kernel-*")), hopeless=process.poll() is not None),
        timeout_seconds=60,
    )
    assert begun.done, process.communicate()[0]
    (folder / "long").unlink()
    mark = next(folder.glob("kernel-*"))
    mark.unlink()
    return process, psutil.Process(int(mark.name.partition("-")[2]))


def _left(lab: Lab) -> list[str]:
    cluster = open_cluster(lab.kubeconfig)
    try:
        return prefixed(cluster, "il-")
    finally:
        cluster.close()


def _mesh_config(lab: Lab) -> tuple[Mapping[str, str], Mapping[str, str]]:
    cluster = open_cluster(lab.kubeconfig)
    try:
        config_map = cluster.get(ControlPlane().config_map)
    finally:
        cluster.close()
    return config_map["data"], config_map["metadata"].get("annotations", {})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_interrupted_takes_back_what_it_began(
    lab: Lab, published: Path, number: signal.Signals
) -> None:
    before = _files(published.parent)
    process, kernel = _begin(published)
    sent = monotonic()
    # Ctrl-C reaches all processes of a terminal's group; whoever ends a service, one alone.
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    said, _ = process.communicate(timeout=scaled(60))
    assert process.returncode == 130, said
    assert monotonic() - sent < 45
    assert "interrupted: taking back what was begun" in said
    assert "Traceback" not in said
    assert not kernel.is_running()
    assert _left(lab) == []
    assert _files(published.parent) == before


def test_what_a_killed_run_left_is_taken_away_by_the_next(lab: Lab, published: Path) -> None:
    before, mesh_before = _files(published.parent), _mesh_config(lab)
    (published.parent / "mesh").touch()
    process, kernel = _begin(published)
    process.kill()
    process.communicate(timeout=scaled(10))
    (published.parent / "mesh").unlink()
    left = _left(lab)
    assert len(left) == 1
    assert _mesh_config(lab) != mesh_before
    assert _files(published.parent) == before
    # It watches its parent, and ends without it.
    psutil.wait_procs([kernel], timeout=scaled(20))
    assert not kernel.is_running()
    done = istiolab("verify", str(published), "--force")
    assert done.returncode == 0, done.stdout + done.stderr
    ending = "left by a run that was killed, and taken back"
    assert f"namespace {left[0]}: {ending}" in done.stderr
    assert f"a change of the mesh's configuration: {ending}" in done.stderr
    assert _mesh_config(lab) == mesh_before
    gone = wait_until(lambda: Answer(done=_left(lab) == []), timeout_seconds=60)
    assert gone.done
    assert status(published).state is State.VERIFIED


def test_interrupted_twice_it_leaves_at_once(lab: Lab, published: Path) -> None:
    before = _files(published.parent)
    process, _ = _begin(published)
    assert process.stdout is not None
    process.send_signal(signal.SIGINT)
    for line in process.stdout:
        if "once more leaves at once" in line:
            break
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=scaled(5))
    assert process.returncode == -signal.SIGINT
    assert _files(published.parent) == before
    assert istiolab("verify", str(published), "--force").returncode == 0
    assert wait_until(lambda: Answer(done=_left(lab) == []), timeout_seconds=60).done


def test_of_two_runs_at_once_the_second_waits_and_says_for_what(lab: Lab, published: Path) -> None:
    before = published.read_bytes()
    runs = [start("verify", str(published), "--force") for _ in range(2)]
    said = [run.communicate(timeout=scaled(120))[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    waiting = f"another `istiolab verify` runs on lab `{lab.name}`; waiting for it (who it is: "
    assert sum(waiting in each for each in said) == 1
    assert published.read_bytes() == before
    assert status(published).state is State.VERIFIED


def test_a_receipt_edited_by_hand_attests_no_outputs_until_it_is_written_anew(
    published: Path,
) -> None:
    path = receipt_path(published)
    path.write_text(path.read_text().replace('"drift": "updated"', '"drift": "none"'))
    assert status(published).state is State.FAILED
    said = "outputs of cell 2 `shown` are not those that a run wrote"
    for option in ((), ("--update",)):
        done = istiolab("verify", str(published), *option, folder=published.parent)
        assert done.returncode == 1, done.stdout + done.stderr
        assert said in done.stdout
    receipt = load_receipt(published)
    assert receipt is not None
    assert receipt.drift == "updated"
    assert status(published).state is State.VERIFIED


FULL = """
mount -t tmpfs -o size=256k tmpfs "$PWD" && cd "$PWD" && cp -r "$1"/. . || exit 99
dd if=/dev/zero of=full bs=1k 2>/dev/null
"$0" verify --update "$2" >&2
code=$?
find . -type f ! -name full -exec sha256sum {} + | sort
exit $code
"""


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("'x' * 30_000", "`some.ipynb` could not be written"),
        ("print('x' * 30_000)\n1 / 0", "the evidence in `reports/some` could not be written"),
    ],
    ids=["passes", "fails"],
)
def test_a_disk_that_fills_up_leaves_what_was_there(
    lab: Lab, tmp_path: Path, source: str, what: str
) -> None:
    assert lab.name
    (tmp_path / "source").mkdir()
    (tmp_path / "full").mkdir()
    path = write(tmp_path / "source", code(source))
    done = subprocess.run(
        ["unshare", "--mount", "bash", "-c", FULL, PROGRAM, path.parent, path.name],
        cwd=tmp_path / "full",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert what in done.stderr
    assert "No space left on device" in done.stderr
    # Nothing but the notebook, as it was: no receipt, and nothing half-written.
    lines = done.stdout.splitlines()
    assert [line.split()[1] for line in lines] == ["./some.ipynb"]
    assert lines[0].split()[0] == _sha256(path)
    again = istiolab("verify", "--update", str(path), folder=tmp_path)
    assert again.returncode == (5 if "1 / 0" in source else 0), again.stdout + again.stderr


def _sha256(path: Path) -> str:
    done = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True)
    return done.stdout.split()[0]
