"""A virtual machine that boots from an image, and is gone when it is left."""

from __future__ import annotations

import shlex
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.hosts.image import USER, Image

BOOT_SECONDS = 600
# Software emulation: /dev/kvm is not on every machine, and where it is, it may not work.
_MACHINE = (
    *("qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-nographic"),
    *("-device", "virtio-net-pci,netdev=n0", "-device", "virtio-rng-pci"),
)
_KERNEL_LINE = "root=/dev/vda rw console=ttyS0 net.ifnames=0 mitigations=off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine that answers."""

    image: Image
    port: int
    console: Path

    def run(
        self, command: str, *, user: str = USER, timeout_seconds: float, stdin: bytes = b""
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell's command in the user's checkout or home folder."""
        done = subprocess.run(
            [*_ssh(self.image.key, self.port, user), command],
            input=stdin,
            capture_output=True,
            timeout=timeout_seconds,
            check=False,
        )
        return subprocess.CompletedProcess(
            command,
            done.returncode,
            done.stdout.decode(errors="replace"),
            done.stderr.decode(errors="replace"),
        )

    def must(self, command: str, *, user: str = USER, timeout_seconds: float = 300) -> str:
        """Run a command that has to end with 0; return what it printed."""
        done = self.run(command, user=user, timeout_seconds=timeout_seconds)
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}{done.stderr[-6000:]}"
        return done.stdout


@contextmanager
def booted(
    image: Image, *, console: Path, arguments: str = "", cpus: int = 2, memory: str = "6G"
) -> Iterator[Machine]:
    """Boot a machine from an image, of which nothing is changed; end it on leaving."""
    port = _free_port()
    with console.open("wb") as stream:
        process = subprocess.Popen(
            [
                *_MACHINE,
                *("-smp", str(cpus), "-m", memory),
                *("-kernel", str(image.kernel), "-initrd", str(image.initrd)),
                *("-append", f"{_KERNEL_LINE} {arguments}"),
                *("-drive", f"file={image.disk},format=raw,if=virtio,cache=unsafe,snapshot=on"),
                *("-netdev", f"user,id=n0,hostfwd=tcp:127.0.0.1:{port}-:22"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
        )
    try:
        machine = Machine(image=image, port=port, console=console)
        _wait_for_answer(machine, process)
        yield machine
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait_for_answer(machine: Machine, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + BOOT_SECONDS
    while machine.run("true", user="root", timeout_seconds=120).returncode != 0:
        said = machine.console.read_text(errors="replace")[-2000:]
        assert process.poll() is None, f"the machine ended: {said}"
        assert time.monotonic() < deadline, f"no answer after {BOOT_SECONDS} s: {said}"
        time.sleep(2)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def _ssh(key: Path, port: int, user: str) -> list[str]:
    options = (
        "StrictHostKeyChecking=no",
        "UserKnownHostsFile=/dev/null",
        "LogLevel=ERROR",
        "ConnectTimeout=20",
        "ServerAliveInterval=30",
        "ServerAliveCountMax=20",
    )
    return [
        *("ssh", "-i", str(key), "-p", str(port)),
        *(word for option in options for word in ("-o", option)),
        f"{user}@127.0.0.1",
    ]


def quoted(*argv: str) -> str:
    """Return a command for `run` from its words."""
    return shlex.join(argv)
