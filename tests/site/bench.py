"""How long the site takes to build, and how long mystmd takes over the same pages and notebooks.

It is a command, `tools/bench-site`:

    tools/bench-site [--json] [RUNS]    both in turn, RUNS times (5); the medians

What is compared, exactly. Ours: `mkdocs build --strict` of both languages, to pages of HTML with
search indexes, notebooks on a page of their own in each language. Theirs: `myst build --site` of
the pages of both languages and the notebooks, to content as JSON with a search index. That is the
part of its work that mystmd does by itself: for HTML it fetches a theme from its makers' server,
which is not to be had here, starts it, and asks it for each page. So theirs ends where no browser
can show anything yet. A theme without content stands in for the one that is not there.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from tests.site.small import ROOT, build_site

VERSION = "1.8.3"
_PROGRAM = ROOT / ".cache" / f"mystmd-{VERSION}" / "node_modules" / ".bin" / "myst"
_PROJECT = "version: 1\nproject: {title: bench}\nsite: {template: ./theme}\n"
_THEME = (
    "jtex: v1\ntitle: none\nversion: 1.0.0\nbuild: {install: 'true', start: 'true'}\nfiles: []\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """Medians of some runs."""

    what: str
    """What was built with what."""
    files: int
    """How many pages came of it, as HTML or as JSON."""
    seconds: float
    """From start to end."""
    cpu_seconds: float
    """What it kept processors busy; it does not depend on what else the machine does."""


def build_ours(folder: Path) -> int:
    """Build the site into `folder`; return the number of its pages."""
    build_site(ROOT, folder)
    return len(list(folder.rglob("*.html")))


def build_theirs(folder: Path) -> int:
    """Build mystmd's content into `folder`; return the number of its pages."""
    (folder / "theme").mkdir()
    (folder / "theme" / "template.yml").write_text(_THEME)
    (folder / "myst.yml").write_text(_PROJECT)
    for language in ("en", "zh-TW"):
        shutil.copytree(ROOT / "docs" / language, folder / "pages" / language)
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    subprocess.run(
        [str(_PROGRAM), "build", "--site"],
        cwd=folder,
        # It asks for its newest version otherwise.
        env={**os.environ, "MYSTMD_VERSION_CHECK": "0", "CI": "1"},
        check=True,
        capture_output=True,
    )
    return len(list((folder / "_build" / "site" / "content").glob("*.json")))


def measure(builds: Mapping[str, Callable[[Path], int]], *, runs: int) -> list[Took]:
    """Run each build so often, in turn, so that what slows the machine slows all of them."""
    found: dict[str, list[tuple[int, float, float]]] = {what: [] for what in builds}
    for _ in range(runs):
        for what, build in builds.items():
            with tempfile.TemporaryDirectory(prefix="istiolab-bench-") as folder:
                cpu, start = _cpu_seconds(), time.monotonic()
                files = build(Path(folder))
                took = time.monotonic() - start
                found[what].append((files, took, _cpu_seconds() - cpu))
    return [
        Took(
            what=what,
            files=each[0][0],
            seconds=round(median(run[1] for run in each), 2),
            cpu_seconds=round(median(run[2] for run in each), 2),
        )
        for what, each in found.items()
    ]


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(arguments: Sequence[str]) -> int:
    """Run the command; see the module's head."""
    rest = [each for each in arguments if each != "--json"]
    if len(rest) > 1 or not all(each.isdigit() and int(each) for each in rest):
        sys.stderr.write("usage: tools/bench-site [--json] [RUNS]\n")
        return 2
    builds = {
        "istiolab: HTML, both languages": build_ours,
        f"mystmd {VERSION}: JSON only, both languages": build_theirs,
    }
    found = measure(builds, runs=int(rest[0]) if rest else 5)
    if "--json" in arguments:
        sys.stdout.write(json.dumps([asdict(each) for each in found], indent=2) + "\n")
        return 0
    sys.stdout.write("seconds  of CPU  pages  what\n")
    for each in found:
        sys.stdout.write(
            f"{each.seconds:7.2f} {each.cpu_seconds:7.2f} {each.files:6}  {each.what}\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
