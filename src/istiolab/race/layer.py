"""The cache folder in, a Python that has the peers out: made once, on top of the one that runs.

A layer: the packages of the running environment, istiolab and its kernel included, and the peers
over them. So all execute notebooks with the same packages, and the project's own environment has
none of the peers'.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from filelock import FileLock

from istiolab.errors import HostError, IstiolabError
from istiolab.system.command import check
from istiolab.system.files import make_owned_folder
from istiolab.system.process import run_logged
from istiolab.system.progress import Reporter

FOLDER = "bench"
_PIN = re.compile(r"(?P<name>[\w.-]+)==(?P<version>\S+)")
# pip's environment variables and options work here as anywhere.
_INSTALL = ("install", "--disable-pip-version-check", "--no-input", "--no-warn-script-location")


def read_pins() -> str:
    """Return the text of the file with the peers' exact versions."""
    return (resources.files("istiolab.race") / "assets" / "peers.txt").read_text(encoding="utf-8")


def parse_pins(text: str) -> Mapping[str, str]:
    """Return versions by the packages' names, in lower case with hyphens (as PyPI compares them).

    Raises:
        IstiolabError: a line is none of ours.
    """
    found = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        pin = _PIN.fullmatch(line.strip())
        if pin is None:
            raise IstiolabError("the list of the peers' versions cannot be read", where=(line,))
        found[re.sub(r"[-_.]+", "-", pin["name"]).lower()] = pin["version"]
    return found


def layer_key(pins: str, *, prefix: str, python: str) -> str:
    """Return the name of the layer for these pins, on this environment and version of Python."""
    return hashlib.sha256(f"{pins}\0{prefix}\0{python}".encode()).hexdigest()[:12]


def ensure_layer(cache: Path, reporter: Reporter) -> str:
    """Return the Python of the layer; make the layer if it is not there.

    Raises:
        HostError: the packages could not be had.
    """
    pins = read_pins()
    name = layer_key(pins, prefix=sys.prefix, python=platform.python_version())
    folder = make_owned_folder(cache) / FOLDER
    folder.mkdir(exist_ok=True)
    layer = folder / name
    python = layer / "bin" / "python"
    with FileLock(folder / f"{name}.lock"):
        if not layer.exists():
            with reporter.step("packages of the other tools", estimate_seconds=20):
                _make(layer, pins)
    return str(python)


def _make(layer: Path, pins: str) -> None:
    """Make the layer beside its place, and move it there when it is complete.

    Programs of the layer name the folder that they were made in: they are called as modules.
    """
    with tempfile.TemporaryDirectory(dir=layer.parent, prefix=f".{layer.name}.") as name:
        made = Path(name) / "layer"
        check([sys.executable, "-m", "venv", "--without-pip", str(made)], error=HostError)
        (packages,) = made.glob("lib/python*/site-packages")
        # `addsitedir`, not the bare path: it heeds the .pth files there, by which packages that
        # are installed from their sources are found.
        below = sorted({sysconfig.get_path(kind) for kind in ("purelib", "platlib")})
        (packages / "istiolab-below.pth").write_text(
            "".join(f"import site; site.addsitedir({path!r})\n" for path in below)
        )
        (made / "pins.txt").write_text(pins)
        log = layer.parent / f"{layer.name}.log"
        python = str(made / "bin" / "python")
        _install(python, made / "pins.txt", log)
        _write_kernel(made, layer)
        shutil.rmtree(layer, ignore_errors=True)
        made.rename(layer)


def _install(python: str, pins: Path, log: Path) -> None:
    pip = (sys.executable, "-m", "pip", "--python", python)
    try:
        run_logged((*pip, *_INSTALL, "--requirement", str(pins)), log=log, error=HostError)
    except HostError as failed:
        raise HostError(
            "the other tools could not be installed",
            where=failed.where[-5:],
            log=log,
            hint="does the package index answer? `istiolab bench verify --peers none` needs none",
        ) from failed


def _write_kernel(made: Path, layer: Path) -> None:
    """Have the kernel `python3` be the layer's own Python, whatever kernels a user has."""
    kernel = made / "share" / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    argv = [str(layer / "bin" / "python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "Python 3", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
