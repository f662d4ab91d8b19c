"""Somebody else's cluster, played by a second lab: used, and left as it was."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import yaml

from istiolab.lab.spec import Lab
from istiolab.system.retry import Answer, wait_until
from tests.lab.command import OwnLab, istiolab
from tests.lab.conftest import an_own_lab
from tests.unit.mesh.loopback import Heard, closed_port, http_api
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


@pytest.fixture(scope="module")
def theirs() -> Iterator[OwnLab]:
    with an_own_lab() as own:
        done = istiolab("up", own=own)
        assert done.returncode == 0, done.stderr
        yield own


@dataclass(frozen=True, kw_only=True)
class Given:
    """A lab that is to use somebody's cluster."""

    own: OwnLab
    heard: list[Heard]
    """What the server of the kubeconfig's current context was asked."""
    folder: Path

    def up(self) -> CompletedProcess[str]:
        """Take the context that is not the current one."""
        return istiolab(
            *("up", "--provider", "existing", "--kubeconfig", "kubeconfig", "--context", "their"),
            *("--workload-image", OTHER_IMAGE),
            own=self.own,
            folder=self.folder,
        )


@pytest.fixture
def given(theirs: OwnLab, tmp_path: Path) -> Iterator[Given]:
    """Give a kubeconfig whose current context is a trap, and a proxy that does not answer."""
    config = yaml.safe_load(theirs.kubeconfig.read_text())
    context = config["contexts"][0]["context"]
    with http_api({}) as (port, heard):
        config["clusters"].append(
            {"name": "trap", "cluster": {"server": f"http://127.0.0.1:{port}"}}
        )
        config["contexts"] = [
            {"name": "trap", "context": {**context, "cluster": "trap"}},
            {"name": "their", "context": context},
        ]
        config["current-context"] = "trap"
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
        state = tmp_path / "state"
        own = OwnLab(
            name="given",
            state=state,
            environment={
                **theirs.environment,
                "ISTIOLAB_STATE": str(state),
                "ISTIOLAB_NAME": "given",
                "PATH": f"{theirs.state / theirs.name / 'bin'}:{theirs.environment['PATH']}",
                "HTTPS_PROXY": f"http://127.0.0.1:{closed_port()}",
            },
        )
        yield Given(own=own, heard=heard, folder=tmp_path)
        istiolab("down", own=own)


def _apply(theirs: OwnLab, *objects: dict[str, Any]) -> None:
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    done = istiolab("kubectl", "apply", "-f", "-", own=theirs, text=text)
    assert done.returncode == 0, done.stderr


def _delete(theirs: OwnLab, *objects: dict[str, Any]) -> None:
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    done = istiolab("kubectl", "delete", "-f", "-", own=theirs, text=text)
    assert done.returncode == 0, done.stderr


ASKING = (
    code(
        "from istiolab import access_log, connect, send, wait_for_service\n"
        "mesh = connect()\nplace = mesh.namespace('a')\nplace.inject()"
    ),
    code("place.apply('manifests/426/backend.yaml')\nplace.wait_for_rollout('backend')"),
    code("place.kubectl('get deployment backend -o wide')", "shown"),
    code(
        "backend = place.pod('backend')\nwait_for_service(backend, 'backend-service:10000')\n"
        "send('http://backend-service:10000/', http='1.1', source=backend)",
        "sent",
    ),
    code(
        "from istiolab import observe\n"
        "seen = observe(lambda: send('http://backend-service:10000/', http='1.1', source=backend),"
        " {backend: 2})\nsorted(entry.response_code for entry in seen.logs['backend'])[-1]",
        "logged",
    ),
)
AWAY = {
    "apiVersion": "apiregistration.k8s.io/v1",
    "kind": "APIService",
    "metadata": {"name": "v1.away.example"},
    "spec": {
        "group": "away.example",
        "version": "v1",
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
        "service": {"name": "gone", "namespace": "default"},
    },
}


