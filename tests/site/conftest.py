"""The built site, served on loopback, and a browser that can reach nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from istiolab.lab.folders import cache_folder
from istiolab.system.calibration import calibrate
from istiolab.system.deadlines import TIMEOUT_SCALE
from tests.site.server import chromium, served
from tests.site.small import ROOT, build_site
from tests.site.watch import Watched

os.environ.setdefault(TIMEOUT_SCALE, f"{calibrate(cache_folder()):g}")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="session")
def address(folder: Path) -> Iterator[str]:
    with served(folder) as address:
        yield address


@pytest.fixture(scope="session")
def site(folder: Path, address: str) -> Path:
    """Build both languages as `make build` does, and return the folder."""
    build_site(ROOT, folder, address=address)
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def watched(browser: Browser, site: Path, address: str) -> Iterator[Watched]:
    """Yield a page that notes what goes wrong on it, and demand at the end that nothing did."""
    assert site.is_dir()
    with browser.new_context() as context:
        page = Watched(context.new_page(), address)
        yield page
        assert page.errors == []
        assert page.strangers == []
