"""What every step of the bring-up works on, and how it waits: not for what cannot come true."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from istiolab.errors import LabError
from istiolab.lab.network import Link
from istiolab.lab.node import in_node, last_lines, search_path
from istiolab.lab.pins import Pins
from istiolab.lab.pods import CRASHING, Json, is_ready, is_static, what_it_does, why_stuck
from istiolab.lab.spec import NodePaths
from istiolab.system.command import Completed, failure, run
from istiolab.system.deadlines import said
from istiolab.system.process import is_alive
from istiolab.system.progress import Step as Progress
from istiolab.system.retry import SYSTEM_CLOCK, Answer, Clock, wait_until

# So often is looked at the pods while a step waits for something else.
_LOOK_SECONDS = 2.0


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


def inside(bringup: Bringup, argv: list[str], *, timeout_seconds: float = 60.0) -> Completed:
    """Run a program inside the node, and return how it ended."""
    path = search_path(bringup.programs)
    return in_node(bringup.pid, argv, path=path, timeout_seconds=timeout_seconds)


def kubectl(bringup: Bringup, *arguments: str) -> str:
    """Run kubectl on the cluster and return what it printed.

    Raises:
        LabError: it ended badly.
    """
    done = try_kubectl(bringup, *arguments)
    if done.exit_code != 0:
        raise failure(done)
    return done.stdout


def try_kubectl(bringup: Bringup, *arguments: str) -> Completed:
    """Run kubectl on the cluster, and return how it ended."""
    program = str(bringup.programs["kubernetes"] / "kubectl")
    return run([program, "--kubeconfig", str(bringup.paths.kubeconfig), *arguments])


def list_pods(bringup: Bringup) -> list[Json] | None:
    """Return all pods; None if the API server does not answer."""
    listed = try_kubectl(bringup, "get", "pods", "--all-namespaces", "--output=json")
    return list(json.loads(listed.stdout)["items"]) if listed.exit_code == 0 else None


def name_of(pod: Json) -> str:
    """Return how messages call a pod: namespace and name."""
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def wait(
    bringup: Bringup,
    what: str,
    look: Callable[[], Answer],
    *,
    timeout_seconds: float,
    log: Path,
) -> None:
    """Wait until `look` is done, or the node has ended.

    Args:
        bringup: where.
        what: the step's name, for messages.
        look: one look at what is waited for.
        timeout_seconds: the deadline, before it is scaled to this machine.
        log: the log that an error names; the node's own while that one is not there.

    Raises:
        LabError: the deadline has passed, or the node has ended.
    """

    def look_at_both() -> Answer:
        answer = look()
        if not answer.done:
            demand_node(bringup)
        return answer

    waited = wait_until(
        look_at_both, timeout_seconds=timeout_seconds, delay_seconds=0.05, longest_delay_seconds=0.3
    )
    if not waited.done:
        told = log if log.exists() else bringup.paths.log / "node.log"
        raise LabError(
            f"step `{what}` was not ready after {said(waited.seconds)}, {waited.attempts} attempts",
            where=(f"last answer: {waited.detail}",),
            log=told,
            hint=f"see its last lines with `istiolab logs {told.stem}`; if the machine is slow, "
            "give it more time: `--timeout-scale`",
        )


def demand_node(bringup: Bringup) -> None:
    """Demand that the node's init runs: without it nothing that is waited for can come.

    Raises:
        LabError: it has ended, with the last lines of its log.
    """
    if not is_alive(bringup.pid):
        log = bringup.paths.log / "node.log"
        raise LabError("the node has ended", where=last_lines(log), log=log)


class Watch:
    """Looks now and then, while a step waits, whether that is in vain, and says for what."""

    def __init__(
        self, bringup: Bringup, progress: Progress, *, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._bringup = bringup
        self._progress = progress
        self._clock = clock
        # Not at once: what comes up soon is not to be slowed down.
        self._next = clock.monotonic() + _LOOK_SECONDS

    def look(self) -> None:
        """Look at the node, and at the pods if it is time to.

        Raises:
            LabError: the node has ended, or a pod is stuck.
        """
        demand_node(self._bringup)
        if self._clock.monotonic() >= self._next:
            self.judge(list_pods(self._bringup) or ())
            self._next = self._clock.monotonic() + _LOOK_SECONDS

    def judge(self, pods: Sequence[Json]) -> None:
        """Say in the progress line which pod is waited for.

        Raises:
            LabError: one is stuck, with its last events and log lines.
        """
        for pod in pods:
            why = why_stuck(pod)
            # The control plane's parts begin together, and crash until they find each other.
            if why and not (is_static(pod) and what_it_does(pod) in CRASHING):
                raise LabError(
                    f"pod `{name_of(pod)}` does not come up, {why}",
                    where=pod_troubles(self._bringup, [pod]),
                    log=self._bringup.paths.log / "kubelet.log",
                    hint="`istiolab up --keep` leaves the node up for a look with "
                    "`istiolab kubectl`",
                )
        for pod in pods:
            if not is_ready(pod):
                self._progress.detail(f"pod {name_of(pod)}: {what_it_does(pod)}")
                return


def pod_troubles(bringup: Bringup, pods: Sequence[Json] | None = None) -> tuple[str, ...]:
    """Return, for each pod that is not Ready, its events and the last lines of its log.

    Args:
        bringup: where.
        pods: those that are looked at; None means all that there are.
    """
    lines: list[str] = []
    listed = list_pods(bringup) if pods is None else pods
    if listed is None:
        return ("the API server does not answer",)
    for pod in listed:
        if is_ready(pod):
            continue
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        lines.append(f"pod {namespace}/{name}: {what_it_does(pod)}")
        events = try_kubectl(
            bringup,
            *("-n", namespace, "get", "events", "--no-headers"),
            f"--field-selector=involvedObject.name={name}",
        )
        logs = try_kubectl(bringup, "-n", namespace, "logs", name, "--all-containers", "--tail=5")
        lines += [f"| {line}" for line in events.stdout.splitlines()[-5:]]
        lines += [f"| {line}" for line in logs.stdout.splitlines()[-5:]]
    return tuple(lines)
