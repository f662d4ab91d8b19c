"""Notebooks in, a folder with copies of them out, in which any of the tools may write."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from istiolab.errors import UsageError
from istiolab.notebook.document import load_document, serialize

MANIFESTS = "manifests"


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A folder laid out for one run."""

    folder: Path
    """The folder; of this run alone."""
    notebooks: tuple[Path, ...]
    """The copies, all in the folder `notebooks` below it."""

    @property
    def home(self) -> Path:
        """Return the folder that the copies are in."""
        return self.folder / "notebooks"

    @property
    def ipython(self) -> Path:
        """Return the folder of IPython's settings for the kernels of this run."""
        return self.folder / "ipython"


def copy_names(stems: Sequence[str], copies: int) -> tuple[tuple[str, str], ...]:
    """Return which notebook is copied to which name: as it is, or numbered if there are several."""
    if copies == 1:
        return tuple((stem, stem) for stem in stems)
    return tuple(
        (stem, f"{stem}-copy-{number:02}") for stem in stems for number in range(1, copies + 1)
    )


def demand_one_folder(notebooks: Sequence[Path]) -> Path:
    """Return the folder that notebooks are in.

    Raises:
        UsageError: they are in several, so that what they read cannot be laid beside them all.
    """
    folders = sorted({path.parent.resolve() for path in notebooks})
    if len(folders) > 1:
        raise UsageError(
            "the notebooks are in several folders",
            where=tuple(str(folder) for folder in folders),
            hint="measure those of one folder at a time",
        )
    return folders[0]


@contextmanager
def laid_out(notebooks: Sequence[Path], copies: int) -> Iterator[Course]:
    """Yield a folder with so many copies of each notebook, and with what they read; then delete it.

    Raises:
        UsageError: the notebooks are in several folders.
        KernelError: one of them is no valid notebook, or names no kernel.
    """
    source = demand_one_folder(notebooks)
    with TemporaryDirectory(prefix="istiolab-race-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        names = copy_names([path.stem for path in notebooks], copies)
        paths = tuple(folder / "notebooks" / f"{copied}.ipynb" for _, copied in names)
        course = Course(folder=folder, notebooks=paths)
        course.home.mkdir()
        for (original, copied), path in zip(names, paths, strict=True):
            _copy(source / f"{original}.ipynb", path, apart=copied != original)
        if (source / MANIFESTS).is_dir():
            shutil.copytree(source / MANIFESTS, course.home / MANIFESTS)
        startup = course.ipython / "profile_default" / "startup"
        startup.mkdir(parents=True)
        (startup / "00-own-prefix.py").write_text(_OWN_PREFIX)
        yield course


def _copy(original: Path, path: Path, *, apart: bool) -> None:
    """Copy a notebook; `apart` makes the copy one of its own, with the same cells.

    jupyter-cache knows a notebook by its code and its kernelspec. Two that are alike in both are
    one to it, and it fails if they end within the same milliseconds. So the name that the kernel
    is shown under differs; what is executed does not.
    """
    if not apart:
        shutil.copyfile(original, path)
        return
    document = load_document(original)
    kernel = document.metadata["kernelspec"]
    kernel["display_name"] = f"{kernel['display_name']} ({path.stem})"
    path.write_text(serialize(document), encoding="utf-8")


# Kernels that one tool starts share its variables: each adds its own number, so that copies of a
# notebook do not ask for the same namespaces, and all are found by what they share.
_OWN_PREFIX = (
    "__import__('os').environ['ISTIOLAB_NAMESPACE_PREFIX'] += f\"-{__import__('os').getpid():x}\"\n"
)
