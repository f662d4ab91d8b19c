"""Files that are never left half-written, and folders that are safe to delete."""

from __future__ import annotations

import contextlib
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
        give_to_owner(temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def give_to_owner(path: Path) -> None:
    """Give what root has made to the owner of the folder that it lies in, as with `sudo`."""
    folder = path.parent.stat()
    if os.geteuid() == 0 and folder.st_uid != 0:
        # Where root may not give anything away, it keeps it.
        with contextlib.suppress(PermissionError):
            os.chown(path, folder.st_uid, folder.st_gid, follow_symlinks=False)


def make_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing; each belongs to who owns the one above.

    Raises:
        OSError: one cannot be made.
    """
    for each in (*reversed(path.parents), path):
        if not each.exists():
            each.mkdir(exist_ok=True)
            give_to_owner(each)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` in one piece, and make its folder if it is not there.

    Raises:
        HostError: the disk is full, or the folder cannot be written.
    """
    try:
        make_folder(path.parent)
        write_atomic(path, text)
    except OSError as wrong:
        raise HostError(f"`{path}` could not be written", where=(str(wrong),)) from wrong


def write_json(path: Path, value: object) -> None:
    """Write `value` as indented JSON with sorted keys, atomically."""
    write_atomic(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def visible_files(folder: Path, pattern: str) -> list[Path]:
    """Return the files in `folder` that fit a glob pattern, sorted, without hidden ones."""
    return sorted(
        path
        for path in folder.glob(pattern)
        if path.is_file() and not is_hidden(path.relative_to(folder))
    )


def is_hidden(path: Path) -> bool:
    """Return whether a file, or a folder on the way to it, has a name that begins with a dot.

    Such as the `._NAME` that macOS leaves beside each file, `.ipynb_checkpoints`, `.DS_Store`.
    """
    return any(part.startswith(".") for part in path.parts)


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
    make_folder(path)
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
