"""Bringing the cluster up on a node that runs: the steps in their order, each with its condition.

Each step ends when the API, or the kernel, says that it is done; never by a line in a log.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from istiolab.errors import LabError
from istiolab.lab.bringup import (
    Bringup,
    Watch,
    demand_node,
    inside,
    kubectl,
    list_pods,
    name_of,
    pod_troubles,
    try_kubectl,
    wait,
)
from istiolab.lab.node import supervise, wake_supervisor
from istiolab.lab.pins import asset_text, asset_texts
from istiolab.lab.pods import is_ready
from istiolab.lab.spec import API_PORT, CLUSTER_POD_SUBNET, NODE_NAME, SERVICE_SUBNET
from istiolab.system.command import Completed, failure, run
from istiolab.system.deadlines import said, scaled
from istiolab.system.environment import Audience, environment_for
from istiolab.system.files import write_atomic
from istiolab.system.process import is_alive
from istiolab.system.progress import Step as Progress
from istiolab.system.retry import Answer, wait_until

_MOMENT = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the bring-up."""

    name: str
    """What comes up."""
    work: Callable[[Bringup, Progress], None]
    """Does it, and returns when it is up."""
    estimate_seconds: float
    """How long it took on 2 cores."""

    def run(self, bringup: Bringup, progress: Progress) -> None:
        """Do it, and return when it is up.

        Raises:
            LabError: it did not come up. That the node has ended comes before what else is wrong.
        """
        try:
            self.work(bringup, progress)
        except LabError:
            # What runs in a node ends before its init does, a moment earlier.
            wait_until(lambda: Answer(done=not is_alive(bringup.pid)), timeout_seconds=_MOMENT)
            demand_node(bringup)
            raise


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
    # Its own deadlines, `@60s@` for one, are scaled like ours.
    return re.sub(r"@(\d+)s@", lambda found: duration(int(found[1])), text)


def duration(seconds: float) -> str:
    """Return a deadline, scaled to this machine, as programs written in Go are told it."""
    return f"{math.ceil(scaled(seconds))}s"


def _containerd(bringup: Bringup, progress: Progress) -> None:
    progress.detail("waiting for its socket")
    ctr = ["ctr", "--namespace", "k8s.io", "version"]

    def look() -> Answer:
        wake_supervisor(bringup.paths)
        return _ok(inside(bringup, ctr))

    log = bringup.paths.log / "containerd.log"
    wait(bringup, "containerd", look, timeout_seconds=30, log=log)


def _control_plane(bringup: Bringup, progress: Progress) -> None:
    progress.detail("kubeadm init")
    _kubeadm(bringup, "init", "--skip-phases=preflight,addon,show-join-command")
    admin = inside(bringup, ["cat", "/etc/kubernetes/admin.conf"])
    write_atomic(bringup.paths.kubeconfig, admin.stdout, mode=0o600)
    # The kubelet began before the API server answered, and its informers back off for up to 30 s
    # ("services have not yet been read at least once"); begun again, it starts pods at once.
    supervise(bringup.paths, "restart", "kubelet")
    progress.detail("waiting for the node")
    log = _kubelet_log(bringup)
    wait(bringup, "node", lambda: _node_ready(bringup), timeout_seconds=60, log=log)


def _kube_proxy(bringup: Bringup, progress: Progress) -> None:
    """Start kube-proxy and wait for its rules.

    A pod that reaches for the API's ClusterIP before the rules are there waits out TCP's SYN
    retries, which for istiod are 30 s.
    """
    _kubeadm(bringup, "init", "phase", "addon", "kube-proxy")
    progress.detail("waiting for the rules of the API's ClusterIP")
    limit = ("--max-time", f"{scaled(1):g}")
    health = ["curl", "--silent", "--fail", *limit, "http://127.0.0.1:10256/healthz"]
    watch = Watch(bringup, progress)

    def look() -> Answer:
        answer = _ok(inside(bringup, health))
        if not answer.done:
            watch.look()
        return answer

    wait(bringup, "kube-proxy", look, timeout_seconds=90, log=_kubelet_log(bringup))


