"""The documents of two languages in, what is not alike out.

It is a command:

    python -m istiolab.page.parity             say what is not alike; ends with 1 if anything is
    python -m istiolab.page.parity --update    after reading both: mark the Chinese pages as made
                                               from the English ones as they stand
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from istiolab.errors import ExitCode, IstiolabError
from istiolab.page.glossary import glossary_path, read_glossary, unlike_terms
from istiolab.page.outline import (
    differences,
    read_outline,
    source_digest,
    with_source_digest,
)
from istiolab.page.terms import read_terms, unwanted_terms
from istiolab.system.files import visible_files, write_atomic

SOURCE = Path("docs/en")
TRANSLATION = Path("docs/zh-TW")


def unlike(source: Path, translation: Path) -> tuple[str, ...]:
    """Return all that is wrong with the pages and the glossary of `translation`, a line each."""
    mine, theirs = _pages(source), _pages(translation)
    found = [f"{name}: only in {source.name}" for name in sorted(mine - theirs)]
    found += [f"{name}: only in {translation.name}" for name in sorted(theirs - mine)]
    for name in sorted(mine & theirs):
        found += [f"{name}: {line}" for line in _unlike_page(source / name, translation / name)]
    found += _unlike_glossary(glossary_path(source), glossary_path(translation))
    return tuple(found)


def update(source: Path, translation: Path) -> tuple[str, ...]:
    """Write the source's digest into each translated page; return the pages that changed."""
    changed = []
    for name in sorted(_pages(source) & _pages(translation)):
        text = (translation / name).read_text(encoding="utf-8")
        marked = with_source_digest(text, digest_of(source / name))
        if marked != text:
            write_atomic(translation / name, marked)
            changed.append(name)
    return tuple(changed)


def digest_of(path: Path) -> str:
    """Return the digest of a source page."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main(arguments: Sequence[str]) -> ExitCode:
    """Run the command; see the module's head."""
    if list(arguments) == ["--update"]:
        for name in update(SOURCE, TRANSLATION):
            sys.stdout.write(f"marked {TRANSLATION / name}\n")
    elif arguments:
        sys.stderr.write("usage: python -m istiolab.page.parity [--update]\n")
        return ExitCode.USAGE
    found = unlike(SOURCE, TRANSLATION)
    for line in found:
        sys.stdout.write(f"{line}\n")
    return ExitCode.FINDING if found else ExitCode.OK


def _pages(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in visible_files(folder, "**/*.md")}


def _unlike_page(source: Path, translation: Path) -> list[str]:
    text = translation.read_text(encoding="utf-8")
    try:
        outlines = read_outline(source.read_text(encoding="utf-8")), read_outline(text)
    except IstiolabError as wrong:
        return [wrong.message]
    found = list(differences(*outlines))
    if source_digest(text) != digest_of(source):
        found.append(
            "the source changed since this page was marked; read both, then "
            "`python -m istiolab.page.parity --update`"
        )
    return [*found, *_unwanted(text)]


def _unlike_glossary(source: Path, translation: Path) -> list[str]:
    if not source.exists() and not translation.exists():
        return []
    try:
        found = unlike_terms(read_glossary(source), read_glossary(translation))
    except IstiolabError as wrong:
        return ["; ".join((wrong.message, *wrong.where))]
    text = translation.read_text(encoding="utf-8")
    return [f"{translation.name}: {line}" for line in (*found, *_unwanted(text))]


def _unwanted(text: str) -> list[str]:
    return [
        f"`{term}` is not what is said in Taiwan: {better}"
        for term, better in unwanted_terms(text, read_terms()).items()
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
