"""Disks of hosts to boot: Debian by mmdebstrap, with the project's environment and cache on it.

What does not depend on the kernel that runs (packages, the virtual environment) is made in a
chroot, at this machine's speed. Disks are kept beside the lab's cache, under a digest of what is on
them.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from istiolab.lab.folders import cache_folder
from istiolab.system.files import make_owned_folder

CHECKOUT = Path(__file__).resolve().parents[2]
USER = "user"
HOME_CHECKOUT = f"/home/{USER}/istiolab"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
DISK_GB = 24
_PACKAGES = (
    *("linux-image-cloud-amd64", "initramfs-tools", "systemd", "systemd-sysv", "systemd-resolved"),
    *("udev", "dbus", "kmod", "procps", "iproute2", "nftables", "iptables", "openssh-server"),
    *("sudo", "make", "git", "ca-certificates", "python3", "python3-venv", "apache2-utils"),
    *("curl", "docker.io"),
)
# What the environment of the guest's checkout is made from.
_ENVIRONMENT = ("requirements.txt", "pyproject.toml", "tools/setup")
_NETWORK = "[Match]\nName=eth0\n\n[Network]\nDHCP=yes\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What a machine boots from."""

    disk: Path
    kernel: Path
    initrd: Path
    key: Path
    """The private key that opens it, for root and for the user."""


def ensure_image(suite: str) -> Image:
    """Return a disk with Debian `suite`, made unless it is there."""
    cache = cache_folder()
    hosts = make_owned_folder(cache / "hosts")
    root = _ensure(hosts, f"{suite}-root", _root_content(suite), lambda at: _make_root(suite, at))
    parts = [root.name, DISK_GB, *sorted(each.name for each in _parts(cache))]
    folder = _ensure(hosts, f"{suite}-disk", parts, lambda at: _make_disk(root, cache, at))
    return Image(
        disk=folder / "disk.img",
        kernel=root / "root" / "vmlinuz",
        initrd=root / "root" / "initrd.img",
        key=root / "key",
    )


def _ensure(
    hosts: Path, name: str, content: Sequence[object], make: Callable[[Path], None]
) -> Path:
    """Return the folder `name` with a digest of its content, made unless it is there."""
    key = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]
    folder = hosts / f"{name}-{key}"
    if not folder.is_dir():
        for old in hosts.glob(f"{name}-*"):
            shutil.rmtree(old)
        partial = hosts / f".{folder.name}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        make(partial)
        partial.rename(folder)
    return folder


def _root_content(suite: str) -> list[object]:
    files = [(CHECKOUT / name).read_text() for name in _ENVIRONMENT]
    host = [path.read_text() for path in (CERTIFICATES, Path("/etc/resolv.conf"))]
    return [suite, _PACKAGES, _NETWORK, *files, *host]


def _parts(cache: Path) -> list[Path]:
    """Return the folders of the lab's programs, images and stores."""
    found = [each for kind in ("programs", "images", "stores") for each in (cache / kind).iterdir()]
    assert found, "there is nothing in the lab's cache: bring a lab up here first, with `make up`"
    return found


def _make_root(suite: str, folder: Path) -> None:
    root = folder / "root"
    _run(
        *("mmdebstrap", "--variant=apt", "--mode=root", f"--include={','.join(_PACKAGES)}"),
        *("--aptopt=Acquire::Languages none", suite, str(root)),
        # The mirror that this machine uses: on many machines only that one is reachable.
        *_run("apt-get", "indextargets", "--format=$(REPO_URI)", "Origin: Debian").split()[:1],
    )
    _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key"))
    _configure(root, public_key=(folder / "key.pub").read_text())
    _copy_checkout(root / HOME_CHECKOUT.lstrip("/"))
    in_root = f"chown -R {USER}: /home/{USER} && su {USER} -c 'cd {HOME_CHECKOUT} && tools/setup'"
    _run(
        *("unshare", "--mount", "--pid", "--fork", f"--mount-proc={root}/proc"),
        *("chroot", str(root), "sh", "-c", in_root),
    )


def _make_disk(root: Path, cache: Path, folder: Path) -> None:
    tree = folder / "tree"
    _run("cp", "-al", str(root / "root"), str(tree))
    target = tree / "root" / ".cache" / "istiolab"
    target.mkdir(parents=True)
    kept = (str(cache / name) for name in ("CACHEDIR.TAG", "programs", "images", "stores"))
    _run("cp", "-al", *kept, str(target))
    disk = folder / "disk.img"
    with disk.open("wb") as stream:
        stream.truncate(DISK_GB * 10**9)
    _run("mkfs.ext4", "-q", "-F", "-d", str(tree), str(disk))
    shutil.rmtree(tree)


def _configure(root: Path, *, public_key: str) -> None:
    _run("chroot", str(root), "useradd", "--create-home", "--shell", "/bin/bash", USER)
    files = {
        "etc/hostname": "host\n",
        "etc/hosts": "127.0.0.1 localhost host\n",
        "etc/systemd/network/80-eth0.network": _NETWORK,
        f"etc/sudoers.d/{USER}": f"{USER} ALL=(ALL) NOPASSWD: ALL\n",
        "root/.ssh/authorized_keys": public_key,
        f"home/{USER}/.ssh/authorized_keys": public_key,
        "etc/pip.conf": f"[global]\ncert = {CERTIFICATES}\n",
        # Where systemd-resolved's own file appears once it runs.
        "run/systemd/resolve/stub-resolv.conf": Path("/etc/resolv.conf").read_text(),
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    shutil.copy(CERTIFICATES, root / str(CERTIFICATES).lstrip("/"))
    (root / "root" / ".ssh").chmod(0o700)
    # Docker is for one host alone, which starts it.
    for unit in ("systemd-networkd", "systemd-resolved"):
        _run("chroot", str(root), "systemctl", "enable", "--quiet", unit)
    for unit in ("docker.service", "docker.socket", "containerd.service"):
        _run("chroot", str(root), "systemctl", "disable", "--quiet", unit)


def checkout_files() -> list[str]:
    """Return the files of the checkout as it stands, new ones included."""
    listed = _run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return [name for name in listed.split("\0") if name and (CHECKOUT / name).is_file()]


def _copy_checkout(target: Path) -> None:
    for name in checkout_files():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(CHECKOUT / name, target / name)


def _run(*argv: str | Sequence[str]) -> str:
    done = subprocess.run(
        [str(word) for word in argv],
        cwd=CHECKOUT,
        env={**os.environ, "LC_ALL": "C.UTF-8", "PATH": f"/usr/sbin:/sbin:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{argv}: {(done.stdout + done.stderr)[-2000:]}"
    return done.stdout
