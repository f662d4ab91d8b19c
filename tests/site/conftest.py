"""The built site, served on loopback, and a browser that can reach nothing else."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.site.watch import Watched

ROOT = Path(__file__).parents[2]
# What keeps Chromium from calling home by itself; the tests watch what the pages ask for.
_QUIET = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build both languages as `make build` does, and return the folder."""
    folder = tmp_path_factory.mktemp("site")
    subprocess.run(
        [
            *(str(Path(sys.executable).parent / "mkdocs"), "build", "--strict", "--quiet"),
            *("--site-dir", str(folder / "en")),
        ],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        check=True,
    )
    return folder


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    handler = functools.partial(_Handler, directory=str(site))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program, "chromium is not on this machine: `tools/ensure-packages chromium`"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=list(_QUIET))
        yield chromium
        chromium.close()


@pytest.fixture
def watched(browser: Browser, address: str) -> Iterator[Watched]:
    """Yield a page that notes what goes wrong on it, and demand at the end that nothing did."""
    with browser.new_context() as context:
        page = Watched(context.new_page(), address)
        yield page
        assert page.errors == []
        assert page.strangers == []
