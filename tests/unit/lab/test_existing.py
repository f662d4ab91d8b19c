from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from istiolab.errors import ClusterError, UsageError
from istiolab.lab.existing import PUBLIC_IMAGE, ExistingProvider
from istiolab.lab.spec import OWNER_LABEL, Lab, NodePaths
from istiolab.system.progress import SILENT
from tests.unit.lab.programs import put_first_on_path, write_program

ISTIOD = json.dumps({"items": [{"status": {"readyReplicas": 1}}]})


@dataclass
class FakeCluster:
    """A kubectl that answers for a cluster."""

    folder: Path
    answers: dict[str, str] = field(default_factory=dict)

    def answer(self, words: str, script: str) -> None:
        """Let kubectl run `script` when it is called with `words`."""
        # The shell takes the first that fits: the last one told.
        self.answers = {words: script, **{w: s for w, s in self.answers.items() if w != words}}
        cases = "\n".join(f"*'{w}'*) {s} ;;" for w, s in self.answers.items())
        calls = f'echo "$*" >> {self.folder}/calls\n'
        write_program(self.folder / "bin" / "kubectl", f'{calls}case "$*" in\n{cases}\nesac')

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def calls(self) -> list[str]:
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    monkeypatch.setenv("ISTIOLAB_STATE", str(tmp_path / "state"))
    found = FakeCluster(folder=tmp_path)
    found.kubeconfig.write_text("")
    found.answer("get-contexts", "printf 'one\\ntwo\\n'")
    found.answer("auth can-i", "echo yes")
    found.answer("get deployments", f"echo '{ISTIOD}'")
    put_first_on_path(monkeypatch, tmp_path / "bin")
    return found


def provider(cluster: FakeCluster, context: str = "") -> ExistingProvider:
    return ExistingProvider("lab", kubeconfig=cluster.kubeconfig, context=context)


def record(cluster: FakeCluster) -> Path:
    return NodePaths(root=cluster.folder / "state" / "lab").record


def test_cluster_that_has_all_is_taken_into_use(cluster: FakeCluster) -> None:
    lab = provider(cluster, "two").up(SILENT)
    assert lab == Lab(
        name="lab",
        provider="existing",
        kubeconfig=cluster.kubeconfig.resolve(),
        context="two",
        fingerprint="",
        workload_image=PUBLIC_IMAGE,
    )
    assert ExistingProvider("lab").find() == lab
    # The record names somebody's credentials.
    assert record(cluster).stat().st_mode & 0o777 == 0o600


def test_workloads_run_the_image_that_the_user_names(cluster: FakeCluster) -> None:
    given = ExistingProvider("lab", kubeconfig=cluster.kubeconfig, workload_image="my/nginx:1")
    assert given.up(SILENT).workload_image == "my/nginx:1"


def test_every_call_names_the_kubeconfig_and_the_context(cluster: FakeCluster) -> None:
    provider(cluster, "two").up(SILENT)
    start = f"--kubeconfig {cluster.kubeconfig} --context two "
    assert cluster.calls
    assert all(call.startswith(start) for call in cluster.calls)


def test_taking_a_cluster_into_use_only_reads(cluster: FakeCluster) -> None:
    provider(cluster).up(SILENT)
    start = f"--kubeconfig {cluster.kubeconfig} "
    verbs = {call.removeprefix(start).split()[0] for call in cluster.calls}
    assert verbs <= {"config", "get", "auth"}


@pytest.mark.parametrize("given", [None, Path("/proc/no-such-kubeconfig")])
def test_kubeconfig_that_is_not_there_is_the_users_error(
    cluster: FakeCluster, given: Path | None
) -> None:
    with pytest.raises(UsageError, match="is not there") as caught:
        ExistingProvider("lab", kubeconfig=given).up(SILENT)
    assert caught.value.hint is not None
    assert cluster.calls == []


def test_a_kubeconfig_that_would_be_read_as_two_files_is_refused(
    cluster: FakeCluster, tmp_path: Path
) -> None:
    given = tmp_path / "a:b"
    given.touch()
    with pytest.raises(UsageError, match="has `:` in it"):
        ExistingProvider("lab", kubeconfig=given).up(SILENT)
    assert cluster.calls == []


