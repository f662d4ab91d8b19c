"""A notebook in; digests of it and of what its code uses, as they stand at the time, out.

Rule 1: they are taken before a run. What is attested is what ran, not what lies there afterwards.
Rule 2: nothing is attested of a notebook that is not, at the end, as it was: who saved a file while
it ran meant the new one, and that did not run.
Rule 3: a file that was not there before is the run's own, as when a cell writes down what it found;
it is among those that are attested, since it is there from now on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from istiolab.errors import IstiolabError
from istiolab.receipt.fingerprint import code_of, notebook_sha256
from istiolab.receipt.uses import digest_of, helpers_sha256, used_files


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a run is about; without digests it is equal to no notebook, so that none is attested."""

    notebook_sha256: str = ""
    """Digest of the notebook's file, outputs included."""
    helpers_sha256: str = ""
    """Digest of the definitions of the library that its cells reach."""
    manifests_sha256: str = ""
    """Digest of the files that its cells name."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Each of these files with a digest of its own."""


def take(path: Path) -> Subject:
    """Return what a run of the notebook at `path` would be about now.

    Raises:
        KernelError: it is no notebook.
    """
    cells = code_of(path)
    files = used_files(cells, folder=path.parent)
    return Subject(
        notebook_sha256=notebook_sha256(path),
        helpers_sha256=helpers_sha256(cells),
        manifests_sha256=digest_of(files),
        files={name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    )


def settle(path: Path, ran: Subject) -> Subject | str:
    """Return what is to be attested of a run: what ran, and the files that it made.

    One look tells both, so that nothing can be saved between the two.

    Args:
        path: the notebook.
        ran: what was taken before.

    Returns:
        If something is not as it was, what that is instead, as a sentence's subject.
    """
    try:
        now = take(path)
    except (IstiolabError, OSError):  # it is gone, or no notebook any more
        return "the notebook"
    if now.notebook_sha256 != ran.notebook_sha256:
        return "the notebook"
    if now.helpers_sha256 != ran.helpers_sha256:
        return "a helper that it uses"
    if any(now.files.get(name) != digest for name, digest in ran.files.items()):
        return "a manifest"
    return now


def what_changed(path: Path, since: Subject) -> str | None:
    """Return what of a notebook is not as it was, as a sentence's subject; None if all is."""
    settled = settle(path, since)
    return settled if isinstance(settled, str) else None
