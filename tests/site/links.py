"""A built site in, the references of its pages out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from bs4 import BeautifulSoup

# A link that a reader follows; all other references a browser follows by itself.
_FOLLOWED = ("a", "area")


@dataclass(frozen=True, slots=True)
class Reference:
    """What a page refers to."""

    page: str
    """The page's file below the site."""
    tag: str
    """The element that refers."""
    address: str
    """As it is written."""

    @property
    def is_followed_by_readers(self) -> bool:
        """Whether nothing is fetched before somebody follows it."""
        return self.tag in _FOLLOWED

    @property
    def host(self) -> str:
        """The other host that it names; empty if it is the site's own."""
        return urlsplit(self.address).netloc

    def __str__(self) -> str:
        return f"{self.page}: <{self.tag}> {self.address}"


class Built:
    """A site as it lies on the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ids: dict[str, set[str]] = {}
        self._soups: dict[str, BeautifulSoup] = {}

    @cached_property
    def pages(self) -> tuple[str, ...]:
        """The files that are pages."""
        found = self._folder.rglob("*.html")
        return tuple(sorted(path.relative_to(self._folder).as_posix() for path in found))

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """All references of all pages, each once for each page."""
        return tuple(dict.fromkeys(each for page in self.pages for each in self._of(page)))

    def target(self, reference: Reference, *, at: str) -> tuple[str, str]:
        """Return the file that a reference within the site leads to, and the place in it.

        Args:
            reference: the reference.
            at: the site's address, which pages at unknown addresses name.
        """
        base = f"{at}/{reference.page.removesuffix('index.html')}"
        address, anchor = urldefrag(urljoin(base, reference.address))
        path = unquote(address.removeprefix(f"{at}/"))
        return (f"{path}index.html" if path.endswith("/") or not path else path), unquote(anchor)

    def has(self, path: str, anchor: str) -> bool:
        """Return whether the site has this file, and the file this place."""
        if not (self._folder / path).is_file():
            return False
        return not anchor or anchor in self._places(path)

    def soup(self, page: str) -> BeautifulSoup:
        """Return a page, parsed."""
        if page not in self._soups:
            text = (self._folder / page).read_text(encoding="utf-8")
            self._soups[page] = BeautifulSoup(text, "html.parser")
        return self._soups[page]

    def _of(self, page: str) -> Iterator[Reference]:
        for each in self.soup(page).find_all(name=True):
            for name in ("href", "src", "data", "poster", "xlink:href"):
                if each.has_attr(name) and "canonical" not in each.get_attribute_list("rel"):
                    yield Reference(page, each.name, str(each[name]))
            for part in str(each.get("srcset", "")).split(","):
                if part.strip():
                    yield Reference(page, each.name, part.split()[0])

    def _places(self, path: str) -> set[str]:
        if path not in self._ids:
            soup = self.soup(path)
            self._ids[path] = {str(each["id"]) for each in soup.find_all(id=True)}
            self._ids[path] |= {
                str(each["name"]) for each in soup.find_all("a", attrs={"name": True})
            }
        return self._ids[path]
