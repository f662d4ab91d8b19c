"""Where the lab keeps things: one cache for all labs, one state folder for each.

The places follow the XDG base directory specification; `ISTIOLAB_CACHE` and `ISTIOLAB_STATE` name
others.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import re
from pathlib import Path

from istiolab.errors import UsageError

# The name becomes part of a link's name (15 characters at the most), a host name and a folder.
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?")
_LONGEST = 20
BARE_SUFFIX = "-bare"
"""What the names of the labs end in that `verify` brings up by itself."""


def cache_folder() -> Path:
    """Return the folder for what was built: programs, images, the image store."""
    named = os.environ.get("ISTIOLAB_CACHE")
    return Path(named).resolve() if named else _own("XDG_CACHE_HOME", ".cache")


def state_root() -> Path:
    """Return the folder under which each lab has its state folder."""
    named = os.environ.get("ISTIOLAB_STATE")
    return Path(named).resolve() if named else _own("XDG_STATE_HOME", ".local/state")


def _own(variable: str, below: str) -> Path:
    """Return our folder of a kind; with `sudo` it is that of the user who called, HOME or not."""
    home = Path.home()
    with contextlib.suppress(KeyError, ValueError):
        if os.geteuid() == 0:
            home = Path(pwd.getpwuid(int(os.environ["SUDO_UID"])).pw_dir)
    return Path(os.environ.get(variable) or home / below) / "istiolab"


def state_folder(name: str) -> Path:
    """Return the state folder of the lab `name`."""
    return state_root() / name


def lab_name(given: str | None = None) -> str:
    """Return the lab's name: the given one, else `ISTIOLAB_NAME`, else `default`.

    Raises:
        UsageError: the name is not one to 20 lower-case letters, digits and hyphens.
    """
    name = given or os.environ.get("ISTIOLAB_NAME") or "default"
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"`{name}` cannot name a lab",
            hint="use up to 20 lower-case letters, digits and hyphens, beginning with a letter",
        )
    return name


def bare_name(beside: str) -> str:
    """Return the name of the bare lab that `verify` brings up beside the lab `beside`."""
    room = _LONGEST - len(BARE_SUFFIX)
    if len(beside) > room:
        # Cut short, two names may be one; a part of a digest keeps them apart.
        beside = f"{beside[: room - 7]}-{hashlib.sha256(beside.encode()).hexdigest()[:6]}"
    return f"{beside}{BARE_SUFFIX}"


def demand_own_name(name: str) -> None:
    """Demand a name that a lab may have which a person brings up.

    Raises:
        UsageError: it is one of those that `verify` takes for labs of its own.
    """
    if name.endswith(BARE_SUFFIX):
        raise UsageError(
            f"`{name}` is a name for a lab that `istiolab verify` brings up by itself",
            hint=f"choose a name that does not end in `{BARE_SUFFIX}`",
        )
