"""The scripts that make calls, in a checkout whose path has a space and other letters in it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.unit.lab.programs import write_program

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a copy of what the scripts need, where `id` says that we are not root."""
    copy = tmp_path / "my istio 檔案"
    shutil.copytree(ROOT / "tools", copy / "tools")
    shutil.copytree(ROOT / "src/istiolab/system", copy / "src/istiolab/system")
    write_program(tmp_path / "bin" / "id", "echo 1000")
    return copy


def script(
    checkout: Path, *argv: str, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    path = f"{checkout.parent}/bin:{os.environ['PATH']}"
    return subprocess.run(
        argv,
        cwd=checkout,
        env={"PATH": path, **(variables or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_recipe_runs_as_if_the_caller_had_nothing_around(checkout: Path) -> None:
    (checkout / "build").mkdir()
    (checkout / "elsewhere" / "build").mkdir(parents=True)
    theirs = {
        "CDPATH": str(checkout / "elsewhere"),
        "PYTHONPATH": "theirs",
        "LC_ALL": "POSIX",
        "TZ": "Asia/Taipei",
        "PYTHON": "python3.11",
    }
    line = 'umask 077; exec tools/recipe -c "$1"'
    recipe = 'cd build; pwd; umask; echo "$PYTHON ${PYTHONPATH-none} $LC_ALL $TZ"; false; echo on'
    done = script(checkout, "bash", "-c", line, "bash", recipe, variables=theirs)
    assert done.stdout.splitlines() == [
        str(checkout / "build"),
        "0022",
        "python3.11 none C.UTF-8 UTC",
    ]
    assert done.returncode == 1


def test_root_is_asked_of_sudo_with_the_variables_that_pass(checkout: Path) -> None:
    write_program(checkout.parent / "bin" / "sudo", 'echo "$1" >&2; shift 2; exec "$@"')
    done = script(
        *(checkout, "tools/as-root", "sh", "-c", 'echo "$1"; exit 5', "sh", "a b"),
        variables={"ISTIOLAB_NAME": "a", "GOFLAGS": "b", "HOME": "/c"},
    )
    assert (done.stdout, done.returncode) == ("a b\n", 5)
    assert set(done.stderr.splitlines()) == {"--preserve-env=GITHUB_ACTIONS,ISTIOLAB_NAME"}


def test_a_sudo_that_refuses_is_this_machines_fault_and_no_finding(checkout: Path) -> None:
    write_program(checkout.parent / "bin" / "sudo", "echo 'a password is required' >&2; exit 1")
    done = script(checkout, "tools/as-root", "true")
    assert (done.returncode, done.stderr) == (3, "a password is required\n")
