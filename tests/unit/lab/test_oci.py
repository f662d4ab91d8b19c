from __future__ import annotations

import hashlib
import json
import os
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from istiolab.lab.oci import (
    Image,
    Layer,
    describe_layer,
    image_config,
    image_digest,
    image_ids,
    write_archive,
    write_layer,
)


def layer_of(folder: Path, content: str = "program", *, target: str = "/usr/bin/tool") -> Layer:
    folder.mkdir()
    (folder / "source").write_text(content)
    return write_layer(folder / "layer.tar", ((target, folder / "source", 0o755),))


def image_of(*layers: Layer, name: str = "example.org/tool:1") -> Image:
    return Image(name=name, layers=layers, entrypoint=("/usr/bin/tool",), user="1337:1337")


def read_all(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        members = archive.getmembers()
        assert len({member.name for member in members}) == len(members)
        streams = {member.name: archive.extractfile(member) for member in members}
        return {name: stream.read() for name, stream in streams.items() if stream}


def test_equal_files_make_equal_layers_whenever_they_were_written(tmp_path: Path) -> None:
    first = layer_of(tmp_path / "a")
    os.utime(tmp_path / "a" / "source", (0, 0))
    (tmp_path / "a" / "source").chmod(0o600)
    again = write_layer(
        tmp_path / "again.tar", (("/usr/bin/tool", tmp_path / "a" / "source", 0o755),)
    )
    assert (again.digest, again.size_bytes) == (first.digest, first.size_bytes)


def test_order_in_which_files_are_named_does_not_count(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text("x")
    files = (("/b/one", source, 0o755), ("/a/two", source, 0o644))
    one = write_layer(tmp_path / "1.tar", files)
    two = write_layer(tmp_path / "2.tar", files[::-1])
    assert one.digest == two.digest


def test_content_and_target_each_change_the_layer(tmp_path: Path) -> None:
    layers = (
        layer_of(tmp_path / "a"),
        layer_of(tmp_path / "b", "other"),
        layer_of(tmp_path / "c", target="/usr/bin/other"),
    )
    assert len({layer.digest for layer in layers}) == 3


def test_layer_holds_the_files_below_their_folders(tmp_path: Path) -> None:
    layer = layer_of(tmp_path / "a")
    with tarfile.open(layer.path) as archive:
        members = archive.getmembers()
    assert [m.name for m in members] == ["usr", "usr/bin", "usr/bin/tool"]
    assert [m.isdir() for m in members] == [True, True, False]
    assert {m.mode for m in members} == {0o755}
    assert {(m.uid, m.gid, m.mtime) for m in members} == {(0, 0, 0)}
    assert read_all(layer.path) == {"usr/bin/tool": b"program"}


def test_layer_is_described_by_its_checksum_and_length(tmp_path: Path) -> None:
    path = tmp_path / "layer.tar"
    # Longer than what is read at once.
    path.write_bytes(b"x" * (1 << 20) + b"y")
    layer = describe_layer(path)
    assert layer.digest == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    assert layer.size_bytes == (1 << 20) + 1


def test_digest_of_an_image_is_of_its_content_and_not_its_name(tmp_path: Path) -> None:
    image = image_of(layer_of(tmp_path / "a"))
    assert image_digest(image) == image_digest(replace(image, name="example.org/other:2"))
    others = (
        replace(image, entrypoint=()),
        replace(image, user=""),
        replace(image, layers=(layer_of(tmp_path / "b", "other"),)),
        replace(image, layers=image.layers * 2),
    )
    assert len({image_digest(each) for each in (image, *others)}) == 5


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    base, own = layer_of(tmp_path / "base", "base"), layer_of(tmp_path / "own", "own")
    images = (image_of(base, own), image_of(base, name="example.org/base:1"))
    write_archive(tmp_path / "images.tar", images)
    return tmp_path / "images.tar"


def blob(blobs: dict[str, bytes], descriptor: dict[str, Any]) -> bytes:
    content = blobs["blobs/" + descriptor["digest"].replace(":", "/")]
    assert descriptor["size"] == len(content)
    assert descriptor["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    return content


def test_archive_is_an_oci_layout_whose_every_descriptor_leads_to_its_blob(archive: Path) -> None:
    files = read_all(archive)
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    reached = {"oci-layout", "index.json"}
    for entry in json.loads(files["index.json"])["manifests"]:
        manifest = json.loads(blob(files, entry))
        config = json.loads(blob(files, manifest["config"]))
        digests = [layer["digest"] for layer in manifest["layers"]]
        # Uncompressed layers: the digest of the blob is the one of its content.
        assert config["rootfs"] == {"type": "layers", "diff_ids": digests}
        assert (config["os"], config["architecture"]) == ("linux", "amd64")
        for descriptor in manifest["layers"]:
            blob(files, descriptor)
        reached |= {
            "blobs/" + each["digest"].replace(":", "/")
            for each in (entry, manifest["config"], *manifest["layers"])
        }
    assert set(files) == reached


def test_archive_names_its_images_for_containerd(archive: Path) -> None:
    index = json.loads(read_all(archive)["index.json"])
    names = [each["annotations"]["io.containerd.image.name"] for each in index["manifests"]]
    assert names == ["example.org/tool:1", "example.org/base:1"]


def test_configuration_carries_entrypoint_and_user_only_when_there_are_some(
    tmp_path: Path,
) -> None:
    layer = layer_of(tmp_path / "a")
    for image, wanted in (
        (image_of(layer), {"Entrypoint": ["/usr/bin/tool"], "User": "1337:1337"}),
        (replace(image_of(layer), entrypoint=(), user=""), {}),
    ):
        write_archive(tmp_path / "one.tar", (image,))
        files = read_all(tmp_path / "one.tar")
        manifest = json.loads(blob(files, json.loads(files["index.json"])["manifests"][0]))
        runtime = json.loads(blob(files, manifest["config"]))["config"]
        assert {k: v for k, v in runtime.items() if k in {"Entrypoint", "User"}} == wanted


def test_same_images_make_the_same_archive(tmp_path: Path) -> None:
    images = (image_of(layer_of(tmp_path / "a")),)
    for name in ("1.tar", "2.tar"):
        write_archive(tmp_path / name, images)
    assert (tmp_path / "1.tar").read_bytes() == (tmp_path / "2.tar").read_bytes()


def test_ids_of_images_are_read_from_the_archive_without_their_layers(tmp_path: Path) -> None:
    layer = layer_of(tmp_path / "a")
    images = (image_of(layer), replace(image_of(layer, name="example.org/other:1"), user="0:0"))
    write_archive(tmp_path / "images.tar", images)
    assert image_ids(tmp_path / "images.tar") == {
        image.name: f"sha256:{hashlib.sha256(image_config(image)).hexdigest()}" for image in images
    }
