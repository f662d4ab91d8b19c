from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from typing import Any

import pytest
import yaml

from istiolab.errors import LabError
from istiolab.lab.bringup import Bringup
from istiolab.lab.pins import load_pins
from istiolab.lab.steps import BARE_STEPS, STEPS, Step, kubeadm_configuration, printed_manifest
from istiolab.system.progress import SILENT
from istiolab.system.progress import Step as Progress

PINS = load_pins()


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


def test_kubeadms_deadlines_are_scaled_and_end_before_ours(
    bringup: Bringup, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = documents(bringup)["InitConfiguration"]["timeouts"]
    monkeypatch.setenv("ISTIOLAB_TIMEOUT_SCALE", "2.5")
    stretched = documents(bringup)["InitConfiguration"]["timeouts"]
    assert {name: int(text[:-1]) * 2.5 for name, text in plain.items()} == {
        name: int(text[:-1]) for name, text in stretched.items()
    }
    assert plain["kubeletHealthCheck"] == plain["controlPlaneComponentHealthCheck"] == "120s"


def test_a_step_that_fails_since_the_node_has_ended_says_so(bringup: Bringup, dead: int) -> None:
    def fail(_bringup: Bringup, _progress: Progress) -> None:
        raise LabError("`kubeadm` ended with -9")

    step = Step(name="some", work=fail, estimate_seconds=1)
    with SILENT.step("some") as progress:
        with pytest.raises(LabError, match="`kubeadm` ended with -9"):
            step.run(bringup, progress)
        with pytest.raises(LabError, match="the node has ended"):
            step.run(replace(bringup, pid=dead), progress)


def test_a_node_that_ends_just_after_what_ran_in_it_is_what_is_told(bringup: Bringup) -> None:
    with subprocess.Popen(["sleep", "0.3"]) as init:

        def fail(_bringup: Bringup, _progress: Progress) -> None:
            raise LabError("`kubeadm` ended with -9")

        step = Step(name="some", work=fail, estimate_seconds=1)
        with SILENT.step("some") as progress, pytest.raises(LabError, match="the node has ended"):
            step.run(replace(bringup, pid=init.pid), progress)


def test_steps_come_in_the_order_in_which_they_stand_on_each_other() -> None:
    names = [step.name for step in STEPS]
    assert names == ["containerd", "control plane", "kube-proxy", "CoreDNS and Istio", "pods Ready"]


def test_a_bare_lab_comes_up_like_any_other_but_for_istio() -> None:
    names = [step.name for step in BARE_STEPS]
    assert names == ["containerd", "control plane", "kube-proxy", "CoreDNS", "pods Ready"]
    assert set(BARE_STEPS) - set(STEPS) == {BARE_STEPS[3], BARE_STEPS[4]}
    assert BARE_STEPS[-1].work is STEPS[-1].work


def test_the_manifest_that_kubeadm_prints_becomes_yaml() -> None:
    printed = "[patches] talk\n---apiVersion: v1\nkind: A\n---\napiVersion: v1\nkind: B\n"
    manifest = printed_manifest(printed)
    assert [each["kind"] for each in yaml.safe_load_all(manifest) if each] == ["A", "B"]
