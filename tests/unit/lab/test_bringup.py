from __future__ import annotations

import json
from dataclasses import replace
from time import monotonic
from typing import Any

import pytest

from istiolab.errors import LabError
from istiolab.lab import steps
from istiolab.lab.bringup import Bringup, Watch, kubectl, pod_troubles, wait
from istiolab.system.retry import Answer
from tests.unit.lab.programs import write_program
from tests.unit.system.clock import FrozenClock


class Line:
    def __init__(self) -> None:
        self.said: list[str] = []

    def detail(self, text: str) -> None:
        self.said.append(text)

    def fraction(self, done: float) -> None:
        raise AssertionError(done)


def pod(name: str, reason: str = "", *, restarts: int = 0, static: bool = False) -> dict[str, Any]:
    waits = {"waiting": {"reason": reason}} if reason else {"running": {}}
    state = {"name": "main", "restartCount": restarts, "state": waits}
    ready = {"type": "Ready", "status": "False" if reason else "True"}
    marks = {"annotations": {"kubernetes.io/config.mirror": "0"}} if static else {}
    return {
        "metadata": {"namespace": "some", "name": name, **marks},
        "status": {"phase": "Running", "conditions": [ready], "containerStatuses": [state]},
    }


def fake_kubectl(bringup: Bringup, script: str) -> None:
    write_program(bringup.programs["kubernetes"] / "kubectl", script)


def fake_pods(bringup: Bringup, *pods: dict[str, Any]) -> None:
    fake_kubectl(
        bringup,
        f"""case "$*" in
        *'get pods'*) echo '{json.dumps({"items": pods})}' ;;
        *'get events'*involvedObject.name=ill) seq 1 9 ;;
        *'logs ill'*) echo 'cannot bind' ;;
        esac""",
    )


def test_kubectl_asks_the_labs_cluster(bringup: Bringup) -> None:
    fake_kubectl(bringup, 'echo "$*"')
    said = kubectl(bringup, "get", "pods")
    assert said == f"--kubeconfig {bringup.paths.kubeconfig} get pods\n"


def test_kubectl_that_fails_is_an_error_with_its_words(bringup: Bringup) -> None:
    fake_kubectl(bringup, "echo 'Error from server (NotFound)' >&2; exit 1")
    with pytest.raises(LabError, match="`kubectl` ended with 1") as caught:
        kubectl(bringup, "get", "pods")
    assert caught.value.where[-1] == "| Error from server (NotFound)"


def test_troubles_of_each_unready_pod_are_its_last_events_and_log_lines(bringup: Bringup) -> None:
    fake_pods(bringup, pod("fine"), pod("ill", "ErrImagePull"))
    events = [f"| {number}" for number in range(5, 10)]
    assert pod_troubles(bringup) == ("pod some/ill: ErrImagePull", *events, "| cannot bind")


def test_troubles_with_a_dead_api_server_say_so(bringup: Bringup) -> None:
    fake_kubectl(bringup, "exit 1")
    assert pod_troubles(bringup) == ("the API server does not answer",)


def refused() -> Answer:
    return Answer(done=False, hopeless=True, detail="connection refused")


def test_step_that_never_gets_ready_names_its_last_answer_and_a_log_that_can_be_shown(
    bringup: Bringup,
) -> None:
    log = bringup.paths.root / "kubelet.log"
    log.touch()
    with pytest.raises(LabError, match=r"step `node` was not ready after \S+ s \(timeout scale 1"
                       ) as caught:  # fmt: skip
        wait(bringup, "node", refused, timeout_seconds=60, log=log)
    assert caught.value.where == ("last answer: connection refused",)
    assert caught.value.log == log
    # `istiolab logs` knows a part by the name of its log.
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("see its last lines with `istiolab logs kubelet`")


def test_a_step_whose_log_is_not_there_yet_names_the_nodes(bringup: Bringup) -> None:
    bringup.paths.log.mkdir()
    own = bringup.paths.log / "node.log"
    own.touch()
    with pytest.raises(LabError) as caught:
        wait(bringup, "a", refused, timeout_seconds=1, log=bringup.paths.log / "containerd.log")
    assert caught.value.log == own
    assert "logs node`" in (caught.value.hint or "")


def test_a_wait_on_a_node_that_has_ended_ends_at_once_with_its_last_lines(
    bringup: Bringup, dead: int
) -> None:
    bringup.paths.log.mkdir()
    log = bringup.paths.log / "node.log"
    log.write_text("OSError: [Errno 16] Device or resource busy\n")
    ended = replace(bringup, pid=dead)
    with pytest.raises(LabError, match="the node has ended") as caught:
        wait(ended, "a", lambda: Answer(done=False), timeout_seconds=600, log=log)
    assert caught.value.where == ("| OSError: [Errno 16] Device or resource busy",)
    assert caught.value.log == log


def look_later(bringup: Bringup, line: Line) -> None:
    clock = FrozenClock()
    watch = Watch(bringup, line, clock=clock)
    watch.look()
    clock.now += 10
    watch.look()


def test_a_watch_says_for_which_pod_is_waited(bringup: Bringup) -> None:
    fake_pods(bringup, pod("fine"), pod("late", "ContainerCreating"), pod("later", "Pending"))
    line = Line()
    look_later(bringup, line)
    assert line.said == ["pod some/late: ContainerCreating"]


def test_a_watch_ends_a_wait_for_a_pod_that_is_stuck_with_its_last_lines(bringup: Bringup) -> None:
    fake_pods(bringup, pod("late", "Pending"), pod("ill", "CrashLoopBackOff", restarts=2))
    with pytest.raises(LabError, match="pod `some/ill` does not come up, container main: Crash"
                       ) as caught:  # fmt: skip
        look_later(bringup, Line())
    assert caught.value.where[-1] == "| cannot bind"


def test_a_watch_lets_the_control_plane_crash_until_its_parts_find_each_other(
    bringup: Bringup,
) -> None:
    fake_pods(bringup, pod("scheduler", "CrashLoopBackOff", restarts=4, static=True))
    line = Line()
    look_later(bringup, line)
    assert line.said == ["pod some/scheduler: CrashLoopBackOff"]


def test_installing_istio_ends_when_a_pod_of_it_is_stuck(bringup: Bringup) -> None:
    fake_pods(bringup, pod("ill", "ErrImageNeverPull"))
    folder = bringup.paths.root / "istio"
    write_program(folder / "istioctl", "exec sleep 60")
    bringup.paths.config.mkdir()
    with_istio = replace(bringup, programs={**bringup.programs, "istio": folder})
    start = monotonic()
    with pytest.raises(LabError, match="pod `some/ill` does not come up, container main: ErrImage"):
        steps._istio(with_istio, Line())
    assert monotonic() - start < 20


def test_a_watch_without_an_api_server_goes_on(bringup: Bringup) -> None:
    fake_kubectl(bringup, "exit 1")
    line = Line()
    look_later(bringup, line)
    assert line.said == []
