"""Which of Istio's control planes is ours to use: by which label it injects, and what it is called.

An Istio that was installed with a revision has it in the names of its objects, and may inject by
`istio.io/rev` alone; a tag named `default` gives it `istio-injection` as well
(https://istio.io/latest/docs/setup/upgrade/canary/#stable-revision-labels).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from istiolab.errors import ClusterError
from istiolab.mesh.client import Cluster, Json

WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
INJECTOR_WEBHOOK = "sidecar-injector.istio.io"
INJECTION_LABEL = "istio-injection"
REVISION_LABEL = "istio.io/rev"
_CONFIG_MAPS = "/api/v1/namespaces/istio-system/configmaps"
_DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlane:
    """One control plane of Istio."""

    revision: str = _DEFAULT
    """Its revision; `default` if it was installed without one."""
    by_revision: bool = False
    """It injects by its revision's label alone, not by `istio-injection`."""

    @property
    def selector(self) -> str:
        """Return the labels by which its istiod is found."""
        return f"app=istiod,{REVISION_LABEL}={self.revision}"

    @property
    def config_map(self) -> str:
        """Return the API path of the ConfigMap with the mesh's configuration."""
        return self._path("istio")

    @property
    def injector(self) -> str:
        """Return the API path of the injector's ConfigMap."""
        return self._path("istio-sidecar-injector")

    def labels(self, *, on: bool) -> dict[str, str | None]:
        """Return which labels of a namespace have its pods get sidecars, or not; None for none."""
        if on and self.by_revision:
            return {INJECTION_LABEL: None, REVISION_LABEL: self.revision}
        return {INJECTION_LABEL: "enabled" if on else "disabled", REVISION_LABEL: None}

    def _path(self, name: str) -> str:
        suffix = "" if self.revision == _DEFAULT else f"-{self.revision}"
        return f"{_CONFIG_MAPS}/{name}{suffix}"


def control_plane(cluster: Cluster) -> ControlPlane:
    """Return the control plane to use, as `choose` does.

    Raises:
        ClusterError: there are several, and it is not said which; or the cluster does not answer.
    """
    return choose(cluster.items(WEBHOOKS))


def choose(configurations: Iterable[Json]) -> ControlPlane:
    """Return the control plane that minds the label `istio-injection`, or else the only one.

    Args:
        configurations: the cluster's configurations of mutating webhooks. Without an injector
            among them it is as if Istio was installed without a revision.

    Raises:
        ClusterError: there are several, and none of them minds that label.
    """
    injectors = [
        (str(each["metadata"].get("labels", {}).get(REVISION_LABEL, _DEFAULT)), hook)
        for each in configurations
        for hook in injector_webhooks(each)
    ]
    for revision, hook in injectors:
        if _minds_injection(hook):
            return ControlPlane(revision=revision)
    revisions = sorted({revision for revision, _ in injectors})
    if len(revisions) > 1:
        raise ClusterError(
            "Istio is there in several revisions, and none is the default",
            where=tuple(f"revision: {each}" for each in revisions),
            hint=f"make one the default: `istioctl tag set default --revision {revisions[-1]}`",
        )
    return ControlPlane(revision=revisions[0], by_revision=True) if revisions else ControlPlane()


def injector_webhooks(configuration: Json) -> Iterator[Json]:
    """Yield those of a configuration's webhooks that inject sidecars."""
    for hook in configuration.get("webhooks", ()):
        if str(hook["name"]).endswith(INJECTOR_WEBHOOK):
            yield hook


def _minds_injection(hook: Json) -> bool:
    return any(
        each["key"] == INJECTION_LABEL
        and each["operator"] == "In"
        and "enabled" in each.get("values", ())
        for each in hook.get("namespaceSelector", {}).get("matchExpressions", ())
    )
