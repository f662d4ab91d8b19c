"""MkDocs' configuration in, the same with what only a build can know out.

With `plugin` and `site_files` the only module that knows MkDocs.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from markdown import Markdown  # type: ignore[import-untyped]
from mkdocs.config import load_config
from mkdocs.config.defaults import MkDocsConfig

BRANCH = "main"
"""The repository's branch that a reader's edit goes to."""
_NEEDS_SERVER = ("navigation.instant", "navigation.instant.prefetch", "search.share")
# Material asks for it from elsewhere, unless it finds one by this name.
_WORKER = "assets/vendor/iframe-worker.js"


def read_renderer(configuration: Path) -> Callable[[str], str]:
    """Return what makes HTML of a page's Markdown as the site of a configuration does."""
    config = load_config(str(configuration))
    extensions, settings = config.markdown_extensions, config.mdx_configs
    return lambda text: str(
        Markdown(extensions=extensions, extension_configs=settings).convert(text)
    )


def link_to_sources(config: MkDocsConfig) -> None:
    """Say where the pages can be edited, if the repository's address is known."""
    config.edit_uri = f"edit/{BRANCH}/" if config.repo_url else None


def find_dictionary(config: MkDocsConfig) -> None:
    """Name the search's own words by their whole path: Material looks from the working folder."""
    search = config.plugins.get("material/search")
    if search is not None and search.config.get("jieba_dict_user"):
        root = Path(config.config_file_path).parent
        search.config.jieba_dict_user = str(root / search.config.jieba_dict_user)


def fit_for_disk(config: MkDocsConfig) -> None:
    """Make the site one that is opened from the disk: no server answers, no worker starts."""
    theme = config.theme
    theme["features"] = [each for each in theme["features"] if each not in _NEEDS_SERVER]
    config.extra["polyfills"] = [_WORKER]
    # A file has no address that could be named on its pages.
    config.site_url = ""
