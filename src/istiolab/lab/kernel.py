"""What the lab needs of the kernel: a table, and how each thing on it is had on this machine."""

from __future__ import annotations

import gzip
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from istiolab.errors import HostError
from istiolab.system.command import check


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One thing that a kernel has built in, or as a module."""

    module: str
    """The module's name, with underscores."""
    option: str
    """The option of the kernel's configuration, without `CONFIG_`."""
    wanted_by: str
    """What needs it."""


_RULES = "the rules of kube-proxy and of istio-init"


def _feature(module: str, option: str, wanted_by: str = _RULES) -> Feature:
    return Feature(module=module, option=option, wanted_by=wanted_by)


FEATURES = (
    _feature("overlay", "OVERLAY_FS", "the node's folders, and containerd's snapshots"),
    _feature("veth", "VETH", "the links of the node and of its pods"),
    _feature("nf_conntrack", "NF_CONNTRACK", "kube-proxy, which sets its time-outs"),
    # Debian's iptables, which is in the images, writes rules of nftables.
    _feature("nf_tables", "NF_TABLES"),
    _feature("nft_compat", "NFT_COMPAT"),
    _feature("nft_chain_nat", "NFT_NAT"),
    _feature("nf_nat", "NF_NAT"),
    _feature("xt_addrtype", "NETFILTER_XT_MATCH_ADDRTYPE"),
    _feature("xt_comment", "NETFILTER_XT_MATCH_COMMENT"),
    _feature("xt_conntrack", "NETFILTER_XT_MATCH_CONNTRACK"),
    _feature("xt_mark", "NETFILTER_XT_MARK"),
    _feature("xt_owner", "NETFILTER_XT_MATCH_OWNER"),
    _feature("xt_statistic", "NETFILTER_XT_MATCH_STATISTIC"),
    _feature("xt_tcpudp", "NETFILTER_XTABLES"),
    _feature("xt_MASQUERADE", "NETFILTER_XT_TARGET_MASQUERADE"),
    _feature("xt_REDIRECT", "NETFILTER_XT_TARGET_REDIRECT"),
    _feature("xt_nat", "NETFILTER_XT_NAT"),
)
"""What is needed, by whom."""


class State(StrEnum):
    """How a feature is had."""

    BUILT_IN = "built in"
    LOADED = "loaded"
    LOADABLE = "loadable"
    ABSENT = "absent"
    UNKNOWN = "unknown"
    """The machine does not tell, as in a container without /lib/modules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelFacts:
    """What this machine tells of its kernel; empty where it does not."""

    options: frozenset[str] = frozenset()
    """Options of its configuration that are on, built in or as a module."""
    built_in: frozenset[str] = frozenset()
    """Modules that are built in."""
    loaded: frozenset[str] = frozenset()
    """Modules that are loaded."""
    loadable: frozenset[str] = frozenset()
    """Modules that lie in /lib/modules, where modprobe(8) finds them."""


def state(feature: Feature, facts: KernelFacts) -> State:
    """Return how a feature is had on a machine."""
    name = feature.module.lower()
    if name in facts.loaded:
        return State.LOADED
    if name in facts.built_in or f"{feature.option}=y" in facts.options:
        return State.BUILT_IN
    if name in facts.loadable:
        return State.LOADABLE
    if f"{feature.option}=m" in facts.options and not facts.loadable:
        # The modules lie elsewhere, as for a container; the kernel loads them from there by itself.
        return State.UNKNOWN
    return State.ABSENT if facts.options or facts.loadable else State.UNKNOWN


def parse_options(text: str) -> frozenset[str]:
    """Return `NAME=y` and `NAME=m` of a kernel's configuration."""
    lines = (line.strip().removeprefix("CONFIG_") for line in text.splitlines())
    return frozenset(line for line in lines if line.endswith(("=y", "=m")))


def parse_modules(text: str) -> frozenset[str]:
    """Return the modules in modules.dep, modules.builtin or /proc/modules, in lower case."""
    words = (line.split()[0].rstrip(":") for line in text.splitlines() if line.strip())
    names = (word.rpartition("/")[2].partition(".ko")[0] for word in words)
    return frozenset(name.replace("-", "_").lower() for name in names)


def gather_kernel(root: Path = Path("/")) -> KernelFacts:
    """Look at this machine's kernel; changes nothing.

    Args:
        root: where the machine's files are.
    """
    release = platform.release()
    modules = root / "lib" / "modules" / release
    configurations = (
        root / "proc" / "config.gz",
        root / "boot" / f"config-{release}",
        modules / "config",
    )
    options = next((parse_options(text) for each in configurations if (text := _read(each))), None)
    return KernelFacts(
        options=options or frozenset(),
        built_in=parse_modules(_read(modules / "modules.builtin")),
        loaded=parse_modules(_read(root / "proc" / "modules")),
        loadable=parse_modules(_read(modules / "modules.dep")),
    )


def loadable(facts: KernelFacts) -> tuple[Feature, ...]:
    """Return the features whose modules have to be loaded, and can be."""
    return tuple(each for each in FEATURES if state(each, facts) is State.LOADABLE)


def load(features: Iterable[Feature]) -> None:
    """Load the modules of features.

    Raises:
        HostError: the kernel refused one.
    """
    names = [feature.module for feature in features]
    if names:
        check(["modprobe", "--all", *names], error=HostError)


def _read(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError:
        return ""
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode(errors="replace")
