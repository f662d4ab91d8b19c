"""The README's commands on hosts as people have them: booted, used, and left as they were."""

from __future__ import annotations

import io
import json
import re
import shlex
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.hosts.image import CHECKOUT, HOME_CHECKOUT, USER, checkout_files, ensure_image
from tests.hosts.machine import Machine, booted

CHAPTER = "opting-out"
STORAGE = "/srv/istiolab"
# Of root, of a user who calls sudo, and of the container.
LOGS = f"{{/root,/home/{USER}}}/.local/state/istiolab/default/log {STORAGE}/state/default/log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A kind of host."""

    name: str
    suite: str
    """Debian's release."""
    sudo: bool = True
    """The commands are a user's, by sudo; else root's."""
    kernel_arguments: str = ""
    prepare: str = ""
    """What is done on it first, as root."""
    container: bool = False
    """The commands run in the development container, on Docker there."""
    bare: bool = False
    """The short form: a lab without a mesh, up and down."""
    cpus: int = 2
    memory: str = "6G"


HOSTS = (
    Host(name="debian13-bare", suite="trixie", bare=True),
    Host(name="debian13-sudo", suite="trixie"),
    Host(name="debian13-root", suite="trixie", sudo=False),
    Host(name="debian12-sudo", suite="bookworm"),
    Host(
        name="debian12-v1-legacy",
        suite="bookworm",
        kernel_arguments="systemd.unified_cgroup_hierarchy=0"
        " systemd.legacy_systemd_cgroup_controller=1",
        # A host whose own rules are of the old kind.
        prepare="update-alternatives --quiet --set iptables /usr/sbin/iptables-legacy"
        " && iptables -A INPUT -s 192.0.2.1 -j DROP",
    ),
    Host(
        name="debian13-stray-v1",
        suite="trixie",
        prepare="mkdir /vpn && mount -t cgroup -o net_cls none /vpn",
    ),
    Host(name="debian13-container", suite="trixie", container=True),
    Host(name="debian13-small", suite="trixie", cpus=1, memory="4G"),
)


@dataclass(slots=True)
class Trial:
    """What happened on one host: its facts, and the seconds of each step."""

    host: Host
    facts: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def timed(self, step: str, work: Callable[[], str]) -> str:
        start = time.monotonic()
        try:
            return work()
        finally:
            self.seconds[step] = time.monotonic() - start


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
def test_the_lab_comes_up_verifies_and_leaves_the_host_as_it_was(
    host: Host, tmp_path: Path, trials: list[Trial]
) -> None:
    image = ensure_image(host.suite)
    trial = Trial(host=host)
    trials.append(trial)
    start = time.monotonic()
    with booted(
        image,
        console=tmp_path / "console.log",
        arguments=host.kernel_arguments,
        cpus=host.cpus,
        memory=host.memory,
    ) as machine:
        trial.seconds["boot"] = time.monotonic() - start
        _put_checkout(machine)
        if host.sudo and not host.container:
            # With sudo the cache is in the calling user's home.
            machine.must(
                f"install -d -o {USER} -g {USER} /home/{USER}/.cache"
                f" && mv /root/.cache/istiolab /home/{USER}/.cache/",
                user="root",
            )
        if host.prepare:
            machine.must(host.prepare, user="root")
        trial.facts = _facts(machine)
        if host.container:
            trial.timed("prepare", lambda: _start_container(machine))
        _use(machine, trial)


def _use(machine: Machine, trial: Trial) -> None:
    host = trial.host
    istiolab = ".venv/bin/istiolab"
    look = "env PYTHONPATH=. .venv/bin/python -m tests.hosts.look /root/before.json"
    steps = (
        ("look", look),
        ("doctor", f"{istiolab} doctor"),
        ("up", f"{istiolab} up --bare" if host.bare else "make up"),
        ("status", f"{istiolab} status"),
        *([] if host.bare else [("verify", f"{istiolab} verify {CHAPTER}")]),
        ("down", f"{istiolab} down" if host.bare else "make down"),
        ("compare", look),
    )
    for step, command in steps:
        trial.timed(step, lambda command=command: _as_caller(machine, host, command))  # type: ignore[misc]


def _as_caller(machine: Machine, host: Host, command: str) -> str:
    if host.container:
        command = f"docker exec --workdir {HOME_CHECKOUT} dev {command}"
    by_user = host.sudo and not host.container
    done = machine.run(
        f"cd {HOME_CHECKOUT} && " + (f"sudo {command}" if by_user else command),
        user=USER if by_user else "root",
        timeout_seconds=3600,
    )
    logs = "" if done.returncode == 0 else _last_lines(machine)
    assert done.returncode == 0, (
        f"`{command}` ended with {done.returncode} on {host.name}\n"
        f"{done.stdout[-4000:]}\n{done.stderr[-8000:]}\n{logs}"
    )
    return done.stdout


def _last_lines(machine: Machine) -> str:
    return machine.run(
        f"for folder in {LOGS}; do cd $folder && tail -n 25 node.log kubeadm.log kubelet.log; done",
        user="root",
        timeout_seconds=120,
    ).stdout


def _facts(machine: Machine) -> dict[str, str]:
    asked = {
        "system": ". /etc/os-release && echo $PRETTY_NAME",
        "kernel": "uname -r",
        "cgroups": "stat -f -c %T /sys/fs/cgroup",
        "systemd": "systemctl --version | head -n 1 | cut -d' ' -f2",
    }
    return {name: machine.must(command).strip() for name, command in asked.items()}


def _start_container(machine: Machine) -> str:
    """Start the development container: its image on a base made of the machine's own files."""
    settings = json.loads((CHECKOUT / ".devcontainer" / "devcontainer.json").read_text())
    variables = [f"--env {name}={value}" for name, value in settings["containerEnv"].items()]
    (target,) = re.findall(r"target=([^,]+)", settings["mounts"][0])
    assert settings["privileged"]
    left_out = ("boot", "home", "root", "srv", "usr/lib/modules", "var/lib/docker")
    without = " ".join(f"--exclude=./{name}" for name in left_out)
    run = (
        f"docker run --detach --name dev --privileged {' '.join(variables)}"
        f" --volume {HOME_CHECKOUT}:{HOME_CHECKOUT} --volume {STORAGE}:{target} dev sleep infinity"
    )
    return machine.must(
        " && ".join(
            (
                f"mkdir -p {STORAGE} && mv /root/.cache/istiolab {STORAGE}/cache",
                "systemctl start docker",
                # No registry is asked: what the Dockerfile builds on is made here.
                f"tar -C / --one-file-system {without} -c . | docker import - debian:trixie",
                f"docker build --quiet --tag dev {HOME_CHECKOUT}/.devcontainer",
                run,
            )
        ),
        user="root",
        timeout_seconds=1800,
    )


def _put_checkout(machine: Machine) -> None:
    """Put the checkout as it stands over the one that the image was made with."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz", compresslevel=1) as archive:
        for name in checkout_files():
            archive.add(CHECKOUT / name, arcname=name)
    done = machine.run(
        # The environment is the one that this checkout asks for: the image is kept under a digest
        # of what it is made from.
        f"cd {shlex.quote(HOME_CHECKOUT)} && rm -rf src tests && tar xz --no-same-owner"
        " && touch .venv/.ready",
        timeout_seconds=300,
        stdin=data.getvalue(),
    )
    assert done.returncode == 0, done.stderr
