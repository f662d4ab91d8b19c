from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from istiolab.errors import LabError
from istiolab.lab import steps
from istiolab.lab.network import choose_link
from istiolab.lab.pins import load_pins
from istiolab.lab.spec import NodePaths
from istiolab.lab.steps import (
    BARE_STEPS,
    STEPS,
    Bringup,
    kubeadm_configuration,
    kubectl,
    pod_troubles,
    printed_manifest,
    unready_pods,
)
from istiolab.system.retry import Answer
from tests.unit.lab.programs import write_program

PINS = load_pins()


@pytest.fixture
def bringup(tmp_path: Path) -> Bringup:
    return Bringup(
        pid=1,
        paths=NodePaths(root=tmp_path),
        pins=PINS,
        link=choose_link("lab", []),
        programs={"kubernetes": tmp_path / "programs"},
        lab="some-lab",
    )


def documents(bringup: Bringup) -> dict[str, dict[str, Any]]:
    found = list(yaml.safe_load_all(kubeadm_configuration(bringup)))
    return {document["kind"]: document for document in found}


def test_every_blank_of_kubeadms_configuration_is_filled_in(bringup: Bringup) -> None:
    text = kubeadm_configuration(bringup)
    assert re.findall(r"@\w*@?", text) == []


def test_kubeadm_is_told_the_nodes_address_in_both_places(bringup: Bringup) -> None:
    init = documents(bringup)["InitConfiguration"]
    assert init["localAPIEndpoint"] == {"advertiseAddress": "198.51.100.2", "bindPort": 6443}
    arguments = {a["name"]: a["value"] for a in init["nodeRegistration"]["kubeletExtraArgs"]}
    assert arguments["node-ip"] == "198.51.100.2"


def test_kubeadm_is_told_the_pinned_versions_and_the_labs_name(bringup: Bringup) -> None:
    cluster = documents(bringup)["ClusterConfiguration"]
    assert cluster["kubernetesVersion"] == PINS.versions["kubernetes"]
    assert cluster["clusterName"] == "some-lab"


def test_images_that_kubeadm_asks_for_are_among_the_pinned_ones(bringup: Bringup) -> None:
    cluster = documents(bringup)["ClusterConfiguration"]
    etcd, dns = cluster["etcd"]["local"], cluster["dns"]
    asked = {
        f"{etcd['imageRepository']}/etcd:{etcd['imageTag']}",
        # kubeadm puts one more `coredns` into the name on the registry of its own default.
        f"{dns['imageRepository']}/coredns/coredns:{dns['imageTag']}",
        *(
            f"registry.k8s.io/{name}:{cluster['kubernetesVersion']}"
            for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
        ),
        f"registry.k8s.io/kube-proxy:{cluster['kubernetesVersion']}",
    }
    assert asked <= {image.name for image in PINS.images}


def test_pods_of_the_lab_ask_no_name_server_of_the_host(bringup: Bringup) -> None:
    kubelet = documents(bringup)["KubeletConfiguration"]
    assert kubelet["resolvConf"] == str(bringup.paths.config / "resolv.conf")


def pod(name: str, *conditions: tuple[str, str]) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "some", "name": name},
        "status": {"conditions": [{"type": t, "status": s} for t, s in conditions]},
    }


def test_pods_are_unready_until_their_ready_condition_is_true() -> None:
    bare = {"metadata": {"namespace": "some", "name": "bare"}}
    pods = [
        pod("ready", ("Initialized", "True"), ("Ready", "True")),
        pod("starting", ("Initialized", "True"), ("Ready", "False")),
        pod("unknown", ("Ready", "Unknown")),
        pod("scheduled", ("ContainersReady", "True")),
        pod("new"),
        bare,
    ]
    found = unready_pods(json.dumps({"items": pods}))
    assert found == [("some", n) for n in ("starting", "unknown", "scheduled", "new", "bare")]


def test_no_pods_are_no_unready_ones() -> None:
    assert unready_pods('{"items": []}') == []


def fake_kubectl(bringup: Bringup, script: str) -> None:
    write_program(bringup.programs["kubernetes"] / "kubectl", script)


def test_kubectl_asks_the_labs_cluster(bringup: Bringup) -> None:
    fake_kubectl(bringup, 'echo "$*"')
    said = kubectl(bringup, "get", "pods")
    assert said == f"--kubeconfig {bringup.paths.kubeconfig} get pods\n"


def test_kubectl_that_fails_is_an_error_with_its_words(bringup: Bringup) -> None:
    fake_kubectl(bringup, "echo 'Error from server (NotFound)' >&2; exit 1")
    with pytest.raises(LabError, match="`kubectl` ended with 1") as caught:
        kubectl(bringup, "get", "pods")
    assert caught.value.where[-1] == "| Error from server (NotFound)"


def test_troubles_of_each_unready_pod_are_its_last_events_and_log_lines(bringup: Bringup) -> None:
    listed = json.dumps({"items": [pod("fine", ("Ready", "True")), pod("ill")]})
    fake_kubectl(
        bringup,
        f"""case "$*" in
        *'get pods'*) echo '{listed}' ;;
        *'get events'*involvedObject.name=ill) seq 1 9 ;;
        *'logs ill'*) echo 'cannot bind' ;;
        esac""",
    )
    events = [f"| {number}" for number in range(5, 10)]
    assert pod_troubles(bringup) == ("pod some/ill:", *events, "| cannot bind")


def test_troubles_with_a_dead_api_server_say_so(bringup: Bringup) -> None:
    fake_kubectl(bringup, "exit 1")
    assert pod_troubles(bringup) == ("the API server does not answer",)


def test_step_that_never_gets_ready_names_its_last_answer_and_a_log_that_can_be_shown(
    tmp_path: Path,
) -> None:
    answer = Answer(done=False, hopeless=True, detail="connection refused")
    log = tmp_path / "kubelet.log"
    with pytest.raises(LabError, match="step `node` was not ready after 0 s") as caught:
        steps._wait("node", lambda: answer, timeout_seconds=60, log=log)
    assert caught.value.where == ("last answer: connection refused",)
    assert caught.value.log == log
    # `istiolab logs` knows a part by the name of its log.
    assert caught.value.hint == "see its last lines with `istiolab logs kubelet`"


def test_steps_come_in_the_order_in_which_they_stand_on_each_other() -> None:
    names = [step.name for step in STEPS]
    assert names == ["containerd", "control plane", "kube-proxy", "CoreDNS and Istio", "pods Ready"]


def test_a_bare_lab_comes_up_like_any_other_but_for_istio() -> None:
    names = [step.name for step in BARE_STEPS]
    assert names == ["containerd", "control plane", "kube-proxy", "CoreDNS", "pods Ready"]
    assert set(BARE_STEPS) - set(STEPS) == {BARE_STEPS[3], BARE_STEPS[4]}
    assert BARE_STEPS[-1].run is STEPS[-1].run


def test_the_manifest_that_kubeadm_prints_becomes_yaml() -> None:
    printed = "[patches] talk\n---apiVersion: v1\nkind: A\n---\napiVersion: v1\nkind: B\n"
    manifest = printed_manifest(printed)
    assert [each["kind"] for each in yaml.safe_load_all(manifest) if each] == ["A", "B"]
