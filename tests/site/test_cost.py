"""What pages may cost, and that the command which says what they do cost tells the truth."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.site.links import Built
from tests.site.small import ROOT

HTML_LIMIT = 150_000
"""Bytes of HTML that no page may exceed; drawings and scripts come on top."""


def test_no_page_is_larger_than_the_limit(site: Path) -> None:
    sizes = {page: (site / page).stat().st_size for page in Built(site).pages}
    assert {page: size for page, size in sizes.items() if size > HTML_LIMIT} == {}


def weigh(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command: in one process there can be one browser, and the tests have theirs."""
    command = [sys.executable, "-m", "tests.site.weigh", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_command_counts_what_a_page_asks_for(tmp_path: Path) -> None:
    html = '<link rel="icon" href="data:,"><script src="a.js"></script><h1>Some</h1>'
    (tmp_path / "index.html").write_text("<a href='p.html'>p</a>")
    (tmp_path / "p.html").write_text(html)
    (tmp_path / "a.js").write_text("fetch('b.bin')")
    (tmp_path / "b.bin").write_bytes(b"\0" * 1000)
    done = weigh("--json", str(tmp_path))
    assert done.returncode == 0, done.stderr
    (cost,) = json.loads(done.stdout)
    assert cost["page"] == "p.html"
    assert cost["html_bytes"] == len(html)
    assert cost["requests"] == 3
    assert cost["total_bytes"] == len(html) + len("fetch('b.bin')") + 1000
    assert cost["paint_ms"] > 0


def test_the_command_says_where_there_is_no_site(tmp_path: Path) -> None:
    done = weigh(str(tmp_path))
    assert done.returncode == 2
    assert "hint: `make build` makes one" in done.stderr
