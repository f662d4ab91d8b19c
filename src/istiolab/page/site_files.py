"""Notebooks and shared files in, what MkDocs is to publish of them out.

With `plugin` and `site_config` the only module that knows MkDocs.
"""

from __future__ import annotations

import os
import posixpath
import re
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from pymdownx.slugs import slugify

from istiolab.errors import IstiolabError
from istiolab.page.stamp import Links
from istiolab.page.words import LANGUAGES
from istiolab.receipt.failing import Failing
from istiolab.receipt.record import record_path
from istiolab.receipt.store import receipt_path
from istiolab.system.files import is_hidden, visible_files

NOTEBOOKS = "notebooks"
DOWNLOADS = "downloads"
_ID = re.compile(r"""\s(?:id|name)=["']([^"']+)["']""")
_slug = slugify(case="lower")


def is_notebook(file: File) -> bool:
    """Return whether a page is a notebook's."""
    return file.src_uri.startswith(f"{NOTEBOOKS}/") and file.src_uri.endswith(".ipynb")


def name_sources(files: Files, config: MkDocsConfig) -> None:
    """Tell each page which file of the repository it was written in."""
    folder = Path(config.docs_dir).relative_to(Path(config.config_file_path).parent)
    for page in files.documentation_pages():
        here = Path() if is_notebook(page) else folder
        page.edit_uri = (here / page.src_uri).as_posix()


def add_notebook(files: Files, config: MkDocsConfig, path: Path) -> None:
    """Add a notebook, which mkdocs-jupyter makes a page, its download, and what is on record."""
    # By its folder, not `File.generated`: mkdocs-jupyter finds it in no other way.
    page = File(
        f"{NOTEBOOKS}/{path.name}",
        src_dir=str(path.parent.parent),
        dest_dir=config.site_dir,
        use_directory_urls=config.use_directory_urls,
    )
    files.append(page)
    _copy(files, config, f"{DOWNLOADS}/{path.name}", path)
    # The record of a failure, too: the next run on a fresh checkout learns from it since when.
    for name, record in (("receipt", receipt_path(path)), ("failing", record_path(path, Failing))):
        if record.exists():
            _copy(files, config, f"{DOWNLOADS}/{path.stem}.{name}.json", record)


def add_shared(files: Files, config: MkDocsConfig, folder: Path) -> None:
    """Add the files that all languages share, at `assets/`."""
    for path in visible_files(folder, "**/*"):
        _copy(files, config, f"assets/{path.relative_to(folder).as_posix()}", path)


def links_of(stem: str, *, page: Page, files: Files) -> Links:
    """Return where a page's stamp of a notebook leads to.

    Raises:
        IstiolabError: the site has no such notebook.
    """

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The site's files, as notebooks lead to them."""

    config: MkDocsConfig
    """MkDocs' configuration."""
    files: Files
    """All files; one that a notebook leads to, and that lies beside it, is added."""
    home: Path
    """Where the notebooks lie."""
    shared: Path
    """Where the files lie that all languages share."""

    def address(self, target: str, *, page: Page) -> str | None:
        """Return where a link of a notebook's page leads to on the site; None: nowhere."""
        parts = urlsplit(target)
        if parts.scheme or parts.path.startswith("/"):
            return None
        file = self._file(unquote(parts.path)) if parts.path else page.file
        if file is None:
            return None
        address = file.url_relative_to(page.file) if parts.path else ""
        query = f"?{parts.query}" if parts.query else ""
        if not parts.fragment:
            return f"{address}{query}"
        anchor = _anchor(unquote(parts.fragment), file)
        return f"{address}{query}#{quote(anchor)}" if anchor else None

    def _file(self, path: str) -> File | None:
        lies = Path(os.path.normpath(self.home.absolute() / path))
        documents = Path(self.config.docs_dir)
        # A page in any language stands for the one in the language of this site.
        places = {self.home: NOTEBOOKS, self.shared: "assets", documents: "."}
        places |= {documents.parent / language: "." for language in LANGUAGES}
        for folder, place in places.items():
            if lies.is_relative_to(folder.absolute()):
                below = lies.relative_to(folder.absolute())
                uri = posixpath.normpath(f"{place}/{below.as_posix()}")
                if place == NOTEBOOKS and lies.is_file() and not is_hidden(below):
                    self._add(uri, lies)
                return self.files.get_file_from_path(uri)
        # As MkDocs has it: from the place of the notebook's page on the site.
        return self.files.get_file_from_path(posixpath.normpath(f"{NOTEBOOKS}/{path}"))

    def _add(self, uri: str, path: Path) -> None:
        if self.files.get_file_from_path(uri) is None:
            _copy(self.files, self.config, uri, path)


def ids_in(html: str) -> set[str]:
    """Return the ids of all places in HTML that a link may lead to."""
    return {unescape(found) for found in _ID.findall(html)}


def _anchor(name: str, file: File) -> str | None:
    """Return the id of a place, which Jupyter names by the heading as it stands."""
    if file.page is None:
        return name
    known = ids_in(file.page.content or "")
    return next((each for each in (name, _slug(name, "-")) if each in known), None)


def _copy(files: Files, config: MkDocsConfig, uri: str, path: Path) -> None:
    # By content, not by path: what has a path on the disk mkdocs-jupyter takes for a page.
    files.append(File.generated(config, uri, content=path.read_bytes()))
