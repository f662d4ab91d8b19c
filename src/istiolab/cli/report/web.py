"""What came of verifying notebooks in, one HTML page that needs nothing else out."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from istiolab.cli.report.text import explanation, headline, hint
from istiolab.runner.verify import Verified

_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>istiolab verify</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
pre { overflow-x: auto; padding: .6rem; border: 1px solid #8888; }
.old { color: light-dark(#a8321e, #ff9a85); } .new { color: light-dark(#1b7a3d, #6fcf8e); }
</style></head><body><h1>istiolab verify</h1>
"""


def render(found: Iterable[Verified]) -> str:
    """Return the page: a section for each notebook."""
    return _HEAD + "".join(_section(each) for each in found) + "</body></html>\n"


def _section(found: Verified) -> str:
    lines = "\n".join(_line(line) for line in explanation(found))
    body = f"<pre>{lines}</pre>" if lines else ""
    said = hint(found)
    note = f"<p>{escape(said)}</p>" if said else ""
    return f"<section><h2>{escape(headline(found))}</h2>{body}{note}</section>\n"


def _line(line: str) -> str:
    kind = "old" if line.startswith("| -") else "new" if line.startswith("| +") else ""
    return f'<span class="{kind}">{escape(line)}</span>' if kind else escape(line)
