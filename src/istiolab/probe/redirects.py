"""The redirect rules of a pod: which argument of istio-init makes which of them.

Found by asking the program itself, in the pod: `pilot-agent istio-iptables --dry-run` prints the
rules without setting any. It is run once with the pod's own arguments, and once for each argument
with another value; what differs are that argument's rules. What each means is from its `--help`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from istiolab.errors import ClusterError
from istiolab.mesh.pods import SIDECAR, LivePod
from istiolab.mesh.table import Listing

INIT = "istio-init"
# A value for each argument that is another one than Istio's, so that its rules stand out.
OTHER = {
    "-p": "15101",
    "-z": "15106",
    "-u": "4242",
    "-m": "TPROXY",
    "-i": "10.0.0.0/8",
    "-x": "10.0.0.0/8",
    "-b": "8080",
    "-d": "15099",
}
_PROGRAM = ("pilot-agent", "istio-iptables")
_HELP = re.compile(r"^\s+(?P<flag>-\w), --[\w-]+ \w+\s+(?P<means>.*?)(?: \(default .*\))?$")
_RULE = re.compile(r"^-A .*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """One argument of istio-init, and the rules that it makes."""

    flag: str
    """The flag."""
    value: str
    """Its value in this pod."""
    means: str
    """What it means, in the program's own words."""
    rules: tuple[str, ...]
    """The rules that are there because of this value."""
    instead: tuple[str, ...]
    """The rules that would be there with another value."""
    other: str
    """That other value."""

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        made = "; ".join(self.rules)
        return {
            "argument": self.flag,
            "value": self.value or '""',
            "what it means": self.means,
            "rules that it makes": made or f"none; {self.other} would: {'; '.join(self.instead)}",
        }


def explain_redirects(pod: LivePod) -> Listing[Argument]:
    """Return the arguments of a pod's istio-init, each with the rules that it makes.

    Raises:
        ClusterError: the pod has no istio-init or no sidecar, or the program ends badly.
    """
    given = init_arguments(pod)
    means = read_help(_run(pod, "--help"))
    rules = read_rules(_dry_run(pod, given))
    return Listing(
        explain(flag, given, means, rules, read_rules(_dry_run(pod, {**given, flag: other})))
        for flag, other in OTHER.items()
        if flag in given
    )


def init_arguments(pod: LivePod) -> dict[str, str]:
    """Return flags and values of a pod's istio-init, in their order.

    Raises:
        ClusterError: the pod has none.
    """
    path = f"/api/v1/namespaces/{pod.pod.namespace}/pods/{pod.pod.name}"
    containers = pod.cluster.get(path)["spec"].get("initContainers", ())
    for each in containers:
        if each["name"] == INIT:
            return read_arguments(each["args"])
    raise ClusterError(
        f"pod `{pod.pod.name}` has no container `{INIT}`",
        where=(f"init containers: {', '.join(each['name'] for each in containers) or 'none'}",),
        hint="it may be set up by Istio's CNI plugin, or have no sidecar",
    )


def read_arguments(args: Sequence[str]) -> dict[str, str]:
    """Read `["istio-iptables", "-p", "15001", …]`; what is no short flag is left out."""
    return {flag: value for flag, value in pairwise(args) if re.fullmatch(r"-\w", flag)}


def read_help(text: str) -> dict[str, str]:
    """Read what the program's `--help` says of each short flag."""
    found = (_HELP.match(line) for line in text.splitlines())
    return {each["flag"]: each["means"] for each in found if each}


def read_rules(text: str) -> tuple[str, ...]:
    """Read the rules that a dry run prints."""
    return tuple(dict.fromkeys(_RULE.findall(text)))


def explain(
    flag: str,
    given: Mapping[str, str],
    means: Mapping[str, str],
    rules: Iterable[str],
    others: Iterable[str],
) -> Argument:
    """Compare the rules with those under another value of one argument."""
    own, instead = list(rules), list(others)
    return Argument(
        flag=flag,
        value=given[flag],
        means=means.get(flag, "").strip(),
        rules=tuple(rule for rule in own if rule not in instead),
        instead=tuple(rule for rule in instead if rule not in own),
        other=OTHER[flag],
    )


def _dry_run(pod: LivePod, arguments: Mapping[str, str]) -> str:
    return _run(pod, "--dry-run", *(word for pair in arguments.items() for word in pair))


def _run(pod: LivePod, *arguments: str) -> str:
    done = pod.execute(SIDECAR, [*_PROGRAM, *arguments])
    if done.exit_code != 0:
        raise ClusterError(
            f"`{' '.join(_PROGRAM)}` ended with {done.exit_code} in `{pod.pod.name}`",
            where=tuple(f"| {line}" for line in done.stderr.splitlines()[-3:]),
        )
    return done.stdout.decode(errors="replace")
