from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from istiolab.system.scratch import scratch_folder, sweep_scratch

HOLD = """
import sys, time
from istiolab.system.scratch import scratch_folder
with scratch_folder() as folder:
    (folder / "in" ).mkdir()
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_a_folder_goes_with_all_that_is_in_it(temporary: Path) -> None:
    with scratch_folder() as folder:
        (folder / "some").write_text("x")
        assert folder.parent == temporary
    assert list(temporary.iterdir()) == []


def test_the_folder_of_a_process_that_was_killed_is_swept_and_not_before(temporary: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True) as held:
        assert held.stdout
        folder = Path(held.stdout.readline().strip())
        assert sweep_scratch() == ()
        held.kill()
        held.wait()
    assert (folder / "in").is_dir()
    assert sweep_scratch() == (folder,)
    assert list(temporary.iterdir()) == []


def test_what_says_not_whose_it_is_stays(temporary: Path) -> None:
    (temporary / "istiolab-run-other").mkdir()
    (temporary / "istiolab-run-link").symlink_to(temporary)
    with scratch_folder():
        assert sweep_scratch() == ()
    assert len(list(temporary.iterdir())) == 2
