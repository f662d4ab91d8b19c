"""What a lab is: the plan of one before it is up, and the record of one that is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from istiolab.errors import LabError, UsageError
from istiolab.lab.network import Link

NODE_NAME = "istiolab"
# On each namespace that notebooks make, so that it can be found again, whoever made it.
OWNER_LABEL = "istiolab.dev/owner"
API_PORT = 6443
POD_SUBNET = "10.244.0.0/24"
CLUSTER_POD_SUBNET = "10.244.0.0/16"
SERVICE_SUBNET = "10.96.0.0/16"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePaths:
    """Where the files of one node lie, all under the lab's state folder."""

    root: Path
    """The state folder."""

    @property
    def containerd(self) -> Path:
        """Return containerd's store of images and containers."""
        return self.root / "containerd"

    @property
    def kubelet(self) -> Path:
        """Return what the node sees as /var/lib/kubelet."""
        return self.root / "kubelet"

    @property
    def log(self) -> Path:
        """Return what the node sees as /var/log; it stays when the lab goes down."""
        return self.root / "log"

    @property
    def config(self) -> Path:
        """Return the folder of the node's own configuration files."""
        return self.root / "config"

    @property
    def bin(self) -> Path:
        """Return a folder with a link to each of the lab's programs."""
        return self.root / "bin"

    @property
    def spec(self) -> Path:
        """Return the plan of the node, which its init reads."""
        return self.config / "node.json"

    @property
    def supervisor(self) -> Path:
        """Return the supervisor's configuration."""
        return self.config / "supervisord.conf"

    @property
    def socket(self) -> Path:
        """Return the supervisor's control socket."""
        return self.config / "supervisor.sock"

    @property
    def kubeconfig(self) -> Path:
        """Return the administrator's kubeconfig."""
        return self.root / "kubeconfig"

    @property
    def record(self) -> Path:
        """Return the record of the lab."""
        return self.root / "lab.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSpec:
    """All that the node's init needs to know."""

    group: str
    """The name of the lab's control groups, which no other lab has."""
    state: str
    """The state folder."""
    keep: tuple[str, ...]
    """Folders that must stay visible in the node where they are: cache, state, Python."""
    node_address: str
    """The node's address."""

    def to_json(self) -> str:
        """Return the spec as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> NodeSpec:
        """Read what `to_json` wrote."""
        table = json.loads(text)
        return cls(**{**table, "keep": tuple(table["keep"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """A cluster that answers: with Istio, unless it is bare."""

    name: str
    """The lab's name."""
    provider: str
    """Who stands behind it: `embedded` or `existing`."""
    kubeconfig: Path
    """Its kubeconfig, in the state folder: no other context is in it than the one to use."""
    context: str
    """Which context of a given kubeconfig that is; empty for a lab of ours."""
    fingerprint: str
    """A digest of the pins that it was made from; empty for a cluster that is not ours."""
    pid: int = 0
    """The host's id of the node's init; 0 for a cluster that is not ours."""
    pid_started: float = 0.0
    """When that process started, in seconds since the epoch; guards against a reused id."""
    link: Mapping[str, str | int] | None = None
    """The node's link, as `Link`'s fields."""
    seconds: Mapping[str, float] | None = None
    """How long each step of coming up took."""
    group: str = ""
    """The name of the lab's control groups; empty for a cluster that is not ours."""
    workload_image: str = ""
    """The image of the notebooks' workloads; empty means the lab's own."""
    bare: bool = False
    """It was brought up without a mesh: Kubernetes alone, with Istio's images on its node."""

    def to_json(self) -> str:
        """Return the record as indented JSON."""
        return json.dumps({**asdict(self), "kubeconfig": str(self.kubeconfig)}, indent=2) + "\n"


def read_lab(record: Path) -> Lab | None:
    """Read the record of a lab; None if there is none.

    Raises:
        LabError: the record is not one of ours.
    """
    if not record.exists():
        return None
    try:
        table = json.loads(record.read_text())
        return Lab(**{**table, "kubeconfig": Path(table["kubeconfig"])})
    except (ValueError, TypeError, KeyError) as broken:
        raise LabError(
            f"the lab's record cannot be read: {broken}",
            where=(f"record: {record}",),
            hint="`istiolab down` ends the lab all the same; then `istiolab up`",
        ) from broken


def demand_provider(record: Path, provider: str) -> None:
    """Demand that the lab of this record, if there is one, is of the kind `provider`.

    Raises:
        UsageError: it is of another: bringing it up would forget what only that one can end.
        LabError: the record is not one of ours.
    """
    lab = read_lab(record)
    if lab is not None and lab.provider != provider:
        raise UsageError(
            f"lab `{lab.name}` is in use with the provider `{lab.provider}`",
            hint=f"take it down: `istiolab down --name {lab.name}`, or name another with `--name`",
        )


def demand_bareness(running: Lab, *, bare: bool) -> None:
    """Demand that the lab that is up is bare, or that it is not, as is wanted.

    Raises:
        UsageError: it is the other kind.
    """
    if running.bare == bare:
        return
    kind, wanted = ("bare", "one with a mesh") if running.bare else ("with a mesh", "a bare one")
    raise UsageError(
        f"lab `{running.name}` is up {kind}, and what is wanted is {wanted}",
        hint=f"name another with `--name`, or take it down: `istiolab down --name {running.name}`",
    )


def link_fields(link: Link) -> dict[str, str | int]:
    """Return the link's fields for the record."""
    return asdict(link)
