"""Folders for the time of a run, and an end for those whose run was killed.

Rule 1: a folder says whose it is. One is swept only if that process has ended, and is this user's.
Rule 2: the sockets of Jupyter's kernels lie in it, and the path of a socket has 107 bytes at most
(`sun_path` in unix(7)): where TMPDIR is too long for that, the folder is in /tmp.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from istiolab.system.identity import is_gone, this_process

_PREFIX = "istiolab-run-"
_OWNER = ".owner"
LONGEST_SOCKET_BYTES = 107
"""How long the path of a socket may be: `sun_path` in unix(7), without the zero at its end."""
# The folder's name, with what `tempfile` appends to it, and that of a socket in it.
_BELOW = len(f"/{_PREFIX}12345678/k-5")
_SHORT = Path("/tmp")  # noqa: S108 - the folder in it is made by `tempfile`, for us alone


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give an empty folder among the temporary files, and delete it with all that came into it."""
    with tempfile.TemporaryDirectory(
        prefix=_PREFIX, dir=_home(), ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        (folder / _OWNER).write_text(this_process())
        yield folder


def sweep_scratch() -> tuple[Path, ...]:
    """Delete the folders of processes of this user that were killed, and return them."""
    left = sorted(each for each in _home().glob(f"{_PREFIX}*") if _is_left(each))
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    return tuple(left)


def _home() -> Path:
    wanted = Path(tempfile.gettempdir()).absolute()
    fits = len(os.fsencode(wanted)) + _BELOW <= LONGEST_SOCKET_BYTES
    return wanted if fits else _SHORT


def _is_left(folder: Path) -> bool:
    try:
        # In a folder that everybody may write to, what another user put there is not believed.
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            return False
        return is_gone((folder / _OWNER).read_text())
    except OSError:
        return False
