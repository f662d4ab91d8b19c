"""Every page that the site has, found from its sources: a new chapter is tested without a word."""

from __future__ import annotations

from istiolab.page.words import LANGUAGES
from istiolab.system.files import visible_files
from tests.site.small import ROOT

CHAPTER = "426-upgrade-required"
_SOURCES = ROOT / "docs" / LANGUAGES[0]
_NOTEBOOKS = ROOT / "notebooks"


def _paths() -> tuple[str, ...]:
    sources = visible_files(_SOURCES, "**/*.md")
    pages = (path.relative_to(_SOURCES).with_suffix("").as_posix() for path in sources)
    chapters = sorted("" if page == "index" else f"{page}/" for page in pages)
    notebooks = visible_files(_NOTEBOOKS, "*.ipynb")
    return (*chapters, *(f"notebooks/{path.stem}/" for path in notebooks))


PATHS = _paths()
"""The pages of each language, by their path below it."""
ALL = tuple(f"{language}/{path}" for language in LANGUAGES for path in (*PATHS, "404.html"))
"""Every page, and the one that is shown where there is none."""
