"""MkDocs' events in, the page room's functions called.

With `site_files` and `site_config` the only module that knows MkDocs.
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
from markdown.extensions.toc import nest_toc_tokens  # type: ignore[import-untyped]
from mkdocs.commands.build import build
from mkdocs.config import config_options, load_config
from mkdocs.config.base import Config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin, CombinedEvent, event_priority
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page
from mkdocs.structure.toc import get_toc

from istiolab.errors import IstiolabError
from istiolab.notebook.document import load_document
from istiolab.notebook.here import known_here
from istiolab.notebook.scanner import SecretScanner
from istiolab.notebook.withhold import withhold
from istiolab.page.coverage import check_code, check_markdown
from istiolab.page.diagram import DIAGRAM, find_diagrams
from istiolab.page.directives import Problem, expand
from istiolab.page.embed import demand_no_failure
from istiolab.page.lean import drop_plain_marks
from istiolab.page.links import fit_links
from istiolab.page.placeholders import Placeholders
from istiolab.page.showing import Showing
from istiolab.page.site_config import find_dictionary, fit_for_disk, link_to_sources
from istiolab.page.site_files import (
    Site,
    add_notebook,
    add_shared,
    ids_in,
    is_notebook,
    name_sources,
)
from istiolab.page.vendor import COMMAND, missing, read_packages
from istiolab.page.whole import check_notebook, fit_notebook, lacking_attachments
from istiolab.page.words import LANGUAGES, read_words
from istiolab.receipt.store import Status
from istiolab.system.files import visible_files, write_atomic


class Options(Config):  # type: ignore[no-untyped-call]
    """The plugin's options in `mkdocs.yml`."""

    language = config_options.Choice(LANGUAGES)
    """The language of this build."""
    notebooks_dir = config_options.Dir(exists=True, default="notebooks")
    """Where the executed notebooks and their receipts lie."""
    shared_dir = config_options.Dir(exists=True, default="docs/assets")
    """Files that every language gets, at `assets/`."""
    claims_dir = config_options.Dir(exists=False, default="docs/claims")
    """Where the claims of the chapters lie, a file for each."""
    longest_days = config_options.Optional(config_options.Type((int, float)))
    """How many days after its run a notebook still shows as verified; none means for ever."""
    offline = config_options.Type(bool, default=False)
    """Whether the pages are to be opened from the disk, without a server."""
    siblings = config_options.ListOfItems(config_options.File(exists=True), default=[])
    """Configurations of the other languages, which are built after this one, beside it."""


