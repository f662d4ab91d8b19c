from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.system import scratch
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
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    # Not pytest's own, which may be too long already for a socket.
    with tempfile.TemporaryDirectory(prefix="istiolab-test-", dir="/tmp") as name:
        monkeypatch.setattr(tempfile, "tempdir", name)
        monkeypatch.setenv("TMPDIR", name)
        yield Path(name)


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


def test_a_socket_fits_into_it_however_long_the_path_of_the_temporary_files_is(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = temporary / ("far" * 40)
    far.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(far))
    with scratch_folder() as folder, socket.socket(socket.AF_UNIX) as some:
        some.bind(str(folder / "k-5"))
        assert list(far.iterdir()) == []
    assert not folder.exists()


@given(st.integers(1, 200))
def test_it_lies_among_the_temporary_files_wherever_a_socket_fits_there(length: int) -> None:
    home = "/" + "a" * (length - 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", home)
        found = scratch._home()
    longest = f"{found}/istiolab-run-12345678/k-5"
    assert len(longest) <= 107
    assert (str(found) == home) is (len(f"{home}/istiolab-run-12345678/k-5") <= 107)


def test_what_says_not_whose_it_is_stays(temporary: Path) -> None:
    (temporary / "istiolab-run-other").mkdir()
    (temporary / "istiolab-run-link").symlink_to(temporary)
    with scratch_folder():
        assert sweep_scratch() == ()
    assert len(list(temporary.iterdir())) == 2
