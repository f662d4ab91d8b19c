"""What istiod counts of its own work: its metrics in, what it has done between two looks out.

The metrics: https://istio.io/latest/docs/reference/commands/pilot-discovery/#metrics
The format: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from istiolab.errors import ClusterError
from istiolab.mesh.client import Cluster
from istiolab.mesh.revision import control_plane
from istiolab.mesh.session import Mesh
from istiolab.mesh.table import Listing

NAMESPACE = "istio-system"
MONITORING_PORT = 15014

# A sample: name, labels in braces if it has any, value; a time stamp may follow.
_SAMPLE = re.compile(
    r"(?P<name>[A-Za-z_:][\w:]*)(?P<labels>\{.*\})? "
    r"(?P<value>[+-]?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|Inf|NaN))(?: -?\d+)?"
)

WORK: Mapping[str, str] = {
    "saw a change of Istio's resources": "pilot_k8s_cfg_events",
    "saw a change of Services, endpoints, pods, …": "pilot_k8s_reg_events",
    "checked a resource for the API server": "galley_validation_passed",
    "gave a pod its sidecar": "sidecar_injection_success_total",
    "signed a certificate": "citadel_server_success_cert_issuance_count",
    "pushed listeners": 'pilot_xds_pushes{type="lds"}',
    "pushed routes": 'pilot_xds_pushes{type="rds"}',
    "pushed clusters": 'pilot_xds_pushes{type="cds"}',
    "pushed endpoints": 'pilot_xds_pushes{type="eds"}',
}
"""What istiod does, and what counts it: a metric, with all its labels or with just these."""

CLOCKS: Mapping[str, str] = {
    "waited for further changes": "pilot_debounce_time",
    "from then until a sidecar had been sent all": "pilot_proxy_convergence_time",
}
"""What istiod takes the time of, and the histogram that it keeps of it, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How often istiod has done something."""

    what: str
    """What."""
    metric: str
    """What counts it."""
    times: int
    """How often."""

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {"istiod": self.what, "metric": self.metric, "times": str(self.times)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """How long something has taken istiod."""

    what: str
    """What."""
    metric: str
    """The histogram."""
    times: int
    """How often it was done."""
    seconds: float
    """How long it took on average; 0 if it was not done."""

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {
            "istiod": self.what,
            "metric": self.metric,
            "times": str(self.times),
            "seconds": f"{self.seconds:.4f}",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What all istiods of a mesh have counted, together, up to one moment."""

    samples: Mapping[str, float]
    """The value of each metric, by its name and labels as they are written."""

    def total(self, metric: str) -> float:
        """Return the value of a metric: with labels just that one, without the sum of them all."""
        if metric.endswith("}"):
            return self.samples.get(metric, 0.0)
        return sum(
            value for name, value in self.samples.items() if name.partition("{")[0] == metric
        )

    def since(self, earlier: Counters) -> Listing[Work]:
        """Return how often istiod has done each kind of its work since an earlier look."""
        return Listing(
            Work(what=what, metric=metric, times=round(self.total(metric) - earlier.total(metric)))
            for what, metric in WORK.items()
        )

    def took(self, earlier: Counters) -> Listing[Took]:
        """Return how long istiod's steps have taken on average since an earlier look."""
        return Listing(
            _took(what, metric, earlier=earlier, later=self) for what, metric in CLOCKS.items()
        )


def istiod_counters(mesh: Mesh) -> Counters:
    """Ask istiod what it has counted so far.

    Raises:
        ClusterError: there is no istiod that runs, or it does not hand out its metrics.
    """
    selector = control_plane(mesh.cluster).selector
    pods = mesh.cluster.items(
        f"/api/v1/namespaces/{NAMESPACE}/pods",
        labelSelector=selector,
        fieldSelector="status.phase=Running",
    )
    if not pods:
        raise ClusterError(
            "the cluster has no Istio that runs",
            where=(f"looked for: pods with the labels {selector}",),
        )
    samples: dict[str, float] = {}
    for pod in pods:
        for name, value in parse(_metrics(mesh.cluster, pod["metadata"]["name"])).items():
            samples[name] = samples.get(name, 0.0) + value
    return Counters(samples=samples)


def parse(text: str) -> dict[str, float]:
    """Read metrics in Prometheus' text format.

    Raises:
        ClusterError: a line is no sample.
    """
    samples: dict[str, float] = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        found = _SAMPLE.fullmatch(line.rstrip())
        if found is None:
            raise ClusterError(
                "istiod's metrics hold a line that is no sample", where=(f"line: {line[:120]}",)
            )
        samples[found["name"] + (found["labels"] or "")] = float(found["value"])
    return samples


def _metrics(cluster: Cluster, pod: str) -> str:
    # By the API server's proxy: istiod's port need not be reachable from here.
    return cluster.text(
        f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}:{MONITORING_PORT}/proxy/metrics"
    )


def _took(what: str, metric: str, *, earlier: Counters, later: Counters) -> Took:
    times = round(later.total(f"{metric}_count") - earlier.total(f"{metric}_count"))
    seconds = later.total(f"{metric}_sum") - earlier.total(f"{metric}_sum")
    return Took(what=what, metric=metric, times=times, seconds=seconds / times if times else 0.0)
