from __future__ import annotations

from pathlib import Path

import pytest

from istiolab.errors import ClusterError, UsageError
from istiolab.mesh.screen import on_screen, stays
from istiolab.mesh.session import Mesh
from tests.unit.mesh.fakes import FakeCluster
from tests.unit.mesh.test_commands import ECHO, program

INSTALL = """        |\\
        | \\
       /||  \\
/______||__________\\
____________________
  \\__       _____/
     \\_____/


- Processing resources for Istio core.
✔ Istio core installed ⛵️
- Processing resources for Istiod. Waiting for Deployment/istio-system/istiod
✔ Istiod installed 🧠
- Pruning removed resources
✔ Installation complete
"""


@pytest.fixture
def mesh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mesh:
    monkeypatch.setenv("ISTIOLAB_BIN", str(program(tmp_path / "bin", ECHO, name="istioctl")))
    return Mesh(FakeCluster())


def says(tmp_path: Path, script: str) -> None:
    program(tmp_path / "bin", f"#!/bin/sh\n{script}\n", name="istioctl")


def test_the_line_is_run_as_it_is_shown(mesh: Mesh) -> None:
    done = on_screen(mesh, "istioctl x precheck --as 'a b'")
    assert str(done).splitlines() == [
        "$ istioctl x precheck --as 'a b'",
        *("<x>", "<precheck>", "<--as>", "<a b>", "/nowhere/kubeconfig"),
    ]


def test_both_streams_are_shown_what_was_found_first(mesh: Mesh, tmp_path: Path) -> None:
    says(tmp_path, "echo fine >&2; echo found")
    done = on_screen(mesh, "istioctl x")
    assert str(done).splitlines()[1:] == ["found", "fine"]
    assert done.stderr == "fine\n"


def test_of_an_installation_stays_what_stays_on_a_terminal() -> None:
    assert stays(INSTALL) == (
        "✔ Istio core installed ⛵️",
        "✔ Istiod installed 🧠",
        "✔ Installation complete",
    )
    assert stays("- a list's item\n  |- a tree\n") == ("- a list's item", "  |- a tree")


def test_a_line_may_have_to_fail(mesh: Mesh, tmp_path: Path) -> None:
    says(tmp_path, "echo Error: no; exit 1")
    assert on_screen(mesh, "istioctl x", exit_code=1).exit_code == 1
    with pytest.raises(ClusterError, match="`istioctl` ended with 1") as caught:
        on_screen(mesh, "istioctl x")
    assert caught.value.where[-1] == "| Error: no"
    says(tmp_path, "exit 0")
    with pytest.raises(ClusterError, match="`istioctl` ended with 0"):
        on_screen(mesh, "istioctl x", exit_code=1)


def test_what_takes_too_long_is_ended(mesh: Mesh, tmp_path: Path) -> None:
    says(tmp_path, "exec sleep 30")
    with pytest.raises(ClusterError, match="did not end within"):
        on_screen(mesh, "istioctl install", timeout_seconds=0.2)


def test_half_a_quotation_is_no_line(mesh: Mesh) -> None:
    with pytest.raises(UsageError, match="is no line for a shell"):
        on_screen(mesh, "istioctl 'x")


def test_colours_are_not_text() -> None:
    assert stays("\x1b[1;31mError\x1b[0m [IST0141] [0m]\n") == ("Error [IST0141] [0m]",)
