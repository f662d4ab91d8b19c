"""What `istiolab verify` finds on the live lab: drift, leaks, toothless checks; side by side."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from secrets import token_hex

import pytest

from istiolab.lab.spec import Lab
from istiolab.mesh.manifests import DEFAULT_IMAGE
from istiolab.receipt.proof import Proof, is_proven
from istiolab.receipt.record import load_record
from istiolab.receipt.store import State, load_receipt, receipt_path, status
from tests.lab.command import istiolab
from tests.unit.notebook.build import code, write

ROOT = Path(__file__).parents[2]
CONNECT = code("from istiolab import connect, send, wait_for_service\nmesh = connect()")
BACKEND = code(
    "place = mesh.namespace('a')\n"
    "place.apply('manifests/426/backend.yaml')\n"
    "place.wait_for_rollout('backend')\n"
    "backend = place.pod('backend')\n"
    "wait_for_service(backend, 'backend-service:10000')"
)
ASK = code("send('http://backend-service:10000/', source=backend)", "ask")
MORE = code("place.pods()", "pods")


@pytest.fixture
def folder(lab: Lab, tmp_path: Path) -> Path:
    assert lab.name
    shutil.copytree(ROOT / "notebooks" / "manifests", tmp_path / "manifests")
    return tmp_path


@pytest.fixture(scope="module")
def template(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Publish a notebook: the first run takes its outputs over."""
    assert lab.name
    folder = tmp_path_factory.mktemp("published")
    shutil.copytree(ROOT / "notebooks" / "manifests", folder / "manifests")
    path = write(folder, CONNECT, BACKEND, ASK, MORE)
    untried = istiolab("verify", str(path), folder=folder)
    assert untried.returncode == 1, untried.stdout + untried.stderr
    assert "new" in untried.stdout
    done = istiolab("verify", "--update", str(path), folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.rmtree(folder / "reports")
    return path


@pytest.fixture
def published(template: Path, folder: Path) -> Path:
    shutil.copytree(template.parent, folder, dirs_exist_ok=True)
    return folder / template.name


def test_a_second_run_with_new_names_is_no_drift_and_changes_no_byte(
    published: Path, folder: Path
) -> None:
    before = published.read_bytes()
    done = istiolab("verify", "--force", str(published), folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert published.read_bytes() == before
    receipt = load_receipt(published)
    assert receipt is not None
    assert receipt.drift == "none"


@pytest.mark.parametrize(("was", "false"), [("200 OK", "426 Upgrade Required"), ("1/1", "2/2")])
def test_a_published_output_that_is_not_true_is_drift(
    published: Path, folder: Path, was: str, false: str
) -> None:
    text = published.read_text()
    assert was in text
    published.write_text(text.replace(was, false))
    before = published.read_bytes()
    report = folder / "junit.xml"
    done = istiolab("verify", str(published), "--junit", str(report), folder=folder)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{published.name}: drifted in 1 cell" in done.stdout
    assert was in done.stdout
    assert false in done.stdout
    assert "--update" in done.stdout
    assert false in report.read_text()
    assert published.read_bytes() == before
    failing = status(published)
    assert failing.state is State.FAILING
    assert failing.receipt is not None, "what was verified last is still known"
    assert "other outputs than the published ones" in failing.reason

    taken = istiolab("verify", "--update", str(published), folder=folder)
    assert taken.returncode == 1, "to take over a changed output is not to pass"
    assert false not in published.read_text()
    assert istiolab("verify", str(published), folder=folder).returncode == 0
    receipt = load_receipt(published)
    assert receipt is not None
    assert receipt.attempts == 2
    assert status(published).state is State.VERIFIED


STRAY = "mesh.kubectl('create configmap stray -n default --from-literal=a=b')"
WEBHOOK = '''
from pathlib import Path
Path("hook.yaml").write_text("""
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: stray}
webhooks: []
""")
mesh.kubectl("apply -f hook.yaml")
'''
MESH = "mesh.kubectl('label configmap istio -n istio-system stray=yes')"
# Of the version v1alpha3 alone, while its group prefers v1. It chooses no proxy, and changes none.
FILTER = '''
from pathlib import Path
Path("filter.yaml").write_text("""
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: stray, namespace: istio-system}
spec:
  workloadSelector: {labels: {stray: "yes"}}
  configPatches: []
""")
mesh.kubectl("apply -f filter.yaml")
'''
POD = f"mesh.kubectl('run stray -n default --image={DEFAULT_IMAGE}')"


@pytest.fixture
def mended(lab: Lab) -> Iterator[None]:
    assert lab.name
    yield
    istiolab("kubectl", "delete", "configmap", "stray", "-n", "default", "--ignore-not-found")
    istiolab("kubectl", "delete", "validatingwebhookconfiguration", "stray", "--ignore-not-found")
    istiolab("kubectl", "label", "configmap", "istio", "-n", "istio-system", "stray-")
    istiolab(
        *("kubectl", "delete", "envoyfilters.networking.istio.io", "stray"),
        *("-n", "istio-system", "--ignore-not-found"),
    )
    istiolab(
        *("kubectl", "delete", "pod", "stray", "-n", "default", "--ignore-not-found"),
        "--grace-period=1",
    )


@pytest.mark.usefixtures("mended")
def test_whatever_a_notebook_leaves_behind_fails_it_and_is_named(folder: Path) -> None:
    """In one run, since a run takes longer than to look for all of them."""
    path = write(folder, CONNECT, *(code(each) for each in (STRAY, WEBHOOK, MESH, FILTER, POD)))
    done = istiolab("verify", "--update", "--json", str(path), folder=folder)
    assert done.returncode == 1, done.stdout + done.stderr
    (found,) = json.loads(done.stdout)
    assert found["outcome"] == "leaked"
    assert sorted(found["leaks"]) == [
        "altered: ConfigMap istio-system/istio",
        "left behind: ConfigMap default/stray",
        "left behind: EnvoyFilter istio-system/stray",
        "left behind: Pod default/stray",
        "left behind: ValidatingWebhookConfiguration stray",
    ]
    assert not receipt_path(path).exists()


@pytest.fixture
def theirs(lab: Lab) -> Iterator[str]:
    """Make a namespace that is somebody else's, with something in it."""
    assert lab.name
    name = f"theirs-{token_hex(3)}"
    for made in (("namespace", name), ("configmap", "theirs", "-n", name)):
        done = istiolab("kubectl", "create", *made)
        assert done.returncode == 0, done.stderr
    yield name
    gone = istiolab("kubectl", "delete", "namespace", name, "--ignore-not-found")
    assert gone.returncode == 0, gone.stderr


def test_what_others_were_deleting_before_a_notebook_ran_is_not_its_doing(
    folder: Path, theirs: str
) -> None:
    path = write(folder, CONNECT, code("print(1)"))
    begun = istiolab("kubectl", "delete", "namespace", theirs, "--wait=false")
    assert begun.returncode == 0, begun.stderr
    # Kubernetes needs more than five seconds for it: it is there before, and not afterwards.
    assert theirs in istiolab("kubectl", "get", "namespaces", "-o", "name").stdout
    done = istiolab("verify", "--update", str(path), folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_a_notebook_has_begun_to_delete_is_taken_away(folder: Path, theirs: str) -> None:
    path = write(folder, CONNECT, code(f"mesh.kubectl('delete namespace {theirs} --wait=false')"))
    done = istiolab("verify", "--update", str(path), folder=folder)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"taken away: Namespace {theirs}" in done.stdout
    assert f"taken away: ConfigMap {theirs}/theirs" in done.stdout


def test_a_check_made_toothless_is_found_by_ablation(folder: Path) -> None:
    inject = code(
        "mesh.kubectl(f'label namespace {place.name} istio-injection=enabled')\n"
        "place.restart('backend')\nplace.wait_for_rollout('backend')",
        "inject",
        "cause",
    )
    sharp = code("assert place.pod('backend').pod.ready == '2/2'", "sharp", "check")
    blunt = code("assert place.pod('backend').pod.ready", "blunt", "check")
    proven = write(folder, CONNECT, BACKEND, inject, sharp, name="proven")
    toothless = write(folder, CONNECT, BACKEND, inject, blunt, name="toothless")
    done = istiolab("verify", "--ablate", "--json", str(proven), str(toothless), folder=folder)
    assert done.returncode == 1, done.stdout + done.stderr
    first, second = json.loads(done.stdout)
    assert first["problems"] == []
    assert first["ablations"][0]["check"] == "cell 4 `sharp`"
    assert second["problems"] == [
        "no check fails without cell 3 `inject`: the run came to its end",
        "check cell 4 `blunt` failed without none of the causes",
    ]


@pytest.mark.usefixtures("mended")
def test_what_an_ablation_leaves_behind_is_named_and_nothing_is_proven(folder: Path) -> None:
    path = write(
        folder,
        CONNECT,
        code("made = False"),
        code(STRAY),
        code("made = True", "make", "cause"),
        code("assert made", "judge", "check"),
        # Only with the cause does the run come so far.
        code("mesh.kubectl('delete configmap stray -n default')"),
    )
    passed = istiolab("verify", "--update", str(path), folder=folder)
    assert receipt_path(path).exists(), passed.stdout + passed.stderr
    done = istiolab("verify", "--ablate", str(path), folder=folder)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{path.name}: not proven" in done.stdout
    assert "problem: left behind: ConfigMap default/stray" in done.stdout
    assert load_record(path, Proof) is None


def test_a_check_that_always_fails_proves_no_cause(folder: Path) -> None:
    path = write(folder, CONNECT, code("1", "make", "cause"), code("assert False", "no", "check"))
    done = istiolab("verify", "--ablate", str(path), folder=folder)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "it does not pass with all its causes either: cell 3 `no`" in done.stdout
    assert load_record(path, Proof) is None


def test_notebooks_run_side_by_side_and_one_that_changes_the_mesh_alone(folder: Path) -> None:
    sleep = code("import time\ntime.sleep(6)")
    paths = [write(folder, CONNECT, sleep, name=name) for name in ("one", "two")]
    paths += [write(folder, CONNECT, code("pass"), name="alone")]
    tree = json.loads(paths[2].read_text())
    tree["metadata"]["istiolab"] = {"changes_mesh": True}
    paths[2].write_text(json.dumps(tree))
    done = istiolab("verify", *(str(path) for path in paths), "--workers", "2", folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    spans = []
    for path in paths:
        receipt = load_receipt(path)
        assert receipt is not None
        length = timedelta(seconds=receipt.duration_seconds)
        spans.append((receipt.started, receipt.started + length))
    one, two, alone = spans
    assert one[0] < two[1]
    assert two[0] < one[1]
    assert alone[0] >= max(one[1], two[1]) - timedelta(seconds=1)


def test_every_cause_and_every_check_of_the_chapters_is_proven(lab: Lab, tmp_path: Path) -> None:
    """Those whose proof is not about them as they stand are proven now; `--force` proves all."""
    assert lab.name
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    done = istiolab("verify", "--ablate", "--json", folder=tmp_path, timeout_seconds=3000)
    assert done.returncode == 0, done.stdout + done.stderr
    paths = list((tmp_path / "notebooks").glob("*.ipynb"))
    assert paths
    for path in paths:
        proof = load_record(path, Proof)
        assert proof is not None
        assert is_proven(path)
        assert proof.runs
