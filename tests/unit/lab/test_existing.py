from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from istiolab.errors import ClusterError, UsageError
from istiolab.lab.existing import PUBLIC_IMAGE, ExistingProvider, is_empty_shell
from istiolab.lab.spec import OWNER_LABEL, Lab, NodePaths
from istiolab.system.progress import SILENT, SilentReporter
from tests.unit.lab.programs import put_first_on_path, write_program
from tests.unit.lab.test_kubeconfig import kubeconfig


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


class Notes(SilentReporter):
    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    monkeypatch.setenv("ISTIOLAB_STATE", str(tmp_path / "state"))
    found = FakeCluster(folder=tmp_path)
    kubeconfig(found.kubeconfig, "one", "two", current="one")
    found.answer("/readyz", "echo ok")
    found.answer("get namespaces", """echo '{"items": []}'""")
    put_first_on_path(monkeypatch, tmp_path / "bin")
    return found


def provider(cluster: FakeCluster, context: str = "") -> ExistingProvider:
    return ExistingProvider("lab", kubeconfig=cluster.kubeconfig, context=context)


def paths(cluster: FakeCluster) -> NodePaths:
    return NodePaths(root=cluster.folder / "state" / "lab")


def record(cluster: FakeCluster) -> Path:
    return paths(cluster).record


def test_cluster_that_has_all_is_taken_into_use(cluster: FakeCluster) -> None:
    lab = provider(cluster, "two").up(SILENT)
    assert lab == Lab(
        name="lab",
        provider="existing",
        kubeconfig=paths(cluster).kubeconfig,
        context="two",
        fingerprint="",
        workload_image=PUBLIC_IMAGE,
    )
    assert ExistingProvider("lab").find() == lab
    # Somebody's credentials are in them.
    modes = [path.stat().st_mode & 0o777 for path in (record(cluster), lab.kubeconfig)]
    assert modes == [0o600, 0o600]


def test_workloads_run_the_image_that_the_user_names(cluster: FakeCluster) -> None:
    given = ExistingProvider("lab", kubeconfig=cluster.kubeconfig, workload_image="my/nginx:1")
    assert given.up(SILENT).workload_image == "my/nginx:1"


def test_nothing_that_is_used_from_then_on_knows_another_context(cluster: FakeCluster) -> None:
    seen: list[str] = []

    def preflight(kubeconfig: Path, image: str) -> tuple[str, ...]:
        seen.extend((kubeconfig.read_text(), image))
        return ()

    given = ExistingProvider(
        "lab", kubeconfig=cluster.kubeconfig, context="two", preflight=preflight
    )
    lab = given.up(SILENT)
    for text in (lab.kubeconfig.read_text(), seen[0]):
        assert "https://kubeconfig.two" in text
        assert "one" not in text
    assert seen[1] == PUBLIC_IMAGE
    # What is current in the given one may change.
    kubeconfig(cluster.kubeconfig, "one", "two", current="one")
    assert ExistingProvider("lab").find() == lab
    assert not any(str(cluster.kubeconfig) in call for call in cluster.calls)


def test_what_the_preflight_says_is_told_and_what_it_refuses_is_not_in_use(
    cluster: FakeCluster,
) -> None:
    notes = Notes()
    found = ExistingProvider(
        "lab", kubeconfig=cluster.kubeconfig, preflight=lambda _config, _image: ("no log",)
    )
    found.up(notes)
    assert notes.said == ["no log"]

    def refuse(_config: Path, _image: str) -> tuple[str, ...]:
        raise ClusterError("it lacks something")

    other = ExistingProvider("other", kubeconfig=cluster.kubeconfig, preflight=refuse)
    with pytest.raises(ClusterError, match="lacks something"):
        other.up(SILENT)
    assert other.find() is None


def test_the_kubeconfig_that_kubectl_takes_counts_if_none_is_named(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", f"/nowhere{os.pathsep}{cluster.kubeconfig}")
    assert ExistingProvider("lab").up(SILENT).context == "one"


def test_a_lab_in_use_takes_new_credentials_and_no_other_cluster(cluster: FakeCluster) -> None:
    provider(cluster, "two").up(SILENT)
    with pytest.raises(UsageError, match="is in use with another cluster") as caught:
        provider(cluster, "one").up(SILENT)
    assert caught.value.where == (
        "in use: https://kubeconfig.two",
        "given: https://kubeconfig.one",
    )
    kubeconfig(cluster.kubeconfig, "two", token="new")
    assert "token: new" in provider(cluster, "two").up(SILENT).kubeconfig.read_text()


def test_taking_a_cluster_into_use_only_reads(cluster: FakeCluster) -> None:
    provider(cluster).up(SILENT)
    assert [call.split()[2:] for call in cluster.calls] == [
        ["get", "--raw", "/readyz", "--request-timeout=5s"]
    ]


@pytest.mark.parametrize("given", [None, Path("/proc/no-such-kubeconfig")])
def test_kubeconfig_that_is_not_there_is_the_users_error(
    cluster: FakeCluster, given: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(cluster.folder / "nobody"))
    with pytest.raises(UsageError, match="is not there") as caught:
        ExistingProvider("lab", kubeconfig=given).up(SILENT)
    assert caught.value.hint is not None
    assert cluster.calls == []


def test_cluster_that_does_not_answer_is_an_error_with_its_last_words(
    cluster: FakeCluster,
) -> None:
    cluster.answer("/readyz", "echo 'connection refused' >&2; exit 1")
    with pytest.raises(ClusterError, match="does not answer") as caught:
        provider(cluster).up(SILENT)
    assert caught.value.where == ("server: https://kubeconfig.one", "| connection refused")
    hint = "see whether this works: `kubectl --context one get nodes`"
    assert caught.value.hint == hint


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
    start = f"--kubeconfig {paths(cluster).kubeconfig} "
    ours = f"namespaces --selector {OWNER_LABEL} "
    assert cluster.calls[before:] == [
        f"{start}delete {ours}--ignore-not-found --wait=false",
        f"{start}get {ours}--output=json",
    ]
    assert ExistingProvider("lab").find() is None
    assert not record(cluster).parent.exists()
    assert cluster.kubeconfig.exists()


def _namespace(**conditions: str) -> dict[str, Any]:
    told = [{"type": name, "status": status} for name, status in conditions.items()]
    return {"metadata": {"name": "il-a"}, "status": {"conditions": told}}


EMPTY = {
    "NamespaceDeletionDiscoveryFailure": "True",
    "NamespaceDeletionContentFailure": "False",
    "NamespaceContentRemaining": "False",
    "NamespaceFinalizersRemaining": "False",
}


def test_down_waits_for_all_but_what_an_unavailable_api_keeps_and_names_that(
    cluster: FakeCluster,
) -> None:
    provider(cluster).up(SILENT)
    looks = [{"items": [_namespace()]}, {"items": [_namespace(**EMPTY)]}]
    for number, look in enumerate(looks):
        (cluster.folder / f"look-{number}").write_text(json.dumps(look))
    cluster.answer("get namespaces", f"cd {cluster.folder}; cat look-0; cp look-1 look-0")
    notes = Notes()
    assert ExistingProvider("lab").down(notes)
    assert notes.said == ["il-a: empty, and gone once all of the cluster's APIs are available"]


def test_a_namespace_with_anything_left_is_no_empty_shell() -> None:
    assert is_empty_shell(_namespace(**EMPTY))
    assert not is_empty_shell(_namespace())
    for name, status in EMPTY.items():
        other = "False" if status == "True" else "True"
        assert not is_empty_shell(_namespace(**{**EMPTY, name: other}))


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