class IstiolabPlugin(BasePlugin[Options]):  # type: ignore[no-untyped-call]
    """Embeds executed cells and receipts, and builds the languages side by side."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._statuses: dict[Path, Status] = {}
        self._held: dict[str, Placeholders] = {}
        self._serving = False

    def on_startup(self, *, command: Literal["build", "gh-deploy", "serve"], dirty: bool) -> None:
        """Remember whether this is a preview, which shows one language alone."""
        del dirty
        self._serving = command == "serve"
        # It tells of its dictionary at each start, and with a traceback that it cannot write its
        # cache in /tmp over another user's; neither matters to a page.
        jieba.setLogLevel(logging.CRITICAL + 1)

    def on_config(self, config: MkDocsConfig) -> None:
        """Fit the configuration to where the site will be read."""
        link_to_sources(config)
        find_dictionary(config)
        if self.config.offline:
            fit_for_disk(config)

    def on_pre_build(self, *, config: MkDocsConfig) -> None:
        """Forget the last build's findings: a preview builds again and again."""
        del config
        self._problems.clear()
        self._held.clear()
        # What a receipt says takes time to find out, and is the same in the languages that follow:
        # MkDocs gives all of them this one object.
        if self.config.siblings or self._serving:
            self._statuses.clear()
        self._showing = Showing(
            language=self.config.language,
            words=read_words(self.config.language),
            notebooks_dir=Path(self.config.notebooks_dir),
            claims_dir=Path(self.config.claims_dir),
            longest_days=self.config.longest_days,
            statuses=self._statuses,
        )

    # First of all, so that mkdocs-jupyter finds the notebooks among the files.
    @event_priority(100)
    def _add_files(self, files: Files, /, *, config: MkDocsConfig) -> Files:
        """Add the notebooks, their downloads, and the files that all languages share.

        Raises:
            PluginError: a notebook's outputs hold a secret.
        """
        for path in visible_files(Path(self.config.notebooks_dir), "*.ipynb"):
            _demand_no_secret(path)
            add_notebook(files, config, path)
        add_shared(files, config, Path(self.config.shared_dir))
        return files

    # Last of all: what mkdocs-jupyter takes for a page it puts a file of its own around.
    @event_priority(-100)
    def _name_sources(self, files: Files, /, *, config: MkDocsConfig) -> Files:
        """Tell each page which file of the repository it was written in."""
        name_sources(files, config)
        return files

    on_files = CombinedEvent(_add_files, _name_sources)

    def on_page_markdown(
        self, markdown: str, /, *, page: Page, config: MkDocsConfig, files: Files
    ) -> str:
        """Follow the page's directives, and hold it to having evidence for all its code."""
        del config
        if is_notebook(page.file):
            self._check_notebook(page)
            return ""
        uri = page.file.src_uri
        held = self._held[uri] = Placeholders()
        first_line = 1 + page.file.content_string.count("\n") - markdown.count("\n")
        expansion = expand(
            markdown,
            lambda directive: held.hold(self._showing.show(directive, page=page, files=files)),
            page=uri,
            first_line=first_line,
        )
        self._problems += expansion.problems
        self._problems += check_markdown(
            markdown, page=uri, language=self.config.language, first_line=first_line
        )
        self._demand_scripts(uri, markdown)
        return expansion.text

    def on_page_content(
        self, html: str, /, *, page: Page, config: MkDocsConfig, files: Files
    ) -> str:
        """Make a page light; give one that mkdocs-jupyter made of a notebook the site's look."""
        if not is_notebook(page.file):
            return self._fill(html, page)
        name = Path(page.file.src_uri).stem
        try:
            whole = fit_notebook(
                html,
                self._showing.notebook(name),
                words=self._showing.words,
                above=self._showing.stamp(name, page=page, files=files),
                link_title=config.mdx_configs.get("toc", {}).get("permalink_title", ""),
            )
        except IstiolabError as wrong:
            self._collect(wrong, page)
            return ""
        self._problems += whole.problems
        page.toc = get_toc(nest_toc_tokens(list(whole.headings)))
        return drop_plain_marks(whole.html)

    def on_env(self, env: object, /, *, config: MkDocsConfig, files: Files) -> None:
        """Fit the notebooks' links, now that all pages are there; end the build on any problem."""
        del env
        for page in (file.page for file in files.documentation_pages() if is_notebook(file)):
            if page is not None and page.content:
                self._fit_links(page, config=config, files=files)
        self._demand_no_problem()

    def _fit_links(self, page: Page, *, config: MkDocsConfig, files: Files) -> None:
        home = Path(self.config.notebooks_dir)
        site = Site(config=config, files=files, home=home, shared=Path(self.config.shared_dir))
        page.content, lost = fit_links(
            page.content or "", lambda target: site.address(target, page=page)
        )
        self._problems += (
            Problem(
                page=page.file.src_uri,
                line=1,
                message=f"{cell} leads to `{target}`, which the site does not have",
            )
            for cell, target in lost
        )

    def _fill(self, html: str, page: Page) -> str:
        uri = page.file.src_uri
        _, uncovered = check_code(html, source=page.file.content_string, page=uri)
        self._problems += uncovered
        filled, lost = self._held[uri].fill(html)
        self._problems += (
            Problem(
                page=uri,
                line=1,
                message="a directive is indented below nothing, which makes it code: un-indent it",
            )
            for _ in range(lost)
        )
        page.present_anchor_ids = (page.present_anchor_ids or set()) | ids_in(filled)
        return drop_plain_marks(filled)

    def _demand_no_problem(self) -> None:
        if self._problems:
            found = sorted(self._problems, key=lambda each: (each.page, each.line))
            lines = "\n".join(f"  {self.config.language}/{each}" for each in found)
            raise PluginError(f"pages lack what they are to show:\n{lines}")

    # Last of all: MkDocs keeps plugin objects from one configuration to the next, so that a search
    # index which is not yet written would be the other language's.
    @event_priority(-1000)
    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """Build the other languages beside this one, and the page that chooses among them."""
        if self._serving or not self.config.siblings:
            return
        root = Path(config.site_dir).parent
        for path in self.config.siblings:
            _build_sibling(path, root=root, strict=config.strict)
        choose = package_files("istiolab.page") / "assets" / "choose.html"
        text = choose.read_text(encoding="utf-8")
        if not config.use_directory_urls:
            text = text.replace('en/"', 'en/index.html"').replace('TW/"', 'TW/index.html"')
        write_atomic(root / "index.html", text)

    def _demand_scripts(self, uri: str, markdown: str) -> None:
        """Demand what draws a page's diagrams, if it has any."""
        if not find_diagrams(markdown):
            return
        drawing = (each for each in read_packages() if each.name == DIAGRAM)
        lacking = missing(drawing, Path(self.config.shared_dir) / "vendor")
        self._problems += [
            Problem(
                page=uri,
                line=1,
                message=f"its diagrams need {each.name} {each.version}, which is not there: "
                f"run `{COMMAND}`",
            )
            for each in lacking
        ]

    def _check_notebook(self, page: Page) -> None:
        """Say what a notebook's page is called, and collect what is wrong with it."""
        # Its cells are on the chapters' pages; found twice, they would hide the prose.
        page.meta["search"] = {"exclude": True}
        try:
            notebook = self._showing.notebook(Path(page.file.src_uri).stem)
            demand_no_failure(notebook)
            page.meta["title"] = f"{notebook.title} · {self._showing.words.notebook_name}"
            self._problems += check_notebook(notebook, page=page.file.src_uri)
            if lacking := lacking_attachments(notebook):
                # mkdocs-jupyter could not go on, and would not say where.
                self._collect(IstiolabError("; ".join(lacking)), page)
                self._demand_no_problem()
            said = (cell.source for cell in notebook.cells if cell.kind == "markdown")
            self._demand_scripts(page.file.src_uri, "\n\n".join(said))
        except IstiolabError as wrong:
            self._collect(wrong, page)

    def _collect(self, wrong: IstiolabError, page: Page) -> None:
        message = "; ".join((wrong.message, *wrong.where))
        self._problems.append(Problem(page=page.file.src_uri, line=1, message=message))


def _demand_no_secret(path: Path) -> None:
    """Demand that a notebook, which is published as it stands, has no secret in its outputs."""
    try:
        notebook = load_document(path)
    except IstiolabError:  # whoever shows it says so
        return
    _, found = withhold(notebook, SecretScanner(known_here()))
    if found:
        cells = ", ".join(f"cell {index + 1}: {source}" for index, source in found.items())
        raise PluginError(
            f"`{path.name}` has secrets in its outputs ({cells}): have these cells put out "
            f"something else, and run `istiolab verify {path.stem} --force --update`"
        )


def _build_sibling(path: str, *, root: Path, strict: bool) -> None:
    config = load_config(path, strict=strict)
    config.site_dir = str(root / Path(config.site_dir).name)
    config.plugins.on_startup(command="build", dirty=False)
    try:
        build(config)
    finally:
        config.plugins.on_shutdown()