def _dns_and_istio(bringup: Bringup, progress: Progress) -> None:
    progress.detail("CoreDNS")
    _dns(bringup)
    progress.detail("istioctl install")
    _istio(bringup, progress)


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


def _istio(bringup: Bringup, progress: Progress) -> None:
    operator = bringup.paths.config / "istio-operator.yaml"
    operator.write_text(asset_text("istio-operator.yaml"))
    istioctl = str(bringup.programs["istio"] / "istioctl")
    done = run(
        [
            *(istioctl, "install", "--filename", str(operator), "--skip-confirmation"),
            # Its own deadline passes before ours, so that we can say which pod is not ready.
            *("--readiness-timeout", duration(120)),
        ],
        environment=environment_for(
            Audience.TOOL,
            {"KUBECONFIG": str(bringup.paths.kubeconfig), "HOME": str(bringup.paths.root)},
        ),
        timeout_seconds=300,
        watch=Watch(bringup, progress).look,
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
    watch = Watch(bringup, progress)
    waited = wait_until(lambda: _pods_ready(bringup, watch), timeout_seconds=120)
    if not waited.done:
        raise LabError(
            f"pods were not Ready after {said(waited.seconds)}: {waited.detail}",
            where=pod_troubles(bringup),
            hint="`istiolab up --keep` leaves the node up for a look with `istiolab kubectl`",
        )


_KUBERNETES = (
    Step(name="containerd", work=_containerd, estimate_seconds=0.5),
    Step(name="control plane", work=_control_plane, estimate_seconds=7),
    Step(name="kube-proxy", work=_kube_proxy, estimate_seconds=1),
)
STEPS = (
    *_KUBERNETES,
    Step(name="CoreDNS and Istio", work=_dns_and_istio, estimate_seconds=9),
    Step(name="pods Ready", work=_pods, estimate_seconds=1),
)
"""The bring-up, in order."""
BARE_STEPS = (
    *_KUBERNETES,
    Step(name="CoreDNS", work=_dns_alone, estimate_seconds=1),
    Step(name="pods Ready", work=_pods, estimate_seconds=3),
)
"""The bring-up without a mesh."""


def _pods_ready(bringup: Bringup, watch: Watch) -> Answer:
    demand_node(bringup)
    pods = list_pods(bringup)
    if pods is None:
        return Answer(done=False, detail="the API server does not answer")
    watch.judge(pods)
    waiting = [name_of(pod) for pod in pods if not is_ready(pod)]
    return Answer(done=not waiting, detail=", ".join(waiting))


def _node_ready(bringup: Bringup) -> Answer:
    path = "jsonpath={.items[*].status.conditions[?(@.type=='Ready')].status}"
    done = try_kubectl(bringup, "get", "nodes", f"--output={path}")
    return Answer(done=done.stdout.strip() == "True", detail=done.stderr.strip()[-200:])


def _kubeadm(bringup: Bringup, *arguments: str) -> str:
    config = bringup.paths.config / "kubeadm.yaml"
    config.write_text(kubeadm_configuration(bringup))
    done = inside(bringup, ["kubeadm", *arguments, f"--config={config}"], timeout_seconds=300)
    log = bringup.paths.log / "kubeadm.log"
    with log.open("a") as stream:
        stream.write(f"$ {done.command_line}\n{done.stdout}{done.stderr}")
    if done.exit_code != 0:
        error = failure(done)
        raise LabError(error.message, where=error.where, log=log)
    return done.stdout


def _ok(done: Completed) -> Answer:
    return Answer(done=done.exit_code == 0, detail=(done.stderr or done.stdout).strip()[-200:])


def _kubelet_log(bringup: Bringup) -> Path:
    return bringup.paths.log / "kubelet.log"
