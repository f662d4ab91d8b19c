"""The exact words and exit codes of foreseeable failures, as a user sees them."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
from pathlib import Path

import click
import psutil
import pytest

from istiolab.cli import lab_commands
from istiolab.cli import main as command_line
from istiolab.cli.main import cli, run_cli, with_system_folders
from istiolab.errors import ExitCode, HostError
from istiolab.lab.folders import state_folder
from istiolab.lab.spec import Lab

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _empty_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISTIOLAB_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("ISTIOLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ISTIOLAB_NAME", raising=False)
    monkeypatch.chdir(tmp_path)


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run_cli(list(arguments))
    said = capsys.readouterr()
    return code, said.out, said.err


def test_status_of_a_lab_that_is_not_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(capsys, "status") == (4, "default: not up\n", "")


def test_kubectl_without_a_lab_says_how_to_get_one(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = _run(capsys, "kubectl", "get", "pods")
    assert (code, out) == (4, "")
    assert err == "error: lab `default` is not up\n\nhint: bring it up: `istiolab up`\n"


def test_verify_where_there_is_no_notebook(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = _run(capsys, "verify")
    assert (code, out) == (2, "")
    assert err == (
        "error: there is no notebook in `notebooks`\n\n"
        "hint: run this in a checkout of the project, or name a notebook's path\n"
    )


def test_verify_of_a_notebook_that_is_not_there_names_those_that_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "here.ipynb").write_text("{}")
    code, _, err = _run(capsys, "verify", "gone")
    assert code == 2
    assert err == "error: there is no notebook `gone`\n  there is: here\n"


def test_a_name_that_cannot_be(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = _run(capsys, "status", "--name", "Not A Name")
    assert code == 2
    assert err.startswith("error: `Not A Name` cannot name a lab\n")


def test_an_unknown_option_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = _run(capsys, "up", "--nonsense")
    assert code == 2
    assert "No such option" in err


def test_existing_without_a_kubeconfig_says_which_option(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, _, err = _run(capsys, "up", "--provider", "existing", "-q")
    assert code == 2
    assert "--kubeconfig FILE" in err


def test_a_name_that_verify_keeps_for_its_own_labs_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, err = _run(capsys, "up", "--bare", "--name", "play-bare")
    assert (code, out) == (2, "")
    assert err == (
        "error: `play-bare` is a name for a lab that `istiolab verify` brings up by itself\n\n"
        "hint: choose a name that does not end in `-bare`\n"
    )


def test_an_existing_cluster_cannot_be_brought_up_bare(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config").touch()
    code, _, err = _run(
        capsys, "up", "--bare", "--provider", "existing", "--kubeconfig", str(tmp_path / "config")
    )
    assert code == 2
    assert err == (
        "error: an existing cluster is used as it is: it cannot be brought up bare\n\n"
        "hint: leave out `--provider existing`\n"
    )


@pytest.mark.parametrize(("bare", "kind"), [(True, ", bare: without a mesh"), (False, "")])
def test_status_tells_a_bare_lab_from_one_with_a_mesh(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, bare: bool, kind: str
) -> None:
    lab = Lab(
        name="play",
        provider="embedded",
        kubeconfig=Path("/k"),
        context="",
        fingerprint="f",
        pid=os.getpid(),
        pid_started=psutil.Process().create_time(),
        bare=bare,
    )
    record = tmp_path / "state" / "play" / "lab.json"
    record.parent.mkdir(parents=True)
    record.write_text(lab.to_json())
    out = f"play: up (embedded{kind}), kubeconfig /k\n"
    assert _run(capsys, "status", "--name", "play") == (0, out, "")
    assert json.loads(_run(capsys, "status", "--name", "play", "--json")[1])["play"]["bare"] is bare


def test_what_env_prints_is_read_by_a_shell_as_it_is_meant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISTIOLAB_STATE", str(tmp_path / "it's my $HOME 檔案"))
    folder = state_folder("play")
    (folder / "bin").mkdir(parents=True)
    lab = Lab(
        name="play",
        provider="embedded",
        kubeconfig=folder / "kubeconfig",
        context="",
        fingerprint="f",
        pid=os.getpid(),
        pid_started=psutil.Process().create_time(),
    )
    (folder / "lab.json").write_text(lab.to_json())
    code, out, _ = _run(capsys, "env", "--name", "play")
    assert code == 0
    script = f'PATH=/a:/b; {out}echo "$KUBECONFIG"; echo "$ISTIOLAB_BIN"; echo "$PATH"'
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        str(folder / "kubeconfig"),
        str(folder / "bin"),
        f"{folder / 'bin'}:/a:/b",
    ]


def test_an_error_as_json_has_the_same_fields(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "x.log"
    log.touch()

    @click.command("break")
    @click.option("--json", "as_json", is_flag=True)
    def failing(*, as_json: bool) -> None:
        assert as_json
        raise HostError("no disk", where=("a", "b"), log=log, hint="buy one")

    monkeypatch.setitem(cli.commands, "break", failing)
    code, out, err = _run(capsys, "break", "--json")
    assert code == ExitCode.HOST
    assert json.loads(out) == {
        "error": "no disk",
        "where": ["a", "b"],
        "log": str(log),
        "hint": "buy one",
        "exit_code": 3,
    }
    assert err == f"error: no disk\n  a\n  b\n  log: {log}\n\nhint: buy one\n"


def test_ctrl_c_is_130_and_a_bug_is_70_with_a_report(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    @click.command("stop")
    def stopping() -> None:
        raise KeyboardInterrupt

    @click.command("bug")
    def buggy() -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setitem(cli.commands, "stop", stopping)
    monkeypatch.setitem(cli.commands, "bug", buggy)
    assert _run(capsys, "stop")[0] == 130
    code, _, err = _run(capsys, "bug")
    assert code == 70
    assert "Traceback" not in err
    report = re.search(r"report: (\S+)", err)
    assert report
    assert "ZeroDivisionError: oops" in Path(report[1]).read_text()
    Path(report[1]).unlink()


def test_a_disk_that_is_full_is_no_bug(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    @click.command("full")
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/tmp/x")

    monkeypatch.setitem(cli.commands, "full", full)
    assert _run(capsys, "full") == (
        3,
        "",
        "error: nothing more can be written\n  [Errno 28] No space left on device: '/tmp/x'\n",
    )


def test_what_went_wrong_is_told_without_secrets(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "t0ken-of-the-environment"

    @click.command("break")
    @click.option("--json", "as_json", is_flag=True)
    def failing(*, as_json: bool) -> None:
        assert as_json
        raise HostError(secret, where=(f"a {secret}",), hint=secret)

    @click.command("bug")
    def buggy() -> None:
        raise ZeroDivisionError(secret)

    monkeypatch.setenv("SOME_TOKEN", secret)
    monkeypatch.setitem(cli.commands, "break", failing)
    monkeypatch.setitem(cli.commands, "bug", buggy)
    _, out, err = _run(capsys, "break", "--json")
    assert secret not in out + err
    told = "what went wrong cannot be told here, since it holds a value of the environment variable"
    assert json.loads(out)["error"] == f"{told} SOME_TOKEN"
    _, out, err = _run(capsys, "bug")
    report = re.search(r"report: (\S+)", err)
    assert report
    assert secret not in out + err + Path(report[1]).read_text()
    Path(report[1]).unlink()


def test_exit_codes_are_unique_and_in_the_readme() -> None:
    assert len({int(code) for code in ExitCode}) == len(ExitCode)
    readme = (ROOT / "README.md").read_text()
    epilog = cli.epilog or ""
    for code in ExitCode:
        assert re.search(rf"\b{int(code)} ", readme), code
        assert re.search(rf"\b{int(code)} ", epilog), code


def test_every_command_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    for name in cli.commands:
        assert f"istiolab {name}" in readme, name
    assert command_line.cli.commands.keys() >= {"up", "down", "verify", "bench"}


def test_a_log_that_is_not_there_is_not_named(tmp_path: Path) -> None:
    log = tmp_path / "containerd.log"
    assert HostError("it died", log=log).render() == "error: it died"
    log.touch()
    assert HostError("it died", log=log).render() == f"error: it died\n  log: {log}"


@pytest.mark.parametrize("command", ["up", "down", "verify", "notebook", "bench", "doctor"])
def test_every_command_that_waits_refuses_a_timeout_scale_that_is_none(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = _run(capsys, command, "--timeout-scale", "fast")
    assert code == 2
    assert err == (
        "error: `--timeout-scale` is `fast`, which is no timeout scale\n\n"
        "hint: use a number from 0.1 to 1000, such as 1 or 20\n"
    )


def test_a_timeout_scale_in_the_environment_that_is_none_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISTIOLAB_TIMEOUT_SCALE", "0")
    code, _, err = _run(capsys, "down")
    assert (code, err.partition(",")[0]) == (2, "error: `ISTIOLAB_TIMEOUT_SCALE` is `0`")


@pytest.mark.parametrize(
    ("option", "set_to", "measured", "scale"),
    [("7", "3", 2.0, "7"), (None, "3", 2.0, "3"), (None, "", 2.0, "2")],
)
def test_the_option_wins_over_the_environment_and_that_over_the_measurement(
    option: str | None,
    set_to: str,
    measured: float,
    scale: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ISTIOLAB_TIMEOUT_SCALE", set_to)
    monkeypatch.setattr(lab_commands, "calibrate", lambda _cache: measured)
    given = ("--timeout-scale", option) if option else ()
    _, out, _ = _run(capsys, "doctor", *given)
    assert f"timeout scale: {scale}, by which" in out
    # Kernels and other processes of ours have it as well.
    assert os.environ["ISTIOLAB_TIMEOUT_SCALE"] == scale


def test_programs_for_administrators_are_found_after_su_as_well() -> None:
    assert with_system_folders("/usr/bin:/bin") == "/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
    complete = "/usr/local/sbin:/usr/sbin:/sbin:/bin"
    assert with_system_folders(complete) == complete