def test_missing_context_is_named_with_those_that_there_are(cluster: FakeCluster) -> None:
    with pytest.raises(UsageError, match="has no context `tw`") as caught:
        provider(cluster, "tw").up(SILENT)
    assert caught.value.where == ("context: one", "context: two")
    assert caught.value.hint == "name one of these with `--context`"


def test_cluster_that_does_not_answer_is_an_error_with_its_last_words(
    cluster: FakeCluster,
) -> None:
    cluster.answer("/readyz", "echo 'connection refused' >&2; exit 1")
    with pytest.raises(ClusterError, match="does not answer") as caught:
        provider(cluster).up(SILENT)
    assert caught.value.where == ("| connection refused",)
    hint = f"see whether this works: `kubectl --kubeconfig {cluster.kubeconfig} get nodes`"
    assert caught.value.hint == hint


def test_all_rights_that_are_lacking_are_told_at_once(cluster: FakeCluster) -> None:
    cluster.answer("can-i create namespaces", "echo no; exit 1")
    cluster.answer("can-i create pods/exec --namespace default", "echo no; exit 1")
    with pytest.raises(ClusterError, match="lacks rights in the cluster") as caught:
        provider(cluster).up(SILENT)
    assert caught.value.where == ("may not: create namespaces", "may not: create pods/exec")


@pytest.mark.parametrize(
    "answer",
    [
        """echo '{"items": []}'""",
        """echo '{"items": [{"status": {}}, {}]}'""",
        """echo '{"items": [{"status": {"readyReplicas": 0}}]}'""",
        "echo forbidden >&2; exit 1",
    ],
)
def test_cluster_without_ready_istio_is_told_how_to_get_it(
    cluster: FakeCluster, answer: str
) -> None:
    cluster.answer("get deployments", answer)
    with pytest.raises(ClusterError, match="no Istio that is ready") as caught:
        provider(cluster).up(SILENT)
    assert caught.value.hint is not None
    assert "istioctl install" in caught.value.hint


def test_refused_cluster_is_not_in_use(cluster: FakeCluster) -> None:
    cluster.answer("/readyz", "exit 1")
    with pytest.raises(ClusterError):
        provider(cluster).up(SILENT)
    assert provider(cluster).find() is None
    assert not (cluster.folder / "state").exists()


def test_machine_without_kubectl_is_told_so(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(cluster.folder))
    with pytest.raises(ClusterError, match="`kubectl` is not on this machine"):
        provider(cluster).up(SILENT)


def test_name_of_an_embedded_lab_is_refused_and_its_record_kept(cluster: FakeCluster) -> None:
    lab = Lab(
        name="lab", provider="embedded", kubeconfig=Path("/k"), context="", fingerprint="f", pid=7
    )
    record(cluster).parent.mkdir(parents=True)
    record(cluster).write_text(lab.to_json())
    with pytest.raises(UsageError, match="is in use with the provider `embedded`"):
        provider(cluster).up(SILENT)
    assert record(cluster).read_text() == lab.to_json()


def test_down_deletes_only_labelled_namespaces_and_forgets_the_cluster(
    cluster: FakeCluster,
) -> None:
    provider(cluster, "two").up(SILENT)
    before = len(cluster.calls)
    # From the record alone: `down` is told neither kubeconfig nor context.
    assert ExistingProvider("lab").down(SILENT)
    (call,) = cluster.calls[before:]
    assert call == (
        f"--kubeconfig {cluster.kubeconfig.resolve()} --context two "
        f"delete namespaces --selector {OWNER_LABEL} --ignore-not-found"
    )
    assert ExistingProvider("lab").find() is None
    assert not record(cluster).parent.exists()
    assert cluster.kubeconfig.exists()


def test_down_of_what_is_not_in_use_does_nothing(cluster: FakeCluster) -> None:
    assert not provider(cluster).down(SILENT)
    assert cluster.calls == []


def test_down_that_fails_can_be_run_again(cluster: FakeCluster) -> None:
    provider(cluster).up(SILENT)
    cluster.answer("delete namespaces", "echo 'connection refused' >&2; exit 1")
    with pytest.raises(ClusterError, match="could not be deleted") as caught:
        provider(cluster).down(SILENT)
    assert caught.value.where == ("| connection refused",)
    cluster.answer("delete namespaces", "true")
    assert provider(cluster).down(SILENT)
