"""A lab without a mesh, and the notebooks that bring one up for themselves."""

from __future__ import annotations

import json
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from istiolab.lab.folders import bare_name, cache_folder, state_root
from istiolab.lab.spec import Lab
from istiolab.receipt.store import load_receipt, receipt_path
from istiolab.system.deadlines import scaled
from istiolab.system.retry import Answer, wait_until
from tests.lab import host_state
from tests.lab.command import OwnLab, istiolab, start
from tests.unit.notebook.build import code, write

CONNECT = code("from istiolab import connect_bare\nmesh = connect_bare()\nseen = ''")
MAKE = code("mesh.kubectl('create configmap stray -n default --from-literal=a=b')", "make", "cause")
LOOK = code(
    "seen = mesh.kubectl('get configmap -n default -o name').stdout\n"
    "assert 'stray' in seen, 'it is not there'",
    "there",
    "check",
)
UNMAKE = code("mesh.kubectl('delete configmap stray -n default')", "unmake", "cause")
GONE = code(
    "seen = mesh.kubectl('get configmap -n default -o name').stdout\n"
    "assert 'stray' not in seen, 'it is there still'",
    "gone",
    "check",
)
STOP = code("assert False, 'stopped half-way'", "stop", "check")
SLEEP = code("import time\ntime.sleep(300)", "sleep")


def notebook(folder: Path, *cells: dict[str, Any], name: str = "some") -> Path:
    path = write(folder, CONNECT, *cells, name=name)
    tree = json.loads(path.read_text())
    tree["metadata"]["istiolab"] = {"lab": "bare"}
    path.write_text(json.dumps(tree))
    return path


def snapshot(own: OwnLab) -> dict[str, frozenset[str]]:
    """Return what is on the machine of the bare lab beside `own`, as lifecycle tests do."""
    return dict(
        host_state.take(
            bare_name(own.name),
            without=(cache_folder(), state_root(), own.state),
            temporary=(own.temporary,),
        )
    )


def test_a_bare_lab_is_kubernetes_with_istios_images_and_says_so(own_lab: OwnLab) -> None:
    up = istiolab("up", "--bare", "--json", own=own_lab)
    assert up.returncode == 0, up.stderr
    assert json.loads(up.stdout)["bare"] is True
    assert "bare: without a mesh" in istiolab("status", own=own_lab).stdout

    pods = istiolab("kubectl", "get", "pods", "-A", "-o", "json", own=own_lab)
    ready = {
        pod["metadata"]["namespace"]: all(c["ready"] for c in pod["status"]["containerStatuses"])
        for pod in json.loads(pods.stdout)["items"]
    }
    assert ready == {"kube-system": True}
    crds = istiolab("kubectl", "get", "customresourcedefinitions", "-o", "name", own=own_lab)
    assert crds.stdout == ""
    nodes = istiolab("kubectl", "get", "nodes", "-o", "json", own=own_lab)
    names = [
        n for i in json.loads(nodes.stdout)["items"][0]["status"]["images"] for n in i["names"]
    ]
    assert {"docker.io/istio/pilot:1.28.2", "docker.io/istio/proxyv2:1.28.2"} <= set(names)

    again = istiolab("up", "--bare", own=own_lab)
    assert again.returncode == 0
    assert "is up already" in again.stderr
    other = istiolab("up", own=own_lab)
    assert other.returncode == 2
    assert "is up bare" in other.stderr
    assert istiolab("down", own=own_lab).returncode == 0
    assert istiolab("status", own=own_lab).returncode == 4


