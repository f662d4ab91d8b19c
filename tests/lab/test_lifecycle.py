"""The lab comes up and goes down, and leaves the machine as it was, whatever is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from istiolab.lab.folders import cache_folder, state_root
from istiolab.lab.spec import Lab
from istiolab.system.deadlines import scaled
from istiolab.system.retry import Answer, wait_until
from tests.lab import host_state
from tests.lab.command import OwnLab, istiolab, kill, running, start


def _snapshot(own: OwnLab) -> dict[str, frozenset[str]]:
    return dict(
        host_state.take(
            own.name,
            without=(cache_folder(), state_root(), own.state),
            temporary=(own.temporary,),
        )
    )


def _left_behind(before: dict[str, frozenset[str]], own: OwnLab) -> dict[str, list[str]]:
    return host_state.difference(before, _snapshot(own))


def _wait_for_text(process: subprocess.Popen[str], text: str) -> str:
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if text in line:
            return seen
    raise AssertionError(f"`{text}` was never said:\n{seen}")


@pytest.fixture(scope="module")
def before(shared_lab: OwnLab) -> dict[str, frozenset[str]]:
    """What is on the machine before the lab that tests share comes up for the first time."""
    return _snapshot(shared_lab)


@pytest.fixture
def up_lab(shared_lab: OwnLab, before: dict[str, frozenset[str]]) -> OwnLab:
    """Return the shared lab when it is up: at once, if the test before has left it so."""
    assert before
    done = istiolab("up", own=shared_lab)
    assert done.returncode == 0, done.stderr
    return shared_lab


def test_up_during_another_up_waits_for_it_and_finds_its_lab(
    shared_lab: OwnLab, before: dict[str, frozenset[str]]
) -> None:
    assert before
    assert istiolab("down", own=shared_lab).returncode == 0
    first = start("up", own=shared_lab)
    _wait_for_text(first, "containerd")
    second = istiolab("up", "--json", own=shared_lab)
    first.communicate(timeout=scaled(120))
    assert first.returncode == second.returncode == 0, second.stderr
    assert "being worked on by another" in second.stderr
    assert json.loads(second.stdout)["pid"] == shared_lab.record["pid"]


def test_a_second_lab_is_beside_the_first_and_to_bring_it_up_again_changes_nothing(
    lab: Lab, up_lab: OwnLab
) -> None:
    record = up_lab.record
    assert lab.link is not None
    assert record["link"]["node_address"] != lab.link["node_address"]
    pods = istiolab("kubectl", "get", "pods", "-A", "-o", "json", own=up_lab)
    ready = {
        pod["metadata"]["namespace"]: all(c["ready"] for c in pod["status"]["containerStatuses"])
        for pod in json.loads(pods.stdout)["items"]
    }
    assert ready == {"kube-system": True, "istio-system": True}

    start_of_second = time.monotonic()
    second = istiolab("up", own=up_lab)
    assert second.returncode == 0
    assert "is up already" in second.stderr
    assert json.loads(istiolab("up", "--json", own=up_lab).stdout)["pid"] == record["pid"]
    assert time.monotonic() - start_of_second < 10

    _demand_that_nobody_else_takes_its_name(up_lab)


def _demand_that_nobody_else_takes_its_name(own: OwnLab) -> None:
    with tempfile.TemporaryDirectory(prefix="il-", dir="/tmp") as state:
        other = replace(own, environment={**own.environment, "ISTIOLAB_STATE": state})
        refused = istiolab("up", "--bare", own=other)
        assert refused.returncode == 2, refused.stderr
        assert f"state: {own.state / own.name}" in refused.stderr
        assert istiolab("down", own=other).returncode == 0
    assert istiolab("kubectl", "get", "nodes", own=own).returncode == 0


def test_the_lab_mends_itself_when_its_runtime_and_kubelet_are_killed(up_lab: OwnLab) -> None:
    killed = running(up_lab, "containerd", "kubelet")
    assert {process.name() for process in killed} == {"containerd", "kubelet"}
    kill(killed)
    made = wait_until(
        lambda: Answer(
            done=istiolab(
                *("kubectl", "run", "probe", "--image=docker.io/istiolab/nginx:1.22"),
                own=up_lab,
            ).returncode
            == 0
        ),
        timeout_seconds=30,
    )
    assert made.done
    waited = istiolab(
        "kubectl",
        "wait",
        "pod/probe",
        "--for=condition=Ready",
        f"--timeout={scaled(60):g}s",
        own=up_lab,
    )
    assert waited.returncode == 0, waited.stderr


def test_up_after_the_whole_node_was_killed_brings_a_new_one_up_and_down_leaves_nothing(
    up_lab: OwnLab, before: dict[str, frozenset[str]]
) -> None:
    killed = up_lab.record["pid"]
    os.kill(killed, signal.SIGKILL)
    psutil.wait_procs(
        [psutil.Process(killed)] if psutil.pid_exists(killed) else [], timeout=scaled(10)
    )
    assert istiolab("status", own=up_lab).returncode == 4
    again = istiolab("up", own=up_lab)
    assert again.returncode == 0, again.stderr
    assert up_lab.record["pid"] != killed
    down = istiolab("down", own=up_lab)
    assert down.returncode == 0, down.stderr
    assert _left_behind(before, up_lab) == {}
    assert istiolab("down", own=up_lab).returncode == 0
    assert istiolab("status", own=up_lab).returncode == 4


def test_down_after_kill_9_of_anything_leaves_nothing(
    up_lab: OwnLab, before: dict[str, frozenset[str]]
) -> None:
    victims = {"containerd", "kubelet", "etcd", "envoy"}
    killed = running(up_lab, *victims)
    assert {process.name() for process in killed} == victims
    kill(killed)
    assert istiolab("down", own=up_lab).returncode == 0
    assert _left_behind(before, up_lab) == {}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_up_that_is_ended_half_way_leaves_nothing_after_down(
    own_lab: OwnLab, number: signal.Signals
) -> None:
    before = _snapshot(own_lab)
    process = start("up", own=own_lab)
    _wait_for_text(process, "✓ containerd")
    process.send_signal(number)
    process.communicate(timeout=scaled(60))
    assert process.returncode != 0
    if number is not signal.SIGKILL:
        # Ended by us, it has taken back by itself what it had begun.
        assert _left_behind(before, own_lab) == {}
    assert istiolab("down", own=own_lab).returncode == 0
    assert _left_behind(before, own_lab) == {}


def test_five_cycles_leave_nothing_and_none_is_much_slower_than_the_first(
    own_lab: OwnLab,
) -> None:
    before = _snapshot(own_lab)
    done = istiolab(
        *("bench", "--name", own_lab.name, "--runs", "5", "--only", "warm", "--json"),
        own=own_lab,
    )
    assert done.returncode == 0, done.stderr
    warm = json.loads(done.stdout)["warm"]
    assert len(warm["runs"]) == 5
    assert warm["slowest_to_first"] <= 1.5
    assert _left_behind(before, own_lab) == {}


def test_logs_lists_the_parts_and_shows_one(lab: Lab) -> None:
    listed = istiolab("logs")
    parts = {line.partition("\t")[0] for line in listed.stdout.splitlines()}
    assert {"containerd", "kubelet", "kubeadm", "node"} <= parts
    shown = istiolab("logs", "kubeadm", "--lines", "3")
    assert shown.returncode == 0
    assert 0 < len(shown.stdout.splitlines()) <= 3
    assert istiolab("logs", "nonsense").returncode == 2
    assert lab.name


def test_env_makes_kubectl_and_istioctl_work_in_a_shell(lab: Lab) -> None:
    done = subprocess.run(
        ["bash", "-c", 'eval "$1" && kubectl get nodes -o name && istioctl version', "_",
         istiolab("env").stdout],
        capture_output=True,
        text=True,
        check=True,
    )  # fmt: skip
    assert "node/istiolab" in done.stdout
    assert "1.28.2" in done.stdout
    assert Path(lab.kubeconfig).exists()


def test_nothing_in_the_lab_reaches_outside_this_machine(lab: Lab) -> None:
    done = istiolab(
        *("kubectl", "run", "outside", "--image=docker.io/istiolab/nginx:1.22", "--restart=Never"),
        *("--rm", "--attach", "--quiet", "--command", "--"),
        *("curl", "--silent", "--show-error", "--max-time", "3", "http://203.0.113.250/"),
    )
    assert done.returncode != 0, done.stdout
    # It was curl that did not get there: 7 is no connection, 28 none in time.
    assert "curl: (7)" in done.stderr + done.stdout or "curl: (28)" in done.stderr + done.stdout
    assert lab.name


def test_kubectl_gets_its_own_double_dash_and_all_that_follows(lab: Lab) -> None:
    done = istiolab(
        *("kubectl", "-n", "istio-system", "exec", "deploy/istiod", "--"),
        *("pilot-discovery", "version", "--output", "json"),
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)
    assert lab.name
