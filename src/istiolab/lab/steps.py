"""Bringing the cluster up on a node that runs: the steps in their order, each with its condition.

Each step ends when the API, or the kernel, says that it is done; never by a line in a log.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from istiolab.errors import LabError
from istiolab.lab.network import Link
from istiolab.lab.node import in_node, search_path, supervise, wake_supervisor
from istiolab.lab.pins import Pins, asset_text, asset_texts
from istiolab.lab.spec import (
    API_PORT,
    CLUSTER_POD_SUBNET,
    NODE_NAME,
    SERVICE_SUBNET,
    NodePaths,
)
from istiolab.system.command import Completed, failure, run
from istiolab.system.environment import Audience, environment_for
from istiolab.system.files import write_atomic
from istiolab.system.progress import Step as Progress
from istiolab.system.retry import Answer, wait_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Bringup:
    """What every step works on."""

    pid: int
    """The host's id of the node's init."""
    paths: NodePaths
    """The node's files."""
    pins: Pins
    """The versions."""
    link: Link
    """The node's address is on it."""
    programs: Mapping[str, Path]
    """The folders of the lab's programs."""
    lab: str
    """The lab's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the bring-up."""

    name: str
    """What comes up."""
    run: Callable[[Bringup, Progress], None]
    """Does it, and returns when it is up."""
    estimate_seconds: float
    """How long it took on 2 cores."""


def kubeadm_configuration(bringup: Bringup) -> str:
    """Return what `kubeadm init` is told."""
    text = asset_text("kubeadm.yaml")
    for name, value in {
        "@ADDRESS@": bringup.link.node_address,
        "@PORT@": str(API_PORT),
        "@NODE@": NODE_NAME,
        "@CLUSTER@": bringup.lab,
        "@KUBERNETES@": bringup.pins.versions["kubernetes"],
        "@COREDNS@": bringup.pins.versions["coredns"],
        "@ETCD@": bringup.pins.versions["etcd"],
        "@CLUSTER_POD_SUBNET@": CLUSTER_POD_SUBNET,
        "@SERVICE_SUBNET@": SERVICE_SUBNET,
        # A string of JSON is one of YAML.
        "@PATCHES@": json.dumps(str(bringup.paths.config / "patches")),
        "@RESOLV_CONF@": json.dumps(str(bringup.paths.config / "resolv.conf")),
    }.items():
        text = text.replace(name, value)
    return text


def _containerd(bringup: Bringup, progress: Progress) -> None:
    progress.detail("waiting for its socket")
    ctr = ["ctr", "--namespace", "k8s.io", "version"]

    def look() -> Answer:
        wake_supervisor(bringup.paths)
        return _ok(_inside(bringup, ctr))

    _wait(
        "containerd",
        look,
        timeout_seconds=30,
        log=bringup.paths.log / "containerd.log",
    )


def _control_plane(bringup: Bringup, progress: Progress) -> None:
    progress.detail("kubeadm init")
    _kubeadm(bringup, "init", "--skip-phases=preflight,addon,show-join-command")
    admin = in_node(
        bringup.pid, ["cat", "/etc/kubernetes/admin.conf"], path=search_path(bringup.programs)
    )
    write_atomic(bringup.paths.kubeconfig, admin.stdout, mode=0o600)
    # The kubelet began before the API server answered, and its informers back off for up to 30 s
    # ("services have not yet been read at least once"); begun again, it starts pods at once.
    supervise(bringup.paths, "restart", "kubelet")
    progress.detail("waiting for the node")
    _wait("node", lambda: _node_ready(bringup), timeout_seconds=60, log=_kubelet_log(bringup))