def test_each_run_and_each_ablation_finds_a_bare_lab_clean_which_goes_again(
    own_lab: OwnLab, tmp_path: Path
) -> None:
    before = snapshot(own_lab)
    stopped = notebook(tmp_path, MAKE, STOP, name="a-stopped")
    leaking = notebook(tmp_path, MAKE, LOOK, name="b-leaking")
    tidy = notebook(tmp_path, MAKE, LOOK, UNMAKE, GONE, name="c-tidy")
    done = istiolab(
        *("verify", "--update", "--json", str(stopped), str(leaking), str(tidy)),
        own=own_lab,
        folder=tmp_path,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    found = {Path(each["notebook"]).stem: each for each in json.loads(done.stdout)}
    assert found["a-stopped"]["outcome"] == "untrue"
    assert found["a-stopped"]["leaks"] == []
    assert found["b-leaking"]["outcome"] == "leaked"
    assert found["b-leaking"]["leaks"] == ["left behind: ConfigMap default/stray"]
    assert found["c-tidy"]["outcome"] == "updated"
    assert done.stderr.count("✓ a clean bare lab") == 3
    assert host_state.difference(before, snapshot(own_lab)) == {}
    receipt = load_receipt(tidy)
    assert receipt is not None
    assert receipt.versions.keys() == {"kubernetes", "istiolab", "python"}
    assert receipt.mesh_config_sha256 == ""
    assert {"docker.io/istio/pilot:1.28.2", "docker.io/istio/proxyv2:1.28.2"} <= {*receipt.images}

    start_of_second = time.monotonic()
    again = istiolab("verify", str(tidy), own=own_lab, folder=tmp_path)
    assert again.stdout == f"{tidy.name}: unchanged\n"
    assert "bare lab" not in again.stderr
    assert time.monotonic() - start_of_second < 10

    proven = istiolab("verify", "--ablate", "--json", str(tidy), own=own_lab, folder=tmp_path)
    assert proven.returncode == 0, proven.stdout + proven.stderr
    (row,) = json.loads(proven.stdout)
    assert [each["check"] for each in row["ablations"]] == ["cell 3 `there`", "cell 5 `gone`"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_verify_ends_the_bare_lab_goes_then_or_with_down(
    own_lab: OwnLab, tmp_path: Path, number: signal.Signals
) -> None:
    before = snapshot(own_lab)
    path = notebook(tmp_path, MAKE, SLEEP)
    process = start("verify", str(path), own=own_lab)
    record = own_lab.state / bare_name(own_lab.name) / "lab.json"
    assert wait_until(lambda: Answer(done=record.exists()), timeout_seconds=200).done
    node = psutil.Process(json.loads(record.read_text())["pid"])
    process.send_signal(number)
    process.communicate(timeout=scaled(120))
    assert process.returncode != 0
    if number is signal.SIGKILL:
        assert node.is_running()
        assert istiolab("down", own=own_lab).returncode == 0
    assert not node.is_running()
    assert not receipt_path(path).exists()
    assert host_state.difference(before, snapshot(own_lab)) == {}


def test_on_a_cluster_that_is_given_such_a_notebook_cannot_run_which_is_no_pass(
    lab: Lab, own_lab: OwnLab, tmp_path: Path
) -> None:
    programs = state_root() / lab.name / "bin"
    path = f"{programs}:{own_lab.environment['PATH']}"
    given = OwnLab(
        name=own_lab.name,
        state=own_lab.state,
        environment={**own_lab.environment, "PATH": path},
    )
    up = istiolab(*("up", "--provider", "existing", "--kubeconfig", str(lab.kubeconfig)), own=given)
    assert up.returncode == 0, up.stderr
    bare = notebook(tmp_path, MAKE, LOOK, UNMAKE, GONE, name="bare")
    other = write(tmp_path, code("1"), name="other")
    done = istiolab("verify", "--json", str(bare), str(other), own=given, folder=tmp_path)
    assert done.returncode == 5, done.stdout + done.stderr
    found = {Path(each["notebook"]).stem: each for each in json.loads(done.stdout)}
    assert found["other"]["outcome"] == "drifted"
    assert found["bare"]["outcome"] == "could not run here"
    assert not receipt_path(bare).exists()
    assert istiolab("verify", "--ablate", str(bare), own=given, folder=tmp_path).returncode == 5
    named = istiolab("verify", "--update", str(other), own=given, folder=tmp_path)
    assert named.returncode == 0, named.stdout + named.stderr
    assert istiolab("down", own=given).returncode == 0


def test_a_notebook_that_removes_istio_refuses_a_cluster_that_has_it(
    lab: Lab, tmp_path: Path
) -> None:
    path = write(tmp_path, CONNECT)
    done = istiolab("verify", str(path), folder=tmp_path)
    assert done.returncode == 5, done.stdout + done.stderr
    assert "has Istio, which this would remove" in done.stdout
    shutil.rmtree(tmp_path / "reports")
    assert lab.name
