"""A directive of a page in, what stands in its place out: the one who knows all notebooks.

With `plugin`, `site_files` and `site_config` the only module that knows MkDocs.
Rule 1: a notebook and what its receipt says are read once: a build shows one state of both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

from istiolab.errors import IstiolabError
from istiolab.notebook.cells import Notebook, find_cell, read_notebook
from istiolab.page.board import Entry, render_board, render_ledger
from istiolab.page.claims import (
    Chapter,
    cell_anchor,
    chapter_of,
    chapters_of,
    render_claims,
    render_summary,
)
from istiolab.page.directives import (
    BlockDirective,
    Directive,
    ShowCell,
    ShowClaims,
    ShowGlossary,
    ShowLedger,
    ShowReceipt,
    ShowStatus,
)
from istiolab.page.embed import demand_no_failure, render_cell
from istiolab.page.glossary import glossary_path, read_glossary, render_glossary
from istiolab.page.outline import page_title
from istiolab.page.site_files import links_of
from istiolab.page.stamp import render_brief, render_stamp
from istiolab.page.words import Words
from istiolab.receipt.ledger import read_ledger, summarise
from istiolab.receipt.store import Status, status
from istiolab.system.files import visible_files


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """What the directives of one language's pages are answered from."""

    language: str
    """The language."""
    words: Words
    """Its words."""
    notebooks_dir: Path
    """Where the executed notebooks and their receipts lie."""
    claims_dir: Path
    """Where the claims of the chapters lie."""
    longest_days: float | None
    """How many days after its run a notebook still shows as verified."""
    statuses: dict[Path, Status] = field(default_factory=dict)
    """What the receipts say that were looked at: the same in every language."""
    _notebooks: dict[str, Notebook] = field(default_factory=dict)
    _anchors: set[tuple[str, str]] = field(default_factory=set)

    def notebook(self, name: str) -> Notebook:
        """Return a notebook by its name.

        Raises:
            IstiolabError: there is none, or it cannot be read.
        """
        if name not in self._notebooks:
            self._notebooks[name] = read_notebook(self.notebooks_dir / f"{name}.ipynb")
        return self._notebooks[name]

    def show(self, directive: Directive, *, page: Page, files: Files) -> str:
        """Return the HTML that stands in a directive's place.

        Raises:
            IstiolabError: there is nothing to show, or not there.
        """
        if not isinstance(directive, ShowCell):
            return self._block(directive, page=page, files=files)
        notebook = self.notebook(directive.notebook)
        demand_no_failure(notebook)
        cell = find_cell(notebook, directive.cell)
        return render_cell(
            notebook,
            cell,
            part=directive.part,
            words=self.words,
            marks=directive.marks,
            anchor=self._anchor(directive, page),
        )

    def stamp(self, name: str, *, page: Page, files: Files, brief: bool = False) -> str:
        """Return the stamp of a notebook, or its brief form of one line.

        Raises:
            IstiolabError: there is no such notebook.
        """
        known = self._status(self.notebook(name).path)
        render = render_brief if brief else render_stamp
        return render(known, links=links_of(name, page=page, files=files), words=self.words)

    def _block(self, directive: BlockDirective, *, page: Page, files: Files) -> str:
        match directive:
            case ShowReceipt():
                return self.stamp(directive.notebook, page=page, files=files, brief=directive.brief)
            case ShowStatus():
                return render_board(self._board(page, files), words=self.words)
            case ShowLedger():
                records = summarise(read_ledger(self.notebooks_dir))
                titles = {each.notebook: self._title(each.notebook, files) for each in records}
                return render_ledger(records, titles=titles, words=self.words)
            case ShowClaims() if directive.notebook is None:
                return render_summary(self._chapters(page, files), words=self.words)
            case ShowClaims():
                chapter = self._chapter(str(directive.notebook), page=page, files=files)
                return render_claims(chapter, language=self.language, words=self.words)
            case ShowGlossary():
                documents = Path(str(page.file.src_dir))
                return render_glossary(read_glossary(glossary_path(documents)))

    def _anchor(self, directive: ShowCell, page: Page) -> str | None:
        """Return the id of the place where a chapter's page shows a cell of its own first."""
        place = (page.file.src_uri, directive.cell)
        if directive.notebook != Path(page.file.src_uri).stem or place in self._anchors:
            return None
        self._anchors.add(place)
        return cell_anchor(directive.cell)

    def _chapters(self, page: Page, files: Files) -> list[Chapter]:
        there = {path.stem for path in visible_files(self.claims_dir, "*.yml")}
        stems = chapters_of(page.file.content_string, there)
        return [self._chapter(stem, page=page, files=files) for stem in stems]

    def _chapter(self, stem: str, *, page: Page, files: Files) -> Chapter:
        file = files.get_file_from_path(f"{stem}.md")
        if file is None:
            raise IstiolabError(f"the chapter `{stem}` has no page")
        return chapter_of(
            self.claims_dir / f"{stem}.yml",
            text=file.content_string,
            notebook=self.notebook(stem),
            link=file.url_relative_to(page.file),
            status=self._status(self.notebook(stem).path),
        )

    def _board(self, page: Page, files: Files) -> list[Entry]:
        return [
            Entry(
                title=self._title(path.stem, files),
                link=links_of(path.stem, page=page, files=files).notebook,
                status=self._status(path),
            )
            for path in visible_files(self.notebooks_dir, "*.ipynb")
        ]

    def _title(self, stem: str, files: Files) -> str:
        """Return the title of a notebook's chapter in the pages' language, or its own."""
        chapter = files.get_file_from_path(f"{stem}.md")
        title = page_title(chapter.content_string) if chapter else None
        return title or self.notebook(stem).title

    def _status(self, path: Path) -> Status:
        if path not in self.statuses:
            self.statuses[path] = status(path, longest_days=self.longest_days)
        return self.statuses[path]
