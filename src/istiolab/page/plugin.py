"""MkDocs' events in, the page room's functions called: the only module that knows MkDocs.

Rule 1: all that is wrong with the embedded cells, and each block of code that is neither embedded
nor excused, is collected, and ends the build before a page is written, in strict mode or not: a
page without its evidence is never published.
Rule 2: nothing is executed here.
"""

from __future__ import annotations

import logging
from importlib.resources import files as package_files
from pathlib import Path
from typing import Literal

import jieba
from mkdocs.commands.build import build
from mkdocs.config import config_options, load_config
from mkdocs.config.base import Config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin, event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from istiolab.errors import IstiolabError
from istiolab.notebook.cells import Notebook, find_cell, read_notebook
from istiolab.page.board import Entry, render_board
from istiolab.page.coverage import check_blocks, in_order
from istiolab.page.directives import Directive, Problem, ShowCell, ShowReceipt, ShowStatus, expand
from istiolab.page.embed import demand_no_failure, render_cell
from istiolab.page.stamp import Links, render_stamp
from istiolab.page.words import LANGUAGES, Words, read_words
from istiolab.receipt.store import Status, receipt_path, status
from istiolab.system.files import write_atomic

NOTEBOOKS = "notebooks"
DOWNLOADS = "downloads"


class Options(Config):  # type: ignore[no-untyped-call]
    """The plugin's options in `mkdocs.yml`."""

    language = config_options.Choice(LANGUAGES)
    """The language of this build."""
    notebooks_dir = config_options.Dir(exists=True, default="notebooks")
    """Where the executed notebooks and their receipts lie."""
    shared_dir = config_options.Dir(exists=True, default="docs/assets")
    """Files that every language gets, at `assets/`."""
    longest_days = config_options.Optional(config_options.Type((int, float)))
    """How many days after its run a notebook still shows as verified; none means for ever."""
    siblings = config_options.ListOfItems(config_options.File(exists=True), default=[])
    """Configurations of the other languages, which are built after this one, beside it."""