def _kube_proxy(bringup: Bringup, progress: Progress) -> None:
    """Start kube-proxy and wait for its rules.

    A pod that reaches for the API's ClusterIP before the rules are there waits out TCP's SYN
    retries, which for istiod are 30 s.
    """
    _kubeadm(bringup, "init", "phase", "addon", "kube-proxy")
    progress.detail("waiting for the rules of the API's ClusterIP")
    health = ["curl", "--silent", "--fail", "--max-time", "1", "http://127.0.0.1:10256/healthz"]
    _wait(
        "kube-proxy",
        lambda: _ok(_inside(bringup, health)),
        timeout_seconds=90,
        log=_kubelet_log(bringup),
    )


def _dns_and_istio(bringup: Bringup, progress: Progress) -> None:
    progress.detail("CoreDNS")
    _dns(bringup)
    progress.detail("istioctl install")
    _istio(bringup)


def _dns_alone(bringup: Bringup, progress: Progress) -> None:
    progress.detail("applying it")
    _dns(bringup)


def _dns(bringup: Bringup) -> None:
    folder = bringup.paths.config / "coredns"
    folder.mkdir(exist_ok=True)
    for name, text in asset_texts("coredns").items():
        (folder / name).write_text(text)
    printed = _kubeadm(bringup, "init", "phase", "addon", "coredns", "--print-manifest")
    (folder / "kubeadm.yaml").write_text(printed_manifest(printed))
    kubectl(bringup, "apply", "--kustomize", str(folder))


def printed_manifest(printed: str) -> str:
    """Return the YAML in what `kubeadm … --print-manifest` printed.

    Before it stand lines of kubeadm's talk, and its separators lack the line's end.
    """
    _, _, manifest = f"\n{printed}".partition("\n---")
    return "---\n" + re.sub(r"^---(?=\S)", "---\n", manifest.lstrip("\n"), flags=re.MULTILINE)


def _istio(bringup: Bringup) -> None:
    operator = bringup.paths.config / "istio-operator.yaml"
    operator.write_text(asset_text("istio-operator.yaml"))
    istioctl = str(bringup.programs["istio"] / "istioctl")
    done = run(
        [
            *(istioctl, "install", "--filename", str(operator), "--skip-confirmation"),
            # Its own deadline passes before ours, so that we can say which pod is not ready.
            *("--readiness-timeout", "120s"),
        ],
        environment=environment_for(
            Audience.TOOL,
            {"KUBECONFIG": str(bringup.paths.kubeconfig), "HOME": str(bringup.paths.root)},
        ),
        timeout_seconds=300,
    )
    if done.exit_code != 0:
        error = failure(done)
        raise LabError(
            "Istio could not be installed",
            where=(*error.where, *pod_troubles(bringup)),
            log=_kubelet_log(bringup),
        )


def _pods(bringup: Bringup, progress: Progress) -> None:
    progress.detail("waiting for every pod to be Ready")
    waited = wait_until(lambda: _pods_ready(bringup), timeout_seconds=120)
    if not waited.done:
        raise LabError(
            f"pods were not Ready after {waited.seconds:.0f} s: {waited.detail}",
            where=pod_troubles(bringup),
            hint="`istiolab up --keep` leaves the node up for a look with `istiolab kubectl`",
        )


_KUBERNETES = (
    Step(name="containerd", run=_containerd, estimate_seconds=0.5),
    Step(name="control plane", run=_control_plane, estimate_seconds=7),
    Step(name="kube-proxy", run=_kube_proxy, estimate_seconds=1),
)
STEPS = (
    *_KUBERNETES,
    Step(name="CoreDNS and Istio", run=_dns_and_istio, estimate_seconds=9),
    Step(name="pods Ready", run=_pods, estimate_seconds=1),
)
"""The bring-up, in order."""
BARE_STEPS = (
    *_KUBERNETES,
    Step(name="CoreDNS", run=_dns_alone, estimate_seconds=1),
    Step(name="pods Ready", run=_pods, estimate_seconds=3),
)
"""The bring-up without a mesh."""


def kubectl(bringup: Bringup, *arguments: str) -> str:
    """Run kubectl on the cluster and return what it printed.

    Raises:
        LabError: it ended badly.
    """
    done = _kubectl(bringup, *arguments)
    if done.exit_code != 0:
        raise failure(done)
    return done.stdout


