"""What the workflows rest on."""

from __future__ import annotations

import functools
import http.server
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RECORD = '{"since": "2026-01-01T00:00:00Z"}'


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def published(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    folder = tmp_path / "published"
    (folder / "en" / "downloads").mkdir(parents=True)
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    (root / "tools").mkdir(parents=True)
    (root / "notebooks").mkdir()
    shutil.copy(ROOT / "tools" / "failing-since", root / "tools")
    for name in ("good", "bad"):
        (root / "notebooks" / f"{name}.ipynb").touch()
    return root


def failing_since(checkout: Path, address: str) -> subprocess.CompletedProcess[str]:
    tool = checkout / "tools" / "failing-since"
    return subprocess.run([tool, address], capture_output=True, text=True, check=False)


def test_a_fresh_checkout_learns_which_notebooks_fail(
    checkout: Path, published: tuple[Path, str]
) -> None:
    folder, address = published
    (folder / "en" / "downloads" / "bad.failing.json").write_text(RECORD)
    done = failing_since(checkout, address)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == " ! bad fails on the published site\n ✓ good\n"
    records = list((checkout / "notebooks" / "receipts").iterdir())
    assert [path.name for path in records] == ["bad.failing.json"]
    assert records[0].read_text() == RECORD


def test_a_site_that_was_never_published_has_no_failures(
    checkout: Path, published: tuple[Path, str]
) -> None:
    assert failing_since(checkout, published[1]).returncode == 0
    assert not (checkout / "notebooks" / "receipts").exists()


def test_a_site_that_does_not_answer_is_no_site_without_failures(checkout: Path) -> None:
    done = failing_since(checkout, "http://127.0.0.1:9")
    assert done.returncode != 0
    assert "127.0.0.1" in done.stderr


def test_every_action_is_pinned_to_a_commit_with_its_version_beside_it() -> None:
    workflows = list((ROOT / ".github" / "workflows").glob("*.yml"))
    used = [
        line.strip()
        for path in workflows
        for line in path.read_text(encoding="utf-8").splitlines()
        if "uses:" in line
    ]
    assert used
    pinned = re.compile(r"(- )?uses: [\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    assert [line for line in used if not pinned.fullmatch(line)] == []


def test_the_tools_that_a_workflow_calls_are_there_and_can_be_run() -> None:
    text = (ROOT / ".github" / "workflows" / "pages.yml").read_text(encoding="utf-8")
    targets = {target for line in re.findall(r"make ([a-z -]+)", text) for target in line.split()}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert {"lint", "up", "build", "offline"} <= targets
    assert {
        each for each in targets if not re.search(rf"^{each}:", makefile, re.MULTILINE)
    } == set()
    for tool in re.findall(r"tools/[\w-]+", text):
        assert (ROOT / tool).stat().st_mode & 0o111
