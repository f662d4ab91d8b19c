from __future__ import annotations

from collections.abc import Sequence

import pytest

from istiolab.errors import ClusterError
from istiolab.mesh.client import Json
from istiolab.mesh.pods import LivePod
from istiolab.mesh.programs import Executed
from istiolab.probe.redirects import (
    OTHER,
    explain_redirects,
    init_arguments,
    read_arguments,
    read_help,
    read_rules,
)
from tests.unit.mesh.fakes import FakeCluster, Place, executed, pod

ARGS = ["istio-iptables", "-p", "15001", "-x", "", "-d", "15090,15021", "--log_output_level=info"]
HELP = """Usage:
  pilot-agent istio-iptables [flags]

Flags:
  -n, --dry-run                  Do not call any external dependencies like iptables.
  -p, --envoy-port string        The port to which redirect all traffic. (default "15001")
  -x, --istio-exclude string     Ranges to be excluded (optional). Only with "*".
      --probe-timeout duration   Failure detection timeout. (default 5s)
"""


def _iptables(_place: Place, argv: Sequence[str]) -> Executed:
    """Do what the program does, as far as these tests ask for it."""
    if "--help" in argv:
        return executed(HELP.encode())
    given = read_arguments(argv)
    rules = [f"-A REDIRECT --to-ports {given['-p']}"]
    rules += [f"-A OUTPUT -d {given['-x']} -j RETURN"] if given["-x"] else []
    rules += [f"-A INBOUND --dport {port} -j RETURN" for port in given["-d"].split(",")]
    return executed(("\n".join(["* nat", "-N REDIRECT", *rules, "COMMIT"])).encode())


def live(*init: Json) -> LivePod:
    found = {"spec": {"initContainers": list(init)}}
    cluster = FakeCluster({"/api/v1/namespaces/demo/pods/a-1": found})
    cluster.run = _iptables
    return LivePod(cluster=cluster, pod=pod("a-1"))


def test_each_argument_has_the_rules_that_change_with_it_and_no_others() -> None:
    first, second, third = explain_redirects(live({"name": "istio-init", "args": ARGS}))
    assert (first.flag, first.value) == ("-p", "15001")
    assert first.rules == ("-A REDIRECT --to-ports 15001",)
    assert first.means == "The port to which redirect all traffic."
    assert (second.flag, second.rules) == ("-x", ())
    assert second.row()["rules that it makes"] == (
        "none; 10.0.0.0/8 would: -A OUTPUT -d 10.0.0.0/8 -j RETURN"
    )
    assert second.row()["value"] == '""'
    assert third.rules == (
        "-A INBOUND --dport 15090 -j RETURN",
        "-A INBOUND --dport 15021 -j RETURN",
    )


def test_the_other_values_are_none_of_istios_own() -> None:
    assert set(OTHER.values()).isdisjoint({"15001", "15006", "1337", "REDIRECT", "*", ""})


def test_a_pod_without_istio_init_says_what_it_has_instead() -> None:
    with pytest.raises(ClusterError, match="has no container `istio-init`") as caught:
        init_arguments(live({"name": "istio-validation"}))
    assert caught.value.where == ("init containers: istio-validation",)


def test_a_program_that_ends_badly_is_an_error() -> None:
    asked = live({"name": "istio-init", "args": ARGS})
    assert isinstance(asked.cluster, FakeCluster)
    asked.cluster.run = lambda *_: executed(exit_code=1, stderr="no such flag")
    with pytest.raises(ClusterError, match="ended with 1") as caught:
        explain_redirects(asked)
    assert caught.value.where == ("| no such flag",)


def test_long_flags_are_no_arguments_of_the_table() -> None:
    assert read_arguments(ARGS) == {"-p": "15001", "-x": "", "-d": "15090,15021"}


def test_help_is_read_for_flags_that_take_a_value() -> None:
    assert read_help(HELP) == {
        "-p": "The port to which redirect all traffic.",
        "-x": 'Ranges to be excluded (optional). Only with "*".',
    }


def test_rules_are_read_once_each_in_order() -> None:
    assert read_rules("* nat\n-N A\n-A A b\n-A A c\n-A A b\nCOMMIT") == ("-A A b", "-A A c")