def test_a_given_cluster_is_used_by_its_context_and_left_as_it_was(
    theirs: OwnLab, given: Given, tmp_path: Path
) -> None:
    before = _objects(theirs)
    _apply(theirs, AWAY)
    up = given.up()
    assert up.returncode == 0, up.stderr
    assert "/apis/away.example/v1 is passed over" in up.stderr
    shutil.copytree(ROOT / "notebooks" / "manifests", tmp_path / "manifests")
    path = write(tmp_path, *ASKING)
    done = istiolab("verify", "--update", str(path), own=given.own, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "/apis/away.example/v1; what the notebook may have left there is not known" in (
        done.stdout
    )
    assert OTHER_IMAGE in path.read_text()
    assert "i am backend in backend-" in path.read_text()
    nodes = istiolab("kubectl", "get", "nodes", own=given.own)
    assert nodes.returncode == 0, nodes.stderr
    assert istiolab("istioctl", "version", own=given.own).returncode == 0

    labels = {"istiolab.dev/owner": "il-left"}
    left = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "il-left"}}
    _apply(theirs, {**left, "metadata": {"name": "il-left", "labels": labels}})
    down = istiolab("down", own=given.own)
    assert down.returncode == 0, down.stderr
    assert "il-left" in down.stderr
    assert given.heard == []
    _delete(theirs, AWAY)
    # Kubernetes looks at the namespaces that it has kept once a minute; nothing is in them.
    shells = {name for name in _objects(theirs) if name.startswith("Namespace//il-")}
    assert _objects(theirs) - shells == before
    assert istiolab("status", own=theirs).returncode == 0


def test_a_cluster_that_refuses_the_notebooks_pods_is_not_taken_into_use(
    theirs: OwnLab, given: Given
) -> None:
    admission = "admissionregistration.k8s.io/v1"
    policy = {
        "apiVersion": admission,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "no-root"},
        "spec": {
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE"],
                        "resources": ["pods"],
                    }
                ]
            },
            "validations": [
                {
                    "expression": "has(object.spec.securityContext)"
                    " && has(object.spec.securityContext.runAsNonRoot)"
                    " && object.spec.securityContext.runAsNonRoot",
                    "message": "no pod may run as root",
                }
            ],
        },
    }
    binding = {
        "apiVersion": admission,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "no-root"},
        "spec": {"policyName": "no-root", "validationActions": ["Deny"]},
    }
    _apply(theirs, policy, binding)

    def refused() -> Answer:
        up = given.up()
        return Answer(done=up.returncode == 4, detail=up.stderr)

    try:
        # The API server takes a policy up within a second or so.
        waited = wait_until(refused, timeout_seconds=60)
    finally:
        _delete(theirs, policy, binding)
    assert waited.done
    assert "nothing was changed" in waited.detail
    assert "no pod may run as root" in waited.detail


def test_an_istio_with_a_revision_that_logs_as_json_is_used(
    theirs: OwnLab, given: Given, tmp_path: Path
) -> None:
    operator = theirs.state / theirs.name / "config" / "istio-operator.yaml"
    settings = ("--revision", "r1", "--set", "meshConfig.accessLogEncoding=JSON", "-y")
    for line in (
        ("install", "-f", str(operator), *settings),
        ("uninstall", "--revision", "default", "-y"),
    ):
        done = istiolab("istioctl", *line, own=theirs)
        assert done.returncode == 0, done.stderr
    up = given.up()
    assert up.returncode == 0, up.stderr
    assert "istio.io/rev=r1 alone" in up.stderr
    shutil.copytree(ROOT / "notebooks" / "manifests", tmp_path / "manifests")
    changing = code("from istiolab import configure_mesh\nconfigure_mesh(mesh, accessLogFile='')")
    path = write(tmp_path, *ASKING, changing)
    done = istiolab("verify", "--update", str(path), own=given.own, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    logged = json.loads(path.read_text())["cells"][4]["outputs"]
    assert "".join(logged[0]["data"]["text/plain"]) == "200"
    config = istiolab(
        *("kubectl", "-n", "istio-system", "get", "configmap", "istio-r1", "-o", "yaml"),
        own=theirs,
    )
    assert "accessLogFile: /dev/stdout" in config.stdout
    assert "istiolab.dev" not in config.stdout
    assert given.heard == []


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
    assert "nothing was changed" in done.stderr
    assert "may not: create namespaces" in done.stderr
    assert "list /api/v1/namespaces" in done.stderr
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
