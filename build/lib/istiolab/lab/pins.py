"""The table of pinned versions, read from `assets/pins.toml` into typed records."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from istiolab.errors import LabError


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """A program that comes inside a Python wheel."""

    package: str
    """Its name on the Python package index."""
    version: str
    """The exact version."""
    sha256: str
    """The wheel's checksum, in hexadecimal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoComponent:
    """Programs built from one pinned set of Go modules."""

    name: str
    """The component; its go.mod and go.sum lie in the folder of that name."""
    packages: tuple[str, ...]
    """What is built, as import paths."""
    cgo: bool
    """It links C code."""
    tags: tuple[str, ...]
    """Go build tags."""
    stamps: tuple[tuple[str, str], ...]
    """Variables that the linker sets, mostly versions."""
    rename: tuple[tuple[str, str], ...]
    """Programs whose name is not the last element of their import path: old name, new name."""
    files: tuple[tuple[str, str, str], ...]
    """Files taken over from a module: target name, module, path in the module."""
    seconds: float
    """How long building took on 2 idle cores, for the estimate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePin:
    """A container image that is put together here."""

    name: str
    """The full name with tag, as manifests ask for it."""
    base: bool
    """It stands on the Debian base layer."""
    root: tuple[tuple[str, str], ...]
    """Its own files: path in the image, and `component:file`."""
    certificates: bool
    """It carries the base's bundle of certificate authorities."""
    entrypoint: tuple[str, ...]
    """The program that is started when the pod names none."""
    user: str
    """`uid:gid` it runs as; empty means root."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """Everything that the lab is made of."""

    versions: Mapping[str, str]
    """Version by component."""
    toolchain_minimum: tuple[int, ...]
    """The oldest Go toolchain that will do."""
    toolchain: Wheel
    """The Go toolchain for a machine that has none."""
    envoy: Wheel
    """Envoy's own release build."""
    go: tuple[GoComponent, ...]
    """What is compiled."""
    base_suite: str
    """The Debian release of the base layer."""
    base_packages: tuple[str, ...]
    """Debian packages of the base layer."""
    images: tuple[ImagePin, ...]
    """What is put together."""


@cache
def load_pins() -> Pins:
    """Read the table of pins that came with the package.

    Raises:
        LabError: a pin has no checksum, or a field is missing.
    """
    return parse_pins((files("istiolab.lab") / "assets" / "pins.toml").read_text())


def go_module_folder(component: str) -> Path:
    """Return the folder with the component's go.mod and go.sum."""
    with as_file(files("istiolab.lab") / "assets" / "go" / component) as folder:
        return folder


def asset_text(name: str) -> str:
    """Return the text of the file `name` of the lab's assets."""
    return (files("istiolab.lab") / "assets" / name).read_text()


def asset_texts(folder: str) -> dict[str, str]:
    """Return the texts of all files in a folder of the lab's assets, by name."""
    found = (files("istiolab.lab") / "assets" / folder).iterdir()
    return {each.name: each.read_text() for each in sorted(found, key=lambda each: each.name)}


def parse_pins(text: str) -> Pins:
    """Turn the text of a pins file into records.

    Raises:
        LabError: a pin has no checksum, or a field is missing.
    """
    table = tomllib.loads(text)
    try:
        return Pins(
            versions=table["versions"],
            toolchain_minimum=parse_version(table["toolchain"]["minimum"]),
            toolchain=_wheel(table["toolchain"]["wheel"]),
            envoy=_wheel(table["envoy"]["wheel"]),
            go=tuple(_component(entry) for entry in table["go"]),
            base_suite=table["base"]["suite"],
            base_packages=tuple(table["base"]["packages"]),
            images=tuple(_image(entry) for entry in table["image"]),
        )
    except KeyError as missing:
        raise LabError(f"the table of pins lacks the field {missing}") from missing


def parse_version(text: str) -> tuple[int, ...]:
    """Turn `1.26.8` (or `go1.26rc1`'s leading numbers) into a tuple that compares."""
    numbers: list[int] = []
    for part in text.removeprefix("go").removeprefix("v").split("."):
        lead = ""
        for character in part:
            if not character.isdigit():
                break
            lead += character
        if not lead:
            break
        numbers.append(int(lead))
    return tuple(numbers)


def _wheel(entry: dict[str, Any]) -> Wheel:
    checksum = entry.get("sha256", "")
    if len(checksum) != 64:
        raise LabError(f"the pin of `{entry['package']}` has no SHA-256")
    return Wheel(package=entry["package"], version=entry["version"], sha256=checksum)


def _component(entry: dict[str, Any]) -> GoComponent:
    return GoComponent(
        name=entry["name"],
        packages=tuple(entry["packages"]),
        cgo=entry.get("cgo", False),
        tags=tuple(entry.get("tags", ())),
        stamps=tuple(sorted(entry.get("stamps", {}).items())),
        rename=tuple(sorted(entry.get("rename", {}).items())),
        files=tuple(
            (target, *source.split(" ", 1))
            for target, source in sorted(entry.get("files", {}).items())
        ),
        seconds=float(entry["seconds"]),
    )


def _image(entry: dict[str, Any]) -> ImagePin:
    return ImagePin(
        name=entry["name"],
        base=entry.get("base", False),
        root=tuple(sorted(entry.get("root", {}).items())),
        certificates=entry.get("certificates", False),
        entrypoint=tuple(entry.get("entrypoint", ())),
        user=entry.get("user", ""),
    )