def pod_troubles(bringup: Bringup) -> tuple[str, ...]:
    """Return, for each pod that is not Ready, its events and the last lines of its log."""
    lines: list[str] = []
    listed = _kubectl(bringup, "get", "pods", "--all-namespaces", "--output=json")
    if listed.exit_code != 0:
        return ("the API server does not answer",)
    for namespace, name in unready_pods(listed.stdout):
        lines.append(f"pod {namespace}/{name}:")
        events = _kubectl(
            bringup,
            *("-n", namespace, "get", "events", "--no-headers"),
            f"--field-selector=involvedObject.name={name}",
        )
        logs = _kubectl(bringup, "-n", namespace, "logs", name, "--all-containers", "--tail=5")
        lines += [f"| {line}" for line in events.stdout.splitlines()[-5:]]
        lines += [f"| {line}" for line in logs.stdout.splitlines()[-5:]]
    return tuple(lines)


def unready_pods(listed: str) -> list[tuple[str, str]]:
    """Return namespace and name of each pod that is not Ready in a JSON list of pods."""
    return [
        (pod["metadata"]["namespace"], pod["metadata"]["name"])
        for pod in json.loads(listed)["items"]
        if not any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in pod.get("status", {}).get("conditions", ())
        )
    ]


def _pods_ready(bringup: Bringup) -> Answer:
    listed = _kubectl(bringup, "get", "pods", "--all-namespaces", "--output=json")
    if listed.exit_code != 0:
        return Answer(done=False, detail="the API server does not answer")
    waiting = unready_pods(listed.stdout)
    return Answer(done=not waiting, detail=", ".join(f"{n}/{p}" for n, p in waiting))


def _node_ready(bringup: Bringup) -> Answer:
    path = "jsonpath={.items[*].status.conditions[?(@.type=='Ready')].status}"
    done = _kubectl(bringup, "get", "nodes", f"--output={path}")
    return Answer(done=done.stdout.strip() == "True", detail=done.stderr.strip()[-200:])


def _kubectl(bringup: Bringup, *arguments: str) -> Completed:
    program = str(bringup.programs["kubernetes"] / "kubectl")
    return run([program, "--kubeconfig", str(bringup.paths.kubeconfig), *arguments])


def _kubeadm(bringup: Bringup, *arguments: str) -> str:
    config = bringup.paths.config / "kubeadm.yaml"
    config.write_text(kubeadm_configuration(bringup))
    done = in_node(
        bringup.pid,
        ["kubeadm", *arguments, f"--config={config}"],
        path=search_path(bringup.programs),
        timeout_seconds=300,
    )
    log = bringup.paths.log / "kubeadm.log"
    with log.open("a") as stream:
        stream.write(f"$ {done.command_line}\n{done.stdout}{done.stderr}")
    if done.exit_code != 0:
        error = failure(done)
        raise LabError(error.message, where=error.where, log=log)
    return done.stdout


def _inside(bringup: Bringup, argv: list[str]) -> Completed:
    return in_node(bringup.pid, argv, path=search_path(bringup.programs))


def _ok(done: Completed) -> Answer:
    return Answer(done=done.exit_code == 0, detail=(done.stderr or done.stdout).strip()[-200:])


def _kubelet_log(bringup: Bringup) -> Path:
    return bringup.paths.log / "kubelet.log"


def _wait(what: str, look: Callable[[], Answer], *, timeout_seconds: float, log: Path) -> None:
    waited = wait_until(
        look, timeout_seconds=timeout_seconds, delay_seconds=0.05, longest_delay_seconds=0.3
    )
    if not waited.done:
        raise LabError(
            f"step `{what}` was not ready after {waited.seconds:.0f} s "
            f"({waited.attempts} attempts)",
            where=(f"last answer: {waited.detail}",),
            log=log,
            hint=f"see its last lines with `istiolab logs {log.stem}`",
        )
