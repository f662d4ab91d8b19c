from __future__ import annotations

import hashlib
import io
import json
import shlex
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from istiolab.errors import LabError
from istiolab.lab.images import base_command, ensure_images, image_key, parse_sources
from istiolab.lab.pins import ImagePin, load_pins
from istiolab.system.progress import SILENT
from tests.unit.lab.programs import put_first_on_path, write_program

CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"


SOURCES = "".join(
    "\t".join(fields) + "\n"
    for fields in (
        ("Debian", "yes", "http://mirror/debian", "bookworm", "main"),
        ("Debian", "yes", "http://mirror/debian", "bookworm", "main"),
        ("Debian", "yes", "http://mirror/debian", "bookworm-updates", "main"),
        ("Debian", "yes", "http://mirror/security", "bookworm-security", "contrib"),
        ("Debian", "yes", "http://mirror/debian", "trixie", "main"),
        ("Debian", "no", "http://unsigned/debian", "bookworm", "main"),
        ("Docker", "yes", "http://docker/debian", "bookworm", "stable"),
    )
)
OWN_SOURCES = (
    "deb http://mirror/debian bookworm main",
    "deb http://mirror/debian bookworm-updates main",
    "deb http://mirror/security bookworm-security contrib",
)


def pin(name: str, *, base: bool = False, certificates: bool = False, **root: str) -> ImagePin:
    return ImagePin(
        name=name,
        base=base,
        root=tuple((f"/{target}", place) for target, place in root.items()),
        certificates=certificates,
        entrypoint=(),
        user="",
    )


PINS = replace(
    load_pins(),
    base_suite="bookworm",
    base_packages=("bash",),
    images=(
        pin("own:1", certificates=True, tool="one:tool"),
        pin("both:1", base=True, tool="one:tool"),
        pin("base:1", base=True),
        pin("pause:1", pause="base:usr/bin/catatonit"),
    ),
)


@pytest.fixture
def programs(tmp_path: Path) -> dict[str, Path]:
    folder = tmp_path / "programs" / "one-abc"
    folder.mkdir(parents=True)
    (folder / "tool").write_text("program")
    return {"one": folder}


