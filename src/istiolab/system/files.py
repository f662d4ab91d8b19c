"""Files that are never left half-written, and folders that are safe to delete."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

from istiolab.errors import HostError, UsageError

TAG_NAME = "CACHEDIR.TAG"
# The signature of the Cache Directory Tagging Specification, so that backup programs skip the
# folder; beside it our own line says that we may delete the folder.
_TAG_TEXT = (
    "Signature: 8a477f597d28d172789f06886806bc55\n# This folder was made by istiolab, which may "
    "delete it.\n"
)


def write_atomic(path: Path, content: str | bytes, *, mode: int = 0o644) -> None:
    """Write `content` to `path` so that a reader sees the old file or the new one, never a part.

    Args:
        path: the file; its folder must exist.
        content: text (written as UTF-8) or bytes.
        mode: the permission bits of the new file.

    Raises:
        OSError: the disk is full or the folder cannot be written; the old file is untouched.
    """
    data = content.encode() if isinstance(content, str) else content
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(mode)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` in one piece, and make its folder if it is not there.

    Raises:
        HostError: the disk is full, or the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, text)
    except OSError as wrong:
        raise HostError(f"`{path}` could not be written", where=(str(wrong),)) from wrong


def write_json(path: Path, value: object) -> None:
    """Write `value` as indented JSON with sorted keys, atomically."""
    write_atomic(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def make_owned_folder(path: Path) -> Path:
    """Make the folder `path` and tag it as ours, so that `remove_owned_folder` may delete it.

    Raises:
        UsageError: the folder is there with content and without our tag.
    """
    tag = path / TAG_NAME
    if path.is_dir() and any(path.iterdir()) and not tag.exists():
        raise UsageError(
            f"`{path}` holds files that istiolab did not make",
            hint="name another folder, or empty this one",
        )
    path.mkdir(parents=True, exist_ok=True)
    if not tag.exists():
        write_atomic(tag, _TAG_TEXT)
    return path


def remove_owned_folder(path: Path) -> None:
    """Delete the folder `path` and all in it; a folder that is not there is no error.

    Raises:
        UsageError: the folder does not carry our tag.
    """
    if not path.exists():
        return
    if not (path / TAG_NAME).exists():
        raise UsageError(
            f"`{path}` was not made by istiolab, and is left alone",
            hint=f"delete it yourself if it is yours: `rm -r {path}`",
        )
    shutil.rmtree(path)
