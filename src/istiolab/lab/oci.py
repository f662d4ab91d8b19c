"""Container images as OCI layouts: layers and a description in, one tar file out.

Follows the OCI Image Format Specification 1.1 (image-layout, manifest, config). Times are zero and
names sorted, so that the same content gives the same digest.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
_MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
# containerd reads an image's full name from its own annotation (core/images/annotations.go).
_NAME = "io.containerd.image.name"
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """An uncompressed tar of files."""

    path: Path
    """The tar file."""
    digest: str
    """`sha256:` and the checksum in hexadecimal."""
    size_bytes: int
    """Its length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What an image is made of."""

    name: str
    """The full name with tag."""
    layers: tuple[Layer, ...]
    """From the bottom to the top."""
    entrypoint: tuple[str, ...]
    """The program started when the pod names none."""
    user: str
    """`uid:gid`; empty means root."""


def describe_layer(path: Path) -> Layer:
    """Measure a tar file."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return Layer(path=path, digest=f"sha256:{digest.hexdigest()}", size_bytes=path.stat().st_size)


def write_layer(path: Path, files: tuple[tuple[str, Path, int], ...]) -> Layer:
    """Write a layer of files: (path in the image, source file, permission bits)."""
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for folder in _folders(target for target, _, _ in files):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for target, source, mode in sorted(files):
            entry = tarfile.TarInfo(target.lstrip("/"))
            entry.size, entry.mode = source.stat().st_size, mode
            with source.open("rb") as stream:
                archive.addfile(entry, stream)
    return describe_layer(path)


def _folders(targets: Iterable[str]) -> list[str]:
    folders: set[str] = set()
    for target in targets:
        parents = Path(target.lstrip("/")).parents
        folders.update(str(parent) for parent in parents if str(parent) != ".")
    return sorted(folders)


def image_config(image: Image) -> bytes:
    """Return the image's configuration as canonical JSON."""
    runtime: dict[str, object] = {
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        "WorkingDir": "/",
    }
    if image.entrypoint:
        runtime["Entrypoint"] = list(image.entrypoint)
    if image.user:
        runtime["User"] = image.user
    return _canonical(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": runtime,
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in image.layers]},
        }
    )


def image_manifest(image: Image) -> bytes:
    """Return the image's manifest as canonical JSON; its SHA-256 is the image's digest."""
    config = image_config(image)
    return _canonical(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST_TYPE,
            "config": _descriptor(_CONFIG_TYPE, _digest(config), len(config)),
            "layers": [
                _descriptor(_LAYER_TYPE, layer.digest, layer.size_bytes) for layer in image.layers
            ],
        }
    )


def image_digest(image: Image) -> str:
    """Return the digest under which a cluster knows the image."""
    return _digest(image_manifest(image))


def image_ids(archive: Path) -> dict[str, str]:
    """Return the id of each image in an archive that `write_archive` made, by its name.

    An image's id is the digest of its configuration: the kubelet's `imageID` of an image that was
    imported.
    """
    with tarfile.open(archive) as members:
        manifests = _read(members, "index.json")["manifests"]
        return {
            manifest["annotations"][_NAME]: _read(members, _blob(manifest["digest"]))["config"][
                "digest"
            ]
            for manifest in manifests
        }


def write_archive(path: Path, images: tuple[Image, ...]) -> None:
    """Write all `images` as one OCI layout, each blob once however many images share it."""
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        _add_bytes(archive, "oci-layout", _canonical({"imageLayoutVersion": "1.0.0"}))
        _add_bytes(archive, "index.json", _index(images))
        written: set[str] = set()
        for image in images:
            for content in (image_config(image), image_manifest(image)):
                if (name := _blob(_digest(content))) not in written:
                    written.add(name)
                    _add_bytes(archive, name, content)
            for layer in image.layers:
                if (name := _blob(layer.digest)) not in written:
                    written.add(name)
                    with layer.path.open("rb") as stream:
                        _add(archive, name, layer.size_bytes, stream)


def _index(images: tuple[Image, ...]) -> bytes:
    manifests = []
    for image in images:
        content = image_manifest(image)
        descriptor = _descriptor(_MANIFEST_TYPE, _digest(content), len(content))
        descriptor["annotations"] = {_NAME: image.name}
        manifests.append(descriptor)
    return _canonical({"schemaVersion": 2, "manifests": manifests})


def _descriptor(media_type: str, digest: str, size_bytes: int) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest, "size": size_bytes}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _blob(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


def _read(members: tarfile.TarFile, name: str) -> dict[str, Any]:
    stream = members.extractfile(name)
    found: dict[str, Any] = json.loads(stream.read() if stream else b"{}")
    return found


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    _add(archive, name, len(content), io.BytesIO(content))


def _add(archive: tarfile.TarFile, name: str, size_bytes: int, stream: BinaryIO) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size_bytes, 0o644
    archive.addfile(entry, stream)