def write_base(path: Path, *names: str) -> None:
    with tarfile.open(path, "w") as archive:
        for name in names:
            content = name.encode()
            entry = tarfile.TarInfo(f"./{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_base(tmp_path / "base.tar", CERTIFICATES, "usr/bin/catatonit")
    write_program(
        tmp_path / "bin" / "mmdebstrap",
        f"""for word; do case "$word" in *.tar) target=$word ;; esac; done
        echo "I: at $SOURCE_DATE_EPOCH"
        cp {tmp_path}/base.tar "$target\"""",
    )
    write_program(tmp_path / "bin" / "apt-get", f"cat {tmp_path}/sources")
    (tmp_path / "sources").write_text(SOURCES)
    put_first_on_path(monkeypatch, tmp_path / "bin")
    (tmp_path / "cache" / "logs").mkdir(parents=True)
    return tmp_path / "cache"


def test_key_changes_with_suite_packages_images_and_programs() -> None:
    programs = {"one": Path("/cache/one-abc"), "two": Path("/cache/two-def")}
    keys = {
        image_key(PINS, programs),
        image_key(replace(PINS, base_packages=("bash", "curl")), programs),
        image_key(replace(PINS, base_suite="trixie"), programs),
        image_key(replace(PINS, images=PINS.images[1:]), programs),
        image_key(PINS, {**programs, "two": Path("/cache/two-changed")}),
    }
    assert len(keys) == 5


def test_key_is_the_same_wherever_the_cache_lies_and_whatever_else_is_pinned() -> None:
    key = image_key(PINS, {"one": Path("/a/one-abc"), "two": Path("/a/two-def")})
    assert key == image_key(PINS, {"two": Path("/b/two-def"), "one": Path("/b/one-abc")})
    assert key == image_key(
        replace(PINS, versions={}), {"x": Path("one-abc"), "y": Path("two-def")}
    )


def test_base_layer_has_the_pinned_packages_and_goes_where_it_is_told() -> None:
    pins = replace(PINS, base_packages=("bash", "curl"))
    command = base_command(pins, target="/to/base.tar", sources=("deb a", "deb b"))
    assert command[0] == "mmdebstrap"
    assert "--include=bash,curl" in command
    assert command[-4:] == ("bookworm", "/to/base.tar", "deb a", "deb b")


def test_sources_of_the_suite_are_those_that_debian_signed() -> None:
    assert parse_sources(SOURCES, "bookworm") == OWN_SOURCES
    assert parse_sources(SOURCES, "trixie") == ("deb http://mirror/debian trixie main",)


def test_machine_that_is_no_debian_has_no_sources_of_the_suite() -> None:
    ubuntu = "Ubuntu\tyes\thttp://archive/ubuntu\tnoble\tmain\n"
    assert parse_sources(ubuntu, "bookworm") == ()
    assert parse_sources("", "bookworm") == ()


def test_base_layer_is_made_from_the_machines_own_sources(
    cache: Path, programs: dict[str, Path]
) -> None:
    ensure_images(PINS, programs, cache, SILENT)
    called = shlex.split((cache / "logs" / "base-layer.log").read_text().splitlines()[0])
    assert tuple(called[-3:]) == OWN_SOURCES
    assert called[-5] == "bookworm"


def layers(archive: tarfile.TarFile, name: str) -> list[list[str]]:
    def blob(path: str) -> bytes:
        stream = archive.extractfile(path)
        assert stream is not None
        return stream.read()

    def place(digest: str) -> str:
        return "blobs/" + digest.replace(":", "/")

    for entry in json.loads(blob("index.json"))["manifests"]:
        if entry["annotations"]["io.containerd.image.name"] == name:
            manifest = json.loads(blob(place(entry["digest"])))
            contents = [blob(place(layer["digest"])) for layer in manifest["layers"]]
            break
    else:
        raise AssertionError(name)
    found = []
    for content in contents:
        with tarfile.open(fileobj=io.BytesIO(content)) as layer:
            found.append([member.name for member in layer.getmembers() if member.isfile()])
    return found


def test_images_stand_on_the_base_or_alone_as_pinned(
    cache: Path, programs: dict[str, Path]
) -> None:
    made = ensure_images(PINS, programs, cache, SILENT)
    base = [f"./{CERTIFICATES}", "./usr/bin/catatonit"]
    with tarfile.open(made.path) as archive:
        assert layers(archive, "own:1") == [["tool", CERTIFICATES]]
        assert layers(archive, "both:1") == [base, ["tool"]]
        assert layers(archive, "base:1") == [base]
        assert layers(archive, "pause:1") == [["pause"]]


def test_digests_are_those_of_the_archives_index(cache: Path, programs: dict[str, Path]) -> None:
    made = ensure_images(PINS, programs, cache, SILENT)
    with tarfile.open(made.path) as archive:
        stream = archive.extractfile("index.json")
        assert stream is not None
        index = json.load(stream)
    assert made.digests == {
        entry["annotations"]["io.containerd.image.name"]: entry["digest"]
        for entry in index["manifests"]
    }


def test_base_layer_is_made_at_a_fixed_time_and_once(
    cache: Path, programs: dict[str, Path]
) -> None:
    first = ensure_images(PINS, programs, cache, SILENT)
    said = (cache / "logs" / "base-layer.log").read_text()
    assert "I: at 1767225600" in said
    (cache / "logs" / "base-layer.log").unlink()
    other = ensure_images(replace(PINS, images=PINS.images[1:]), programs, cache, SILENT)
    assert other.path != first.path
    assert not (cache / "logs" / "base-layer.log").exists()


def test_images_in_the_cache_are_not_put_together_again(
    cache: Path, programs: dict[str, Path]
) -> None:
    first = ensure_images(PINS, programs, cache, SILENT)
    first.path.write_bytes(b"as it was left")
    assert ensure_images(PINS, programs, cache, SILENT) == first
    assert first.path.read_bytes() == b"as it was left"


def test_same_parts_make_the_same_archive(
    cache: Path, programs: dict[str, Path], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    (other / "logs").mkdir(parents=True)
    archives = [ensure_images(PINS, programs, each, SILENT).path for each in (cache, other)]
    first, second = (hashlib.sha256(path.read_bytes()).digest() for path in archives)
    assert first == second


def test_missing_program_is_an_error_and_no_images_are_taken_as_made(
    cache: Path, programs: dict[str, Path]
) -> None:
    (programs["one"] / "tool").unlink()
    with pytest.raises(LabError, match="`tool` of one is not among the built programs") as caught:
        ensure_images(PINS, programs, cache, SILENT)
    assert caught.value.where == (f"folder: {programs['one']}",)
    assert not (cache / "images" / image_key(PINS, programs)).exists()
    (programs["one"] / "tool").write_text("program")
    assert ensure_images(PINS, programs, cache, SILENT).path.is_file()


def test_file_that_the_base_lacks_is_named(
    cache: Path, programs: dict[str, Path], tmp_path: Path
) -> None:
    write_base(tmp_path / "base.tar", CERTIFICATES)
    with pytest.raises(LabError, match="the base layer lacks `/usr/bin/catatonit`"):
        ensure_images(PINS, programs, cache, SILENT)


def test_base_that_could_not_be_made_is_an_error_with_its_log(
    cache: Path, programs: dict[str, Path], tmp_path: Path
) -> None:
    write_program(tmp_path / "bin" / "mmdebstrap", "echo E: no mirror; exit 25")
    with pytest.raises(LabError, match="`mmdebstrap` ended with 25") as caught:
        ensure_images(PINS, programs, cache, SILENT)
    assert caught.value.where[-1] == "| E: no mirror"
    assert caught.value.log == cache / "logs" / "base-layer.log"
