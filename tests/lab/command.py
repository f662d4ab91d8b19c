"""The `istiolab` command as a user calls it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from istiolab.system.deadlines import scaled

PROGRAM = Path(sys.executable).parent / "istiolab"


@dataclass(frozen=True, kw_only=True)
class OwnLab:
    name: str
    state: Path
    environment: Mapping[str, str]

    @property
    def temporary(self) -> Path:
        return Path(self.environment["TMPDIR"])

    @property
    def kubeconfig(self) -> Path:
        return self.state / self.name / "kubeconfig"

    @property
    def record(self) -> dict[str, Any]:
        table: dict[str, Any] = json.loads((self.state / self.name / "lab.json").read_text())
        return table


def istiolab(
    *arguments: str,
    own: OwnLab | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    text: str = "",
    timeout_seconds: float = 300,
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(PROGRAM), *arguments],
        env=dict(environment) if environment else dict(own.environment) if own else None,
        cwd=folder,
        input=text,
        capture_output=True,
        text=True,
        timeout=scaled(timeout_seconds),
        check=False,
    )


def running(own: OwnLab, *names: str) -> list[psutil.Process]:
    """Return the processes of a lab that have one of these names.

    Others end meanwhile: probes are programs that begin and end all the time.
    """
    found = []
    for process in psutil.Process(own.record["pid"]).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if process.name() in names:
                found.append(process)
    return found


def kill(processes: Iterable[psutil.Process]) -> None:
    """Kill processes; one may have ended because of another."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def start(
    *arguments: str, own: OwnLab | None = None, folder: Path | None = None
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(PROGRAM), *arguments],
        env=dict(own.environment) if own else None,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # A shell's background jobs ignore SIGINT, and would hand that down to it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
