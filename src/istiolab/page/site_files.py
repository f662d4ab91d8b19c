"""Notebooks and shared files in, what MkDocs is to publish of them out.

With `plugin` and `site_config` the only module that knows MkDocs.
"""

from __future__ import annotations

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from istiolab.errors import IstiolabError
from istiolab.page.stamp import Links
from istiolab.receipt.failing import Failing
from istiolab.receipt.record import record_path
from istiolab.receipt.store import receipt_path

NOTEBOOKS = "notebooks"
DOWNLOADS = "downloads"


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
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
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


def _copy(files: Files, config: MkDocsConfig, uri: str, path: Path) -> None:
    # By content, not by path: what has a path on the disk mkdocs-jupyter takes for a page.
    files.append(File.generated(config, uri, content=path.read_bytes()))
