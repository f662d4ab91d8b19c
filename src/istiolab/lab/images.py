"""Images put together from built programs and a Debian base layer: pins in, one archive out."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from istiolab.errors import HostError, LabError
from istiolab.lab.oci import Image, Layer, describe_layer, image_digest, write_archive, write_layer
from istiolab.lab.pins import ImagePin, Pins
from istiolab.system.command import run
from istiolab.system.environment import Audience, environment_for
from istiolab.system.files import write_json
from istiolab.system.process import run_logged
from istiolab.system.progress import Reporter

_CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageArchive:
    """The images, ready to be imported."""

    path: Path
    """An OCI layout as a tar file."""
    digests: Mapping[str, str]
    """Each image's digest by its name."""


def image_key(pins: Pins, programs: Mapping[str, Path]) -> str:
    """Return a digest of all that goes into the images."""
    content = {
        "base": (pins.base_suite, *pins.base_packages),
        "images": [asdict(pin) for pin in pins.images],
        "programs": sorted(folder.name for folder in programs.values()),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def ensure_images(
    pins: Pins, programs: Mapping[str, Path], cache: Path, reporter: Reporter
) -> ImageArchive:
    """Put the images together unless the cache holds them.

    Raises:
        LabError: the base layer could not be made, or a program is not where it should be.
    """
    folder = cache / "images" / image_key(pins, programs)
    if not folder.is_dir():
        partial = folder.with_name(f".{folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        base = _ensure_base(pins, cache, reporter)
        with reporter.step("put the images together", estimate_seconds=8) as step:
            _assemble(pins, programs, base=base, folder=partial, detail=step.detail)
        partial.rename(folder)
    digests = json.loads((folder / "digests.json").read_text())
    return ImageArchive(path=folder / "images.tar", digests=digests)


def _ensure_base(pins: Pins, cache: Path, reporter: Reporter) -> Path:
    """Return the tar of the Debian base, made by mmdebstrap from the machine's own sources."""
    content = " ".join((pins.base_suite, *pins.base_packages))
    key = hashlib.sha256(content.encode()).hexdigest()[:12]
    base = cache / "images" / f"base-{key}.tar"
    if not base.exists():
        log = cache / "logs" / "base-layer.log"
        log.unlink(missing_ok=True)
        partial = cache / "images" / f".base-{key}.partial.tar"
        with reporter.step("Debian base layer", estimate_seconds=25) as step:
            run_logged(
                base_command(pins, target=str(partial), sources=_own_sources(pins.base_suite)),
                log=log,
                # Without a fixed time each run would give another digest.
                environment=environment_for(Audience.BUILD, {"SOURCE_DATE_EPOCH": "1767225600"}),
                on_line=lambda line: step.detail(line[:60]),
            )
        partial.rename(base)
    return base


def base_command(pins: Pins, *, target: str, sources: Iterable[str]) -> tuple[str, ...]:
    """Return the call that makes the base layer.

    Args:
        pins: suite and packages.
        target: the tar file to be made.
        sources: lines of a sources.list; none means Debian's own servers.
    """
    excluded = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/info/*")
    return (
        *("mmdebstrap", "--variant=minbase", "--format=tar", "--mode=root"),
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in excluded),
        f"--include={','.join(pins.base_packages)}",
        *("--aptopt=Acquire::Languages none", '--customize-hook=rm -rf "$1"/var/lib/apt/lists/*'),
        *(pins.base_suite, target, *sources),
    )


# What is asked of apt for each of its sources; apt-get(8), `indextargets`.
_SOURCE_FORMAT = "$(ORIGIN)\t$(TRUSTED)\t$(REPO_URI)\t$(RELEASE)\t$(COMPONENT)"


def parse_sources(listed: str, suite: str) -> tuple[str, ...]:
    """Return sources.list lines for those of apt's index targets that are Debian's `suite`.

    Its updates and security suites count as well; sources of others, or without a signature that
    apt has checked, do not.
    """
    found: dict[str, None] = {}
    for line in listed.splitlines():
        origin, trusted, uri, release, component = line.split("\t")
        ours = origin == "Debian" and trusted == "yes"
        if ours and release.partition("/")[0].split("-")[0] == suite:
            found[f"deb {uri} {release} {component}"] = None
    return tuple(found)


def _own_sources(suite: str) -> tuple[str, ...]:
    """Return the machine's own sources of the suite: on many machines only these are reachable."""
    listed = run(
        ["apt-get", "indextargets", "--format", _SOURCE_FORMAT, "Created-By: Packages"],
        error=HostError,
    )
    return parse_sources(listed.stdout, suite) if listed.exit_code == 0 else ()


def _assemble(
    pins: Pins,
    programs: Mapping[str, Path],
    *,
    base: Path,
    folder: Path,
    detail: Callable[[str], None],
) -> None:
    base_layer = describe_layer(base)
    taken = folder / "base-files"
    images = []
    for number, pin in enumerate(pins.images):
        detail(pin.name)
        layer = _own_layer(pin, programs, base=base, taken=taken, path=folder / f"{number}.tar")
        below = (base_layer,) if pin.base else ()
        images.append(
            Image(
                name=pin.name,
                layers=(*below, *((layer,) if layer else ())),
                entrypoint=pin.entrypoint,
                user=pin.user,
            )
        )
    write_archive(folder / "images.tar", tuple(images))
    write_json(folder / "digests.json", {image.name: image_digest(image) for image in images})
    for leftover in (*folder.glob("[0-9]*.tar"), *taken.glob("*")):
        leftover.unlink()


def _own_layer(
    pin: ImagePin, programs: Mapping[str, Path], *, base: Path, taken: Path, path: Path
) -> Layer | None:
    entries = [
        (target, _source(place, programs, base=base, taken=taken), 0o755)
        for target, place in pin.root
    ]
    if pin.certificates:
        entries.append((_CERTIFICATES, _from_base(base, _CERTIFICATES, taken), 0o644))
    return write_layer(path, tuple(entries)) if entries else None


def _source(place: str, programs: Mapping[str, Path], *, base: Path, taken: Path) -> Path:
    component, _, inner = place.partition(":")
    if component == "base":
        return _from_base(base, inner, taken)
    source = programs[component] / inner
    if not source.is_file():
        raise LabError(
            f"`{inner}` of {component} is not among the built programs",
            where=(f"folder: {programs[component]}",),
            hint="delete that folder; the next `istiolab up` builds it again",
        )
    return source


def _from_base(base: Path, inner: str, taken: Path) -> Path:
    taken.mkdir(exist_ok=True)
    target = taken / Path(inner).name
    if not target.exists():
        with tarfile.open(base) as archive:
            try:
                stream = archive.extractfile(f"./{inner}")
            except KeyError:
                stream = None
            if stream is None:
                raise LabError(f"the base layer lacks `/{inner}`", where=(f"layer: {base}",))
            target.write_bytes(stream.read())
    return target
