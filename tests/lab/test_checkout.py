"""A checkout that is not root's, worked on by root."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_what_root_makes_by_a_recipe_belongs_to_the_checkouts_owner_however_it_ends(
    tmp_path: Path,
) -> None:
    checkout = tmp_path / "my istio 檔案"
    shutil.copytree(ROOT / "tools", checkout / "tools")
    for each in (checkout, *checkout.rglob("*")):
        os.chown(each, 4321, 4321)
    recipe = "mkdir site; touch site/index.html; ln -s /etc/passwd site/link; exit 5"
    done = subprocess.run(["tools/recipe", "-c", recipe], cwd=checkout, check=False)
    assert done.returncode == 5
    assert {each.lstat().st_uid for each in checkout.rglob("*")} == {4321}
    assert Path("/etc/passwd").stat().st_uid == 0
