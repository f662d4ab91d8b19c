"""Run on a host: `python -m tests.hosts.look FILE` keeps what is there; again, it compares.

Exit codes: 0 kept, or all is as it was; 1 something is new or gone, which is printed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from istiolab.lab.folders import cache_folder, state_root
from tests.lab import host_state

# What systemd, sudo and the sessions of ssh write all the time.
_MOVING = ("/run/systemd", "/run/user", "/run/udev", "/run/sudo", "/run/log", "/var/lib/systemd")


def main() -> int:
    kept = Path(sys.argv[1])
    without = (cache_folder(), state_root(), *map(Path, _MOVING))
    # To look mounts and loads things by itself: what counts is what is there afterwards.
    host_state.take("default", without=without)
    now = dict(host_state.take("default", without=without))
    now["mounts"] = frozenset(each for each in now["mounts"] if not each.startswith("/run/user"))
    if not kept.exists():
        kept.write_text(json.dumps({kind: sorted(each) for kind, each in now.items()}))
        return 0
    before = {kind: frozenset(each) for kind, each in json.loads(kept.read_text()).items()}
    found = host_state.difference(before, now)
    sys.stdout.writelines(f"{kind} {line}\n" for kind, lines in found.items() for line in lines)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
