from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from istiolab.errors import HostError, IstiolabError
from istiolab.race import layer
from istiolab.race.layer import ensure_layer, layer_key, parse_pins, read_pins
from istiolab.race.peers import PEERS
from istiolab.system.progress import SILENT

ROOT = Path(__file__).parents[3]


def test_every_peer_is_pinned_here_or_in_the_projects_lock() -> None:
    lock = parse_pins((ROOT / "requirements.txt").read_text())
    pins = parse_pins(read_pins())
    for peer in PEERS:
        assert peer.distribution in {*pins, *lock}
    group = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["bench"]
    for requirement in group:
        found = re.fullmatch(r"([\w-]+)>=(\d+).*,<(\d+)", requirement)
        assert found
        name, least, below = found.groups()
        assert int(least) <= int(pins[name].split(".")[0]) < int(below)


def test_pins_are_compared_by_the_names_that_pypi_compares() -> None:
    assert parse_pins("# why\n\nSQLAlchemy==2.1.9\nimportlib_metadata==10.2.0\n") == {
        "sqlalchemy": "2.1.9",
        "importlib-metadata": "10.2.0",
    }
    with pytest.raises(IstiolabError, match="cannot be read"):
        parse_pins("nbmake>=1.5\n")


def test_another_list_environment_or_python_is_another_layer() -> None:
    same = {"prefix": "/venv", "python": "3.11.7"}
    key = layer_key("a==1", **same)
    assert key == layer_key("a==1", **same)
    others = [
        layer_key("a==2", **same),
        layer_key("a==1", **{**same, "prefix": "/other"}),
        layer_key("a==1", **{**same, "python": "3.12.1"}),
    ]
    assert len({key, *others}) == 4
    assert re.fullmatch(r"[0-9a-f]{12}", key)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Have nothing installed, and return what would have been."""
    calls: list[list[str]] = []

    def install(argv: Any, **_: Any) -> None:
        calls.append(list(argv))

    monkeypatch.setattr(layer, "run_logged", install)
    return calls


def test_a_layer_has_the_packages_below_it_and_a_kernel_of_its_own(
    tmp_path: Path, installed: list[list[str]]
) -> None:
    python = ensure_layer(tmp_path / "cache", SILENT)
    code = (
        "import sys, istiolab, nbclient; "
        "from jupyter_client.kernelspec import KernelSpecManager; "
        "print(sys.prefix, KernelSpecManager().get_kernel_spec('python3').argv[0])"
    )
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    prefix, kernel = done.stdout.split()
    assert Path(python) == Path(kernel) == Path(prefix) / "bin" / "python"
    assert prefix.startswith(str(tmp_path))
    (pip,) = installed
    assert pip[:3] == [sys.executable, "-m", "pip"]
    assert ensure_layer(tmp_path / "cache", SILENT) == python
    assert len(installed) == 1


def test_a_layer_that_could_not_be_made_leaves_nothing_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise HostError("`python` ended with 1", where=("| no matching distribution",))

    monkeypatch.setattr(layer, "run_logged", refuse)
    with pytest.raises(HostError, match="could not be installed") as caught:
        ensure_layer(tmp_path, SILENT)
    assert "--peers none" in (caught.value.hint or "")
    assert caught.value.where == ("| no matching distribution",)
    left = {path.suffix for path in (tmp_path / "bench").iterdir()}
    assert left <= {".lock", ".log"}