class IstiolabPlugin(BasePlugin[Options]):  # type: ignore[no-untyped-call]
    """Embeds executed cells and receipts, and builds the languages side by side."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._notebooks: dict[str, Notebook] = {}
        self._serving = False

    def on_startup(self, *, command: Literal["build", "gh-deploy", "serve"], dirty: bool) -> None:
        """Remember whether this is a preview, which shows one language alone."""
        del dirty
        self._serving = command == "serve"
        # It tells of its dictionary at each start, and with a traceback that it cannot write its
        # cache in /tmp over another user's; neither matters to a page.
        jieba.setLogLevel(logging.CRITICAL + 1)

    def on_pre_build(self, *, config: MkDocsConfig) -> None:
        """Forget the last build's findings: a preview builds again and again."""
        del config
        self._problems.clear()
        self._notebooks.clear()

    def on_files(self, files: Files, /, *, config: MkDocsConfig) -> Files:
        """Add the notebooks, their downloads, and the files that all languages share."""
        for path in sorted(Path(self.config.notebooks_dir).glob("*.ipynb")):
            files.append(_notebook_file(config, path))
            files.append(_copy(config, f"{DOWNLOADS}/{path.name}", path))
            receipt = receipt_path(path)
            if receipt.exists():
                files.append(_copy(config, f"{DOWNLOADS}/{path.stem}.receipt.json", receipt))
        shared = Path(self.config.shared_dir)
        for path in sorted(each for each in shared.rglob("*") if each.is_file()):
            _add(files, config, f"assets/{path.relative_to(shared).as_posix()}", path)
        return files

    def on_page_markdown(
        self, markdown: str, /, *, page: Page, config: MkDocsConfig, files: Files
    ) -> str:
        """Follow the page's directives, and hold it to having evidence for all its code."""
        del config
        if page.file.src_uri.endswith(".ipynb"):
            # Its cells are on the chapter's page; found twice, they would hide the prose.
            page.meta["search"] = {"exclude": True}
            return markdown
        words = read_words(self.config.language)
        uri = page.file.src_uri
        first_line = 1 + page.file.content_string.count("\n") - markdown.count("\n")
        expansion = expand(
            markdown,
            lambda directive: self._render(directive, page=page, files=files, words=words),
            page=uri,
            first_line=first_line,
        )
        _, uncovered = check_blocks(markdown, page=uri, first_line=first_line)
        self._problems += in_order(expansion.problems, uncovered)
        return expansion.text

    def on_env(self, env: object, /, *, config: MkDocsConfig, files: Files) -> None:
        """End the build if a page lacks what it is to show."""
        del env, config, files
        if self._problems:
            lines = "\n".join(f"  {self.config.language}/{each}" for each in self._problems)
            raise PluginError(f"pages lack what they are to show:\n{lines}")

    # Last of all: MkDocs keeps plugin objects from one configuration to the next, so that a search
    # index which is not yet written would be the other language's.
    @event_priority(-100)
    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """Build the other languages beside this one, and the page that chooses among them."""
        if self._serving or not self.config.siblings:
            return
        root = Path(config.site_dir).parent
        for path in self.config.siblings:
            _build_sibling(path, root=root, strict=config.strict)
        choose = package_files("istiolab.page") / "assets" / "choose.html"
        write_atomic(root / "index.html", choose.read_text(encoding="utf-8"))

    def _render(self, directive: Directive, *, page: Page, files: Files, words: Words) -> str:
        match directive:
            case ShowCell():
                notebook = self._notebook(directive.notebook)
                demand_no_failure(notebook)
                cell = find_cell(notebook, directive.cell)
                return render_cell(
                    notebook,
                    cell,
                    part=directive.part,
                    words=words,
                    indented=directive.indented,
                )
            case ShowReceipt(indented=True) | ShowStatus(indented=True):
                raise IstiolabError("a stamp cannot stand indented", where=("un-indent it",))
            case ShowReceipt():
                path = self._notebook(directive.notebook).path
                links = _links(path.stem, page=page, files=files)
                return render_stamp(self._status(path), links=links, words=words)
            case ShowStatus():
                return render_board(self._board(page, files), words=words)

    def _status(self, path: Path) -> Status:
        return status(path, longest_days=self.config.longest_days)

    def _board(self, page: Page, files: Files) -> list[Entry]:
        found = []
        for path in sorted(Path(self.config.notebooks_dir).glob("*.ipynb")):
            link = _links(path.stem, page=page, files=files).notebook
            title = self._notebook(path.stem).title
            found.append(Entry(title=title, link=link, status=self._status(path)))
        return found

    def _notebook(self, name: str) -> Notebook:
        if name not in self._notebooks:
            path = Path(self.config.notebooks_dir) / f"{name}.ipynb"
            self._notebooks[name] = read_notebook(path)
        return self._notebooks[name]


def _notebook_file(config: MkDocsConfig, path: Path) -> File:
    # Not `File.generated`: mkdocs-jupyter's wrapper finds the file by its source folder alone.
    return File(
        f"{NOTEBOOKS}/{path.name}",
        src_dir=str(path.parent.parent),
        dest_dir=config.site_dir,
        use_directory_urls=config.use_directory_urls,
    )


def _add(files: Files, config: MkDocsConfig, uri: str, path: Path) -> None:
    files.append(File.generated(config, uri, abs_src_path=str(path)))


def _copy(config: MkDocsConfig, uri: str, path: Path) -> File:
    # By content, not by path: what has a path on the disk mkdocs-jupyter takes for a page.
    return File.generated(config, uri, content=path.read_bytes())


def _links(stem: str, *, page: Page, files: Files) -> Links:
    def relative(uri: str) -> str | None:
        found = files.get_file_from_path(uri)
        return found.url_relative_to(page.file) if found else None

    notebook = relative(f"{NOTEBOOKS}/{stem}.ipynb")
    download = relative(f"{DOWNLOADS}/{stem}.ipynb")
    if notebook is None or download is None:
        raise IstiolabError(f"the notebook `{stem}` is not among the site's files")
    return Links(
        notebook=notebook,
        download=download,
        receipt=relative(f"{DOWNLOADS}/{stem}.receipt.json"),
    )


def _build_sibling(path: str, *, root: Path, strict: bool) -> None:
    config = load_config(path, strict=strict)
    config.site_dir = str(root / Path(config.site_dir).name)
    config.plugins.on_startup(command="build", dirty=False)
    try:
        build(config)
    finally:
        config.plugins.on_shutdown()
