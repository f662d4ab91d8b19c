"""Sites built by MkDocs with the project's own configuration: its own pages, or a test's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]


def build_site(project: Path, folder: Path, *, address: str = "", **environment: str) -> None:
    """Build both languages of the project at `project` into `folder`.

    Args:
        project: where `mkdocs.yml` lies.
        folder: gets a folder for each language.
        address: where it will be served: links within the page are followed only there.
        environment: more variables.
    """
    addresses = {
        f"ISTIOLAB_SITE_URL_{name}": f"{address}/{folder}/"
        for name, folder in (("EN", "en"), ("ZH_TW", "zh-TW"))
        if address
    }
    subprocess.run(
        [
            *(str(Path(sys.executable).parent / "mkdocs"), "build", "--strict", "--quiet"),
            *("--site-dir", str(folder / "en")),
        ],
        cwd=project,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", **addresses, **environment},
        check=True,
    )


def make_project(root: Path, pages: Mapping[str, str]) -> None:
    """Make a project at `root` with the pages, by path below `docs/`, and this one's settings."""
    nav = ["nav:", *(f"  - {name.split('/')[1]}" for name in pages if name.startswith("en/"))]
    for name in ("mkdocs.yml", "mkdocs.zh-TW.yml"):
        settings, *_ = (ROOT / name).read_text(encoding="utf-8").split("\nnav:\n")
        (root / name).write_text("\n".join([settings, *nav, ""]), encoding="utf-8")
    shutil.copytree(ROOT / "docs", root / "docs", ignore=shutil.ignore_patterns("en", "zh-TW"))
    (root / "notebooks").mkdir()
    for name, text in pages.items():
        path = root / "docs" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
