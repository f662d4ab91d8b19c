"""The exact words and exit codes of foreseeable failures, as a user sees them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import pytest

from istiolab.cli import main as command_line
from istiolab.cli.main import cli, run_cli
from istiolab.errors import ExitCode, HostError

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


def test_an_error_as_json_has_the_same_fields(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    @click.command("break")
    @click.option("--json", "as_json", is_flag=True)
    def failing(*, as_json: bool) -> None:
        assert as_json
        raise HostError("no disk", where=("a", "b"), log=Path("/x.log"), hint="buy one")

    monkeypatch.setitem(cli.commands, "break", failing)
    code, out, err = _run(capsys, "break", "--json")
    assert code == ExitCode.HOST
    assert json.loads(out) == {
        "error": "no disk",
        "where": ["a", "b"],
        "log": "/x.log",
        "hint": "buy one",
        "exit_code": 3,
    }
    assert err == "error: no disk\n  a\n  b\n  log: /x.log\n\nhint: buy one\n"


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
