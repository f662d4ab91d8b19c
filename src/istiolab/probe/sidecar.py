"""A pod's sidecar asked: its access log and its configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from istiolab.errors import ClusterError
from istiolab.mesh.client import Cluster
from istiolab.mesh.mesh_config import access_log_trouble
from istiolab.mesh.pods import SIDECAR, LivePod
from istiolab.mesh.table import Listing
from istiolab.mesh.waits import wait_for
from istiolab.probe import access_log as logs
from istiolab.probe import config_dump
from istiolab.probe.access_log import AccessLogEntry
from istiolab.probe.config_dump import ConfigDump, EnvoyCluster, FilterChain, Route
from istiolab.probe.wire import Exchange
from istiolab.system.retry import Answer

# pilot-agent starts Envoy with --file-flush-interval-msec 1000: a line may come a second late.
LOG_SECONDS = 10.0
PERHAPS_SECONDS = 2.5
PUSH_SECONDS = 15.0

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A request, and what the sidecars on its way wrote about it."""

    exchange: Exchange
    """The exchange."""
    logs: Mapping[str, Listing[AccessLogEntry]]
    """The new access log entries, by the pod's label `app`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedBy:
    """An access log entry, and whose sidecar wrote it."""

    app: str
    """The pod's label `app`."""
    entry: AccessLogEntry
    """The entry."""

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {"sidecar of": self.app, **self.entry.row()}


def access_log(pod: LivePod) -> Listing[AccessLogEntry]:
    """Return the access log of a pod's sidecar, oldest first.

    Raises:
        ClusterError: the pod has no sidecar.
    """
    _demand_sidecar(pod)
    return Listing(logs.parse(pod.log(SIDECAR)))


def listeners(pod: LivePod) -> Listing[FilterChain]:
    """Return the listeners of a pod's sidecar, a row for each filter chain.

    Raises:
        ClusterError: the pod has no sidecar, or it does not answer.
    """
    return Listing(read_config(pod).filter_chains)


def routes(pod: LivePod) -> Listing[Route]:
    """Return the routes of a pod's sidecar.

    Raises:
        ClusterError: the pod has no sidecar, or it does not answer.
    """
    return Listing(read_config(pod).routes)


def clusters(pod: LivePod) -> Listing[EnvoyCluster]:
    """Return the clusters of a pod's sidecar.

    Raises:
        ClusterError: the pod has no sidecar, or it does not answer.
    """
    return Listing(read_config(pod).clusters)


def read_config(pod: LivePod) -> ConfigDump:
    """Return the whole configuration of a pod's sidecar.

    Raises:
        ClusterError: the pod has no sidecar, or it does not answer.
    """
    _demand_sidecar(pod)
    done = pod.execute(SIDECAR, ["pilot-agent", "request", "GET", "config_dump"])
    if done.exit_code != 0:
        raise ClusterError(
            f"the sidecar of `{pod.pod.name}` did not hand out its configuration",
            where=tuple(f"| {line}" for line in done.stderr.splitlines()[-3:]),
        )
    return config_dump.parse(done.stdout)


def observe(
    ask: Callable[[], Exchange],
    entries: Mapping[LivePod, int],
    *,
    perhaps: LivePod | None = None,
) -> Observed:
    """Send a request and wait for what the sidecars log about it.

    Args:
        ask: sends the request.
        entries: the pods on its way, and how many entries each one's sidecar writes at least: one
            for each time that the request, or the connection, goes through it. Pods without a
            sidecar are left out.
        perhaps: a pod that the request may not get to; that its sidecar logs nothing is no error.

    Raises:
        ClusterError: a sidecar has not logged it in time: it did not go where it was thought to.
    """
    wanted = {pod: least for pod, least in entries.items() if pod.pod.has_sidecar}
    asked = [*wanted, *([perhaps] if perhaps and perhaps.pod.has_sidecar else [])]
    before = {pod: len(access_log(pod)) for pod in asked}
    exchange = ask()
    found: dict[LivePod, Listing[AccessLogEntry]] = {}

    def look(pod: LivePod, least: int) -> Answer:
        found[pod] = _in_order(access_log(pod)[before[pod] :])
        count = len(found[pod])
        detail = f"sidecar of {pod.pod.name}: {count} of {least} entries"
        return Answer(done=count >= least, detail=detail)

    for pod in asked:
        # Envoy writes once a second: what is not there after two will not come.
        seconds = LOG_SECONDS if pod in wanted else PERHAPS_SECONDS
        waited = wait_for(
            "access log entries",
            partial(look, pod, wanted.get(pod, 1)),
            timeout_seconds=seconds,
        )
        if pod in wanted and not waited.done:
            raise unlogged(
                "a request has left no trace in a sidecar's access log",
                pod.cluster,
                where=(f"answer: {exchange.answer}", waited.detail),
            )
    return Observed(exchange=exchange, logs={pod.pod.app: found[pod] for pod in asked})


def unlogged(message: str, cluster: Cluster, *, where: tuple[str, ...] = ()) -> ClusterError:
    """Make the exception for what is not in an access log, with what the mesh is told about it.

    Args:
        message: what is not there.
        cluster: the mesh's.
        where: what was seen instead.
    """
    try:
        trouble = access_log_trouble(cluster)
    except ClusterError:  # what is missing is what counts, and is not to be lost
        trouble = None
    if trouble is None:
        hint = (
            "see what the sidecar was told: `istioctl proxy-config listeners`; a Telemetry "
            "resource may say otherwise than the mesh: `kubectl get telemetry -A`"
        )
        return ClusterError(message, where=where, hint=hint)
    return ClusterError(message, where=(*where, trouble.what), hint=trouble.remedy)


def _in_order(entries: Iterable[AccessLogEntry]) -> Listing[AccessLogEntry]:
    """Sort by the start, what came in before what it caused; the log is sorted by the end."""
    return Listing(sorted(entries, key=lambda entry: (entry.start_time, not entry.is_inbound)))


def trail(observed: Observed) -> Listing[LoggedBy]:
    """Return all entries of an observed request in one table, sidecar by sidecar."""
    return Listing(
        LoggedBy(app=app, entry=entry)
        for app, entries in observed.logs.items()
        for entry in entries
    )


def wait_for_push(change: Callable[[], Made], *pods: LivePod) -> Made:
    """Change something, and wait until the sidecars of `pods` have listeners other than before.

    Args:
        change: makes the change, such as `lambda: demo.apply(…)`.
        pods: those whose sidecars must take it up.

    Returns:
        What `change` returned.

    Raises:
        ClusterError: a sidecar still has its old listeners at the deadline.
    """
    before = {pod: read_config(pod).filter_chains for pod in pods}
    made = change()

    def look() -> Answer:
        stale = [pod for pod in pods if read_config(pod).filter_chains == before[pod]]
        return Answer(done=not stale, detail=", ".join(pod.pod.name for pod in stale))

    waited = wait_for("sidecars' new listeners", look, timeout_seconds=PUSH_SECONDS)
    if not waited.done:
        raise ClusterError(
            f"sidecars still have their old listeners after {waited.seconds:.0f} s",
            where=(f"pods: {waited.detail}",),
            hint="see what istiod sent them: `istioctl proxy-status`",
        )
    return made


def _demand_sidecar(pod: LivePod) -> None:
    if not pod.pod.has_sidecar:
        raise ClusterError(
            f"pod `{pod.pod.name}` has no sidecar",
            where=(f"containers: {', '.join(pod.pod.containers)}",),
            hint="switch injection on and restart it: `namespace.inject()`, `namespace.restart(…)`",
        )
