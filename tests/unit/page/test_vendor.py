from __future__ import annotations

import hashlib
import io
import os
import tarfile
from base64 import b64encode
from pathlib import Path

import pytest

from istiolab.errors import ExitCode, HostError
from istiolab.page import vendor
from istiolab.page.vendor import (
    Package,
    Pinned,
    ensure,
    fetch_by_npm,
    main,
    missing,
    read_packages,
    unpack,
)
from istiolab.system.command import Completed

SCRIPT = b"draw()"


def archive(content: bytes = SCRIPT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as opened:
        member = tarfile.TarInfo("package/draw.js")
        member.size = len(content)
        opened.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def package(of: bytes, content: bytes = SCRIPT) -> Package:
    file = Pinned(
        name="draw.js", member="package/draw.js", sha256=hashlib.sha256(content).hexdigest()
    )
    integrity = f"sha512-{b64encode(hashlib.sha512(of).digest()).decode()}"
    return Package(name="draw", version="1.2.3", integrity=integrity, files=(file,))


@pytest.fixture
def pinned(monkeypatch: pytest.MonkeyPatch) -> tuple[Package, bytes]:
    packed = archive()
    only = package(packed)
    monkeypatch.setattr(vendor, "read_packages", lambda: (only,))
    return only, packed


def npm(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put an npm of our own first on the PATH."""
    folder.mkdir()
    program = folder / "npm"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_every_pin_has_an_exact_version_and_both_digests() -> None:
    packages = read_packages()
    assert {each.name for each in packages} == {"mermaid", "iframe-worker"}
    for each in packages:
        assert all(part.isdigit() for part in each.version.split("."))
        assert each.integrity.startswith("sha512-")
        assert all(len(file.sha256) == 64 for file in each.files)
        assert any(file.name.endswith(".LICENSE") for file in each.files)


def test_what_is_missing_is_fetched_once(tmp_path: Path, pinned: tuple[Package, bytes]) -> None:
    _, packed = pinned
    said: list[str] = []
    folder = tmp_path / "vendor"
    assert ensure(folder, fetch=lambda _: packed, note=said.append) == ("draw.js",)
    assert (folder / "draw.js").read_bytes() == SCRIPT
    assert said == [" • fetch draw 1.2.3 …"]
    assert ensure(folder, fetch=lambda _: pytest.fail("again"), note=said.append) == ()
    assert len(said) == 1


@pytest.mark.parametrize("content", [None, b"", b"draw() // and more"])
def test_a_file_that_is_absent_or_another_one_is_missing(
    tmp_path: Path, pinned: tuple[Package, bytes], content: bytes | None
) -> None:
    only, packed = pinned
    if content is not None:
        (tmp_path / "draw.js").write_bytes(content)
    assert missing((only,), tmp_path) == (only,)
    ensure(tmp_path, fetch=lambda _: packed, note=lambda _: None)
    assert missing((only,), tmp_path) == ()
    assert [path.name for path in tmp_path.iterdir()] == ["draw.js"]


def test_another_package_than_the_pinned_one_is_not_unpacked(
    tmp_path: Path, pinned: tuple[Package, bytes]
) -> None:
    only, packed = pinned
    with pytest.raises(HostError, match="is not the package that is pinned") as caught:
        ensure(tmp_path, fetch=lambda _: archive(b"steal()"), note=lambda _: None)
    assert caught.value.where[0] == f"pinned: {only.integrity}"
    assert list(tmp_path.iterdir()) == []
    assert packed != archive(b"steal()")


def test_a_pin_of_another_file_is_told() -> None:
    packed = archive()
    with pytest.raises(HostError, match=r"`package/draw\.js` is not the file that is pinned"):
        unpack(package(packed, b"another"), packed)


def test_npm_is_asked_for_the_exact_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = archive()
    (tmp_path / "draw.tgz").write_bytes(packed)
    npm(
        tmp_path / "bin",
        f'[ "$1 $2" = "pack draw@1.2.3" ] && cp {tmp_path}/draw.tgz "$6"',
        monkeypatch,
    )
    assert fetch_by_npm(package(packed)) == packed


@pytest.mark.parametrize("script", ["echo 'ECONNREFUSED' >&2; exit 1", "echo ECONNREFUSED >&2"])
def test_a_registry_that_does_not_answer_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    npm(tmp_path / "bin", script, monkeypatch)
    with pytest.raises(HostError) as caught:
        fetch_by_npm(package(b""))
    assert caught.value.render() == (
        "error: `draw` 1.2.3 could not be fetched with npm\n"
        "  | ECONNREFUSED\n\n"
        "hint: see whether `npm ping` works on this machine, then run the command again"
    )


def test_a_machine_without_npm_gets_one_from_the_package_index(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[list[str]] = []

    def record(argv: list[str], **_: object) -> Completed:
        calls.append(argv)
        code = 0 if len(calls) == 1 else 1
        return Completed(argv=tuple(argv), exit_code=code, stdout="", stderr="no answer\n")

    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setattr(vendor, "run", record)
    with pytest.raises(HostError, match="could not be fetched with npm"):
        fetch_by_npm(package(b""))
    pip, npm_call = calls
    assert "--require-hashes" in pip
    assert npm_call[0].endswith("/bin/node")
    assert npm_call[1].endswith("/npm-cli.js")
    with pytest.raises(HostError, match="there is no npm on this machine") as caught:
        fetch_by_npm(package(b""))
    assert caught.value.where == ("| no answer",)


def test_the_command_ends_with_the_failures_exit_code(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    pinned: tuple[Package, bytes],
) -> None:
    del pinned
    npm(tmp_path / "bin", "echo 'no answer' >&2; exit 1", monkeypatch)
    monkeypatch.chdir(tmp_path)
    assert main([]) == ExitCode.HOST
    assert "error: `draw` 1.2.3 could not be fetched" in capsys.readouterr().err
    assert main(["all"]) == ExitCode.USAGE
    assert capsys.readouterr().err == "usage: python -m istiolab.page.vendor\n"
