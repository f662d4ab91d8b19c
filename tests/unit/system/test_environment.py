from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from istiolab.system import environment
from istiolab.system.command import run
from istiolab.system.environment import TABLE, Audience, Row, environment_for, passes

ALL = frozenset(Audience)
REACHING_OUT = ALL - {Audience.TOOL, Audience.NODE}
# What people have around, and who may see it.
KNOWN: dict[str, frozenset[Audience]] = {
    **dict.fromkeys(("PATH", "HOME", "LD_LIBRARY_PATH", "ISTIOLAB_CACHE"), ALL),
    "TMPDIR": ALL - {Audience.NODE},
    **dict.fromkeys(
        ("HTTPS_PROXY", "no_proxy", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
        REACHING_OUT,
    ),
    **dict.fromkeys(
        (
            *("GOPROXY", "GONOSUMDB", "GOPRIVATE", "PIP_INDEX_URL", "PIP_FIND_LINKS"),
            *("PIP_CONFIG_FILE", "npm_config_registry", "NPM_CONFIG_USERCONFIG", "NPM_TOKEN"),
            "npm_config_//registry.example.org/:_authToken",
        ),
        frozenset({Audience.BUILD}),
    ),
    "DISPLAY": frozenset({Audience.JUPYTERLAB}),
    **dict.fromkeys(
        (
            *("GOFLAGS", "GOWORK", "GOOS", "GODEBUG", "CGO_CFLAGS", "CFLAGS", "CC", "MAKEFLAGS"),
            *("PIP_USER", "PIP_TARGET", "npm_config_global", "NODE_OPTIONS", "SOURCE_DATE_EPOCH"),
            *("PYTHONSTARTUP", "PYTHONPATH", "PYTHONOPTIMIZE", "JUPYTER_PATH", "IPYTHONDIR"),
            *("TZ", "LANG", "LC_ALL", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"),
            *("GREP_OPTIONS", "BASH_ENV", "CDPATH", "BASH_FUNC_cd%%", "LD_PRELOAD"),
            *("KUBECONFIG", "KUBECTL_EXTERNAL_DIFF"),
        ),
        frozenset(),
    ),
}


@pytest.mark.parametrize("audience", Audience)
def test_each_audience_gets_what_the_table_says_and_what_is_stated(audience: Audience) -> None:
    theirs = {**dict.fromkeys(KNOWN, "theirs"), "AWS_PROFILE": "theirs"}
    for unnamed in (False, True):
        got = environment_for(audience, {"MORE": "ours"}, ours=theirs, unnamed=unnamed)
        passed = {name for name, value in got.items() if value == "theirs"}
        expected = {name for name, to in KNOWN.items() if audience in to}
        assert passed == expected | ({"AWS_PROFILE"} if unnamed else set())
        assert (got["LANG"], got["TZ"], got["MORE"]) == ("C.UTF-8", "UTC", "ours")


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.names[0])
def test_no_row_hides_a_name_of_a_later_one(row: Row) -> None:
    for pattern in row.names:
        name = pattern.replace("[!O]", "Z").replace("*", "x")
        assert next(each for each in TABLE if each.has(name)) is row


def test_credentials_of_the_cloud_are_not_taken_for_settings_of_go() -> None:
    assert passes("GOOGLE_APPLICATION_CREDENTIALS", Audience.GIVEN, unnamed=True)


def test_a_program_starts_in_the_environment_of_a_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TZ", "GREP_OPTIONS", "SOME_VARIABLE", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "theirs")
    assert "theirs" not in run(["env"]).stdout


def test_what_is_given_is_the_whole_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "kept")
    assert run(["/usr/bin/env"], environment={"THEIRS": "given"}).stdout == "THEIRS=given\n"


def test_a_python_of_ours_imports_this_package_whatever_lies_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "istiolab.py").write_text("raise SystemExit('of somebody else')")
    code = "import istiolab.system.environment as here; print(here.__file__)"
    done = run([sys.executable, "-c", code], folder=tmp_path)
    assert done.stdout.strip() == environment.__file__


def script(*arguments: str, **variables: str) -> str:
    return subprocess.run(
        [sys.executable, "-I", environment.__file__, *arguments],
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_tools_start_programs_through_the_file_alone() -> None:
    said = script(
        *("build", "/usr/bin/env"), PIP_TARGET="x", PIP_INDEX_URL="https://example.org", PATH="/bin"
    )
    assert {"PIP_INDEX_URL=https://example.org", "PIP_USER=0", "PATH=/bin"} <= set(said.split())
    assert "PIP_TARGET" not in said


def test_sudo_keeps_what_somebody_gets_but_not_what_it_sets_itself() -> None:
    said = script("names", GOPROXY="a", ISTIOLAB_NAME="b", HOME="/c", PATH="/d", TZ="e", OTHER="f")
    assert said == "GOPROXY,ISTIOLAB_NAME\n"
