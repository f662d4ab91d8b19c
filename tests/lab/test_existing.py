"""Somebody else's cluster, played by a second lab: used, and left as it was."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path

import pytest
import yaml

from istiolab.lab.spec import Lab
from tests.lab.command import OwnLab, istiolab
from tests.unit.notebook.build import code, write

ROOT = Path(__file__).parents[2]
# Not the lab's own workload image: one that this cluster has, with nginx, bash and curl in it.
OTHER_IMAGE = "docker.io/istio/proxyv2:1.28.2"


def _objects(own: OwnLab) -> set[str]:
    listed = istiolab(
        *("kubectl", "get", "namespaces,deployments,services,configmaps,secrets,clusterroles"),
        *("-A", "-o", "jsonpath={range .items[*]}{.kind}/{.metadata.namespace}/{.metadata.name} "),
        own=own,
    )
    assert listed.returncode == 0, listed.stderr
    return set(listed.stdout.split())


@pytest.fixture
def theirs(own_lab: OwnLab) -> OwnLab:
    done = istiolab("up", own=own_lab)
    assert done.returncode == 0, done.stderr
    return own_lab


def _as_given(theirs: OwnLab, tmp_path: Path) -> OwnLab:
    """Return the name and state of a lab that is to use the cluster of `theirs`."""
    bin_folder = theirs.state / theirs.name / "bin"
    path = f"{bin_folder}:{theirs.environment['PATH']}"
    state = tmp_path / "state"
    environment = {**theirs.environment, "ISTIOLAB_STATE": str(state), "PATH": path}
    return OwnLab(name="given", state=state, environment={**environment, "ISTIOLAB_NAME": "given"})


def test_a_given_cluster_is_used_with_its_own_image_and_left_as_it_was(
    theirs: OwnLab, tmp_path: Path
) -> None:
    before = _objects(theirs)
    given = _as_given(theirs, tmp_path)
    up = istiolab(
        *("up", "--provider", "existing", "--kubeconfig", str(theirs.kubeconfig)),
        *("--workload-image", OTHER_IMAGE),
        own=given,
    )
    assert up.returncode == 0, up.stderr
    shutil.copytree(ROOT / "notebooks" / "manifests", tmp_path / "manifests")
    path = write(
        tmp_path,
        code("from istiolab import connect, send\nmesh = connect()\nplace = mesh.namespace('a')"),
        code("place.apply('manifests/426/backend.yaml')\nplace.wait_for_rollout('backend')"),
        code("place.kubectl('get deployment backend -o wide')", "shown"),
        code(
            "from istiolab import wait_for_service\nbackend = place.pod('backend')\n"
            "wait_for_service(backend, 'backend-service:10000')\n"
            "send('http://backend-service:10000/', http='1.0', source=backend)",
            "sent",
        ),
    )
    done = istiolab("verify", "--update", str(path), own=given, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert OTHER_IMAGE in path.read_text()
    assert "i am backend in backend-" in path.read_text()

    left = istiolab(
        *("kubectl", "create", "namespace", "il-left"),
        own=theirs,
    )
    assert left.returncode == 0
    labelled = istiolab(
        "kubectl", "label", "namespace", "il-left", "istiolab.dev/owner=il-left", own=theirs
    )
    assert labelled.returncode == 0
    down = istiolab("down", own=given)
    assert down.returncode == 0, down.stderr
    assert _objects(theirs) == before
    assert istiolab("status", own=theirs).returncode == 0


def _kubeconfig_without_rights(lab: Lab, tmp_path: Path) -> Path:
    made = istiolab("kubectl", "create", "serviceaccount", "nobody", "-n", "default")
    assert made.returncode == 0, made.stderr
    token = istiolab("kubectl", "create", "token", "nobody", "-n", "default")
    assert token.returncode == 0, token.stderr
    config = yaml.safe_load(lab.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token.stdout.strip()}
    path = tmp_path / "weak"
    path.write_text(yaml.safe_dump(config))
    return path


def test_a_user_without_rights_is_told_what_he_lacks(lab: Lab, tmp_path: Path) -> None:
    path = _kubeconfig_without_rights(lab, tmp_path)
    try:
        done = istiolab("up", "--name", "weak", "--provider", "existing", "--kubeconfig", str(path))
    finally:
        istiolab("kubectl", "delete", "serviceaccount", "nobody", "-n", "default")
    assert done.returncode == 4
    assert "lacks rights" in done.stderr
    assert "may not: create namespaces" in done.stderr
    assert istiolab("status", "--name", "weak").returncode == 4


def test_a_kubeconfig_that_points_nowhere_is_told(lab: Lab, tmp_path: Path) -> None:
    config = yaml.safe_load(lab.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:9"
    path = tmp_path / "nowhere"
    path.write_text(yaml.safe_dump(config))
    done = istiolab(
        "up", "--name", "nowhere", "--provider", "existing", "--kubeconfig", str(path), "--json"
    )
    assert done.returncode == 4
    assert json.loads(done.stdout)["error"].endswith("does not answer")
    missing = istiolab("up", "--provider", "existing", "--kubeconfig", "none", "--name", "nowhere")
    assert missing.returncode == 2


def test_the_kubeconfig_holds_a_key_and_no_output_shows_it(lab: Lab, tmp_path: Path) -> None:
    key = yaml.safe_load(lab.kubeconfig.read_text())["users"][0]["user"]["client-key-data"]
    plain = base64.b64decode(key).decode()
    path = write(
        tmp_path,
        code("import os, base64\ntext = open(os.environ['KUBECONFIG']).read()\nprint(text)"),
        code(f"print(base64.b64decode({key!r}).decode())"),
    )
    done = istiolab("verify", "--update", str(path), folder=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "cell 1: secret put out: it put out a credential of the kubeconfig" in done.stdout
    (executed,) = (tmp_path / "reports").rglob("executed.ipynb")
    cells = json.loads(executed.read_text())["cells"]
    outputs = done.stdout + done.stderr + json.dumps([cell["outputs"] for cell in cells])
    assert key not in outputs
    assert plain.splitlines()[1] not in outputs
