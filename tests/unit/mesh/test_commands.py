from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from istiolab.errors import ClusterError, SilentError, UsageError
from istiolab.mesh.commands import Command, run_command
from tests.unit.mesh.fakes import FakeCluster

# Prints each argument on a line of its own, then where it looks for the cluster.
ECHO = '#!/bin/sh\nfor word in "$@"; do printf "<%s>\\n" "$word"; done\necho "$KUBECONFIG"\n'


def program(folder: Path, text: str = ECHO, *, name: str = "kubectl") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return folder


@pytest.fixture(autouse=True)
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = program(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.delenv("ISTIOLAB_BIN", raising=False)
    return folder


def ran(done: Command) -> list[str]:
    return [line[1:-1] for line in done.stdout.splitlines() if line.startswith("<")]


@pytest.mark.parametrize(
    "arguments",
    [
        "get pods",
        "  get   pods -o wide ",
        "get pods -l 'app in (a, b)'",
        'patch x -p \'{"a": "$HOME"}\'',
        "get pods -o jsonpath='{.items[*].metadata.name}'",
        "",
    ],
)
def test_the_line_that_is_shown_is_what_ran(arguments: str) -> None:
    done = run_command(FakeCluster(), "kubectl", arguments)
    assert shlex.split(done.command) == ["kubectl", *ran(done)]
    assert str(done).splitlines()[0] == f"$ {done.command}"
    assert done.command.strip() == f"kubectl {arguments.strip()}".strip()


def test_a_deadline_in_the_line_is_scaled_and_shown_as_typed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    typed = "wait pod a --for=condition=Ready --timeout=60s"
    assert ran(run_command(FakeCluster(), "kubectl", typed))[-1] == "--timeout=60s"
    monkeypatch.setenv("ISTIOLAB_TIMEOUT_SCALE", "2.5")
    done = run_command(FakeCluster(), "kubectl", typed)
    assert ran(done) == ["wait", "pod", "a", "--for=condition=Ready", "--timeout=150s"]
    assert done.command == f"kubectl {typed}"


def test_the_program_finds_the_cluster_by_kubeconfig() -> None:
    done = run_command(FakeCluster(), "kubectl", "get pods")
    assert done.stdout.splitlines()[-1] == "/nowhere/kubeconfig"
    assert "/nowhere" not in done.command


def test_the_labs_own_folder_is_searched_before_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = program(tmp_path / "lab", "#!/bin/sh\necho of the lab\n")
    monkeypatch.setenv("ISTIOLAB_BIN", str(folder))
    assert run_command(FakeCluster(), "kubectl", "version").stdout == "of the lab\n"


def test_output_is_kept_apart_and_shown_under_the_line(on_path: Path) -> None:
    program(on_path, "#!/bin/sh\necho a; echo '<b>'; echo; echo talk >&2\n")
    done = run_command(FakeCluster(), "kubectl", "get x")
    assert (done.stdout, done.stderr, done.exit_code) == ("a\n<b>\n\n", "talk\n", 0)
    assert str(done) == repr(done) == "$ kubectl get x\na\n<b>"
    assert done._repr_html_() == "<pre><code>$ kubectl get x\na\n&lt;b&gt;</code></pre>\n"


def test_a_command_that_fails_raises_with_its_last_lines(on_path: Path) -> None:
    program(on_path, "#!/bin/sh\nseq 30 >&2\nexit 3\n")
    with pytest.raises(ClusterError) as caught:
        run_command(FakeCluster(), "kubectl", "get 'a b'")
    assert caught.value.message == "`kubectl` ended with 3"
    assert caught.value.where[0] == "command: kubectl get 'a b'"
    assert caught.value.where[1:] == tuple(f"| {number}" for number in range(11, 31))


def test_a_program_that_is_not_there_is_a_cluster_error() -> None:
    with pytest.raises(ClusterError, match="`istioctl` is not on this machine"):
        run_command(FakeCluster(), "istioctl", "version")


def test_a_program_that_takes_too_long_is_a_cluster_error(on_path: Path) -> None:
    program(on_path, "#!/bin/sh\nexec sleep 60\n")
    with pytest.raises(ClusterError, match=r"did not end within 0\.05 s"):
        run_command(FakeCluster(), "kubectl", "get x", timeout_seconds=0.05)


def test_a_quotation_mark_without_partner_is_a_usage_error() -> None:
    with pytest.raises(UsageError) as caught:
        run_command(FakeCluster(), "kubectl", "get pods 'x")
    assert caught.value.message == "the arguments `get pods 'x` of `kubectl` are no shell words"


@pytest.mark.parametrize(
    "said",
    [
        "The connection to the server 198.51.100.2:6443 was refused - did you specify the right",
        "Unable to connect to the server: dial tcp 198.51.100.2:6443: i/o timeout",
        "Unable to connect to the server: net/http: TLS handshake timeout",
        'Error: Get "https://198.51.100.2:6443/api": dial tcp: connect: connection refused',
    ],
)
def test_a_program_that_found_no_server_is_told_from_one_that_was_refused(
    on_path: Path, said: str
) -> None:
    program(on_path, f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
    with pytest.raises(SilentError) as caught:
        run_command(FakeCluster(), "kubectl", "get pods")
    assert caught.value.again


@pytest.mark.parametrize(
    "said",
    ["Error from server (NotFound): pods not found", "Unable to connect to the server: EOF", ""],
)
def test_a_program_that_may_have_been_heard_is_not_run_again(on_path: Path, said: str) -> None:
    program(on_path, f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
    with pytest.raises(ClusterError) as caught:
        run_command(FakeCluster(), "kubectl", "get pods")
    assert type(caught.value) is ClusterError
