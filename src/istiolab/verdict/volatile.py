"""What differs from run to run without a meaning: patterns in, stable tokens out.

Rule 1: the same value gets the same token throughout a notebook, and another value another one: two
pods that change places are noticed, a pod with a new name is not. The one exception are times that
servers and logs write to the second: whether two answers fall within the same one is chance.
Rule 2: a token says what kind of thing stood there; nothing is masked without a kind.
Rule 3: what pages are about is never matched: status codes, response flags and details, port names,
declared ports, names of clusters, routes, services and containers.
Rule 4: what may be a word as well is masked only where it is known otherwise what it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from istiolab.verdict.times import TIMES
from istiolab.verdict.tokens import Identities, Rule, alike, whole

# k8s.io/apimachinery/pkg/util/rand: the alphabet of generated names, without vowels and without
# digits that look like letters. A pod's suffix is 5 of them.
_SAFE = "[bcdfghjklmnpqrstvwxz2456789]"
# SafeEncodeString, there, of a ReplicaSet's hash, a decimal number: the ten signs that its digits
# become. It has 8 to 10 of them but for one number in 400.
_HASH = "[4-9bcdf]"
# Words of the field that are in that alphabet, too, and as long as a suffix.
_WORDS = r"(?!(?:https|http2|httpd|grpcs|smtps|mqtts|nntps|xmpps|pgsql|mssql|hs256|rs256|ps256)\b)"
_NAME = r"(?<![\w.-])(?P<name>[a-z](?:[a-z0-9-]*[a-z0-9])?)"
_END = r"(?![\w-])"
# DaemonSets of Kubernetes, of Istio and of the customary networks, whose pods logs name, too.
_DAEMON_SETS = frozenset(
    {
        "calico-node",
        "cilium",
        "istio-cni-node",
        "kindnet",
        "kube-flannel-ds",
        "kube-proxy",
        "ztunnel",
    }
)

# Addresses that mean the same on every machine: any address, and the loopback net, in which Istio
# has 127.0.0.6 as the source of what a sidecar hands to its workload.
_FIXED_ADDRESS = re.compile(r"(?:0\.0\.0\.0|127\.\d+\.\d+\.\d+)\Z")
# The default range of node ports, and above it the kernel's range of ephemeral ports
# (ip_local_port_range); declared ports lie below.
_FIRST_NODE_PORT, _FIRST_EPHEMERAL_PORT = 30000, 32768

_LASTING = r"(?:\d+(?:\.\d+)?(?:d|h|m|s|ms|µs|us|ns))+"


def mask(text: str, identities: Identities, rules: Sequence[Rule] | None = None) -> str:
    """Return `text` with what `rules` (all of them) find as tokens; `identities` grows with it."""
    for rule in RULES if rules is None else rules:
        text = rule.pattern.sub(lambda found, rule=rule: rule.replace(found, identities), text)  # type: ignore[misc]
    return text


def _pod(found: re.Match[str], identities: Identities) -> str:
    replica_set = identities.token("hash", found["hash"])
    return f"{found['name']}-{replica_set}-{identities.token('pod', found['suffix'])}"


def _replica_set(found: re.Match[str], identities: Identities) -> str:
    return f"{found['name']}-{identities.token('hash', found['hash'])}"


def _daemon_pod(found: re.Match[str], identities: Identities) -> str:
    if found["name"] not in _DAEMON_SETS and found[0] not in identities.pods:
        return found[0]
    return f"{found['name']}-{identities.token('pod', found['suffix'])}"


def _address(found: re.Match[str], identities: Identities) -> str:
    address, port = found["address"], found["port"]
    if not _FIXED_ADDRESS.match(address):
        address = identities.token("ip", address)
    return f"{address}:{_port(port, identities)}" if port else address


def _port(port: str, identities: Identities) -> str:
    number = int(port)
    if number >= _FIRST_EPHEMERAL_PORT:
        return identities.token("port", port)
    if number >= _FIRST_NODE_PORT:
        return identities.token("nodeport", port)
    return port


def _service_port(found: re.Match[str], identities: Identities) -> str:
    return f"{found['port']}:{identities.token('nodeport', found['node'])}/{found['protocol']}"


def _named_port(found: re.Match[str], identities: Identities) -> str:
    return f"{found['before']}{identities.token('nodeport', found['node'])}"


def _access_log(found: re.Match[str], identities: Identities) -> str:
    del identities
    return (
        f"{found['before']} <milliseconds> {'<milliseconds>' if found['service'] != '-' else '-'}"
    )


def _upstream_time(found: re.Match[str], identities: Identities) -> str:
    del identities
    return f"{found['before']}<milliseconds>"


def _duration(found: re.Match[str], identities: Identities) -> str:
    del found, identities
    return "<duration>"


RULES: tuple[Rule, ...] = (
    *TIMES,
    Rule(
        name="UIDs and request ids (RFC 9562, 4)",
        pattern=re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"),
        replace=whole("uid"),
    ),
    Rule(
        name="digests, container ids and serial numbers: long hexadecimal numbers",
        # A serial number has 128 bits at random: those that begin with zeros are shorter.
        pattern=re.compile(r"\b[0-9a-fA-F]{28,}\b|\b(?:[0-9a-fA-F]{2}:){13,}[0-9a-fA-F]{2}\b"),
        replace=whole("hex"),
    ),
    Rule(
        name="where an object lies in memory, as Python's default repr says it",
        pattern=re.compile(r"(?<= at )0x[0-9a-f]{6,16}(?=>)"),
        replace=alike("address"),
    ),
    Rule(
        name="pods of a ReplicaSet",
        pattern=re.compile(rf"{_NAME}-(?P<hash>{_HASH}{{6,10}})-(?P<suffix>{_SAFE}{{5}}){_END}"),
        replace=_pod,
    ),
    Rule(
        name="ReplicaSets",
        # With a digit, which all of 10 have: else it might be a word.
        pattern=re.compile(rf"{_NAME}-(?P<hash>(?=[a-z]*\d){_HASH}{{8,10}}){_END}"),
        replace=_replica_set,
    ),
    Rule(
        name="pods of a DaemonSet",
        # With a letter: else it might be a port. Not with a digit: one suffix in five has none.
        # So it may be a word, and only a name that is known to be a pod's is taken for one.
        pattern=re.compile(rf"{_NAME}-(?P<suffix>{_WORDS}(?=\d*[a-z]){_SAFE}{{5}}){_END}"),
        replace=_daemon_pod,
    ),
    Rule(
        # After the pods, whose names may begin with it.
        name="the run's own namespaces",
        pattern=re.compile(r"\bil-[0-9a-f]{4}\b"),
        replace=whole("run"),
    ),
    Rule(
        name="addresses, with their port if it is a node port or an ephemeral one",
        # Not within a word, nor a network such as 10.244.0.0/16; a path such as /200, and a full
        # stop, may follow.
        pattern=re.compile(
            r"(?<!\.)(?<![^\W_])(?P<address>(?:\d{1,3}\.){3}\d{1,3})(?![^\W_]|\.\d|/\d{1,2}\b)"
            r"(?::(?P<port>\d{1,5})(?![^\W_]))?"
        ),
        replace=_address,
    ),
    Rule(
        name="node ports as kubectl shows them",
        pattern=re.compile(r"\b(?P<port>\d+):(?P<node>3[0-2]\d{3})/(?P<protocol>TCP|UDP)"),
        replace=_service_port,
    ),
    Rule(
        name="node ports that are called so, as in `NodePort: http 31380/TCP`",
        pattern=re.compile(
            r"(?P<before>(?i:\bnodeport)\"?:?\s+(?:[\w.<>-]+\s+)?)(?P<node>3[0-2]\d{3})\b"
        ),
        replace=_named_port,
    ),
    Rule(
        name="milliseconds in an access log line: duration, and the upstream's service time",
        # Istio's default format: … "failure reason" received sent DURATION SERVICE "x-forwarded…
        pattern=re.compile(r'(?P<before>" \d+ \d+) \d+ (?P<service>\d+|-)(?= ")'),
        replace=_access_log,
    ),
    Rule(
        name="the upstream's service time as Envoy's header says it",
        pattern=re.compile(r"(?P<before>(?i:x-envoy-upstream-service-time): )\d+"),
        replace=_upstream_time,
    ),
    Rule(
        name="durations with a unit, such as 1.5s, 3m20s, 12ms",
        pattern=re.compile(
            rf"(?<![\w.:/-]){_LASTING}(?![\w-])"
            r"|(?<![\w.:/-])\d+(?:\.\d+)? (?:seconds?|minutes?|ms|s)\b"
        ),
        replace=_duration,
    ),
)
"""In the order in which they are tried: a wider pattern before what it contains."""

# The last rule is about durations. In JSON and YAML a duration, such as a timeout or an interval,
# was declared, and pages are about it; what was measured comes as a number, or in a table.
DECLARED: tuple[Rule, ...] = RULES[:-1]
"""The rules for JSON and YAML."""

# A table, too, may list what was declared (`connectTimeout`): which of its columns are measured is
# known by their names (`kinds.COLUMNS`), or the cell declares it.
CELLS: tuple[Rule, ...] = (
    *DECLARED,
    Rule(
        name="how long ago, as kubectl and istioctl say it in brackets: `1 (3m20s ago)`",
        pattern=re.compile(rf"(?<=\(){_LASTING}(?= ago\))"),
        replace=_duration,
    ),
)
"""The rules for the cells of a table."""
