"""The command that opens the notebooks in JupyterLab, on the lab, as copies to play with."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from istiolab.cli.lab_commands import name_option, timeout_scale_option
from istiolab.cli.verify_command import find_notebooks
from istiolab.errors import HostError
from istiolab.lab.provider import current
from istiolab.mesh.namespaces import delete_prefixed, new_prefix
from istiolab.notebook.document import load_document, serialize
from istiolab.notebook.tidy import clear
from istiolab.receipt.record import FOLDER as RECORDS
from istiolab.runner.targets import kernel_environment
from istiolab.system.environment import Audience, environment_for
from istiolab.system.files import TAG_NAME, visible_files, write_atomic, write_text
from istiolab.system.process import run_attached

WORK = Path("my-notebooks")


@click.command()
@click.argument("notebooks", nargs=-1)
@name_option
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=WORK,
    show_default=True,
    help="Where the copies lie; what is there already is left as it is.",
)
@click.option("--port", type=click.IntRange(1, 65535), default=8888, show_default=True)
@click.option("--browser/--no-browser", default=False, help="Open a browser as well.")
@timeout_scale_option
def notebook(
    notebooks: tuple[str, ...], name: str | None, *, folder: Path, port: int, browser: bool
) -> None:
    """Open notebooks in JupyterLab, to run them cell by cell on the lab.

    NOTEBOOKS are paths, or names in the folder `notebooks`; none means all of them. They are
    copied, so that what you try changes nothing that is published. Ctrl-C ends JupyterLab; the
    namespaces that the notebooks made go with it.
    """
    paths = find_notebooks(notebooks)
    lab = current(name)
    demand_jupyterlab()
    for path in copy_notebooks(paths, folder):
        click.echo(f" - {path}", err=True)
    family = new_prefix()
    environment = environment_for(
        Audience.JUPYTERLAB,
        {**kernel_environment(lab), "ISTIOLAB_NAMESPACE_FAMILY": family},
        unnamed=lab.provider != "embedded",
    )
    command = server_command(folder, port=port, browser=browser)
    try:
        code = run_attached(command, environment=environment)
    finally:
        # JupyterLab lets its kernels die by themselves, and with them their wish to tidy up.
        delete_prefixed(lab.kubeconfig, family)
    if code != 0:
        raise HostError(f"JupyterLab ended with {code}", where=("what it said is above",))


def demand_jupyterlab() -> None:
    """Demand that JupyterLab is installed beside us.

    Raises:
        HostError: it is not.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise HostError(
            "JupyterLab is not installed",
            hint=f"`{sys.executable} -m pip install jupyterlab`; `make site` installs it as well",
        )


def copy_notebooks(paths: Sequence[Path], folder: Path) -> tuple[Path, ...]:
    """Copy notebooks, without their outputs, and the files beside them, into a folder.

    Args:
        paths: the notebooks.
        folder: where the copies go; what is there already stays as it is.

    Returns:
        The copies that were made now.

    Raises:
        KernelError: one is no notebook.
        HostError: the folder cannot be written.
    """
    made = []
    for path in paths:
        for source in files_beside(path, besides=folder):
            target = folder / source.relative_to(path.parent)
            if not target.exists():
                _copy(source, target)
        target = folder / path.name
        if not target.exists():
            write_text(target, serialize(clear(load_document(path))))
            made.append(target)
    return tuple(made)


def files_beside(notebook: Path, *, besides: Path) -> tuple[Path, ...]:
    """Return the files in a notebook's folder that a run of it may use.

    Left out are notebooks, hidden files, records of runs, and folders of caches, of evidence and of
    virtual environments.

    Args:
        notebook: the notebook.
        besides: a folder that is left out, too.
    """
    home = notebook.parent
    found = visible_files(home, "**/*")
    made = {path.parent for path in found if path.name in {TAG_NAME, "pyvenv.cfg"}}
    left_out = {each.resolve() for each in (home / RECORDS, besides, *made)}
    # Where the copies go may be the folder itself, or one around it.
    left_out -= {home.resolve(), *home.resolve().parents}
    return tuple(
        path
        for path in found
        if path.suffix != ".ipynb"
        and "__pycache__" not in path.parts
        and left_out.isdisjoint(path.resolve().parents)
    )


def _copy(source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(target, source.read_bytes(), mode=source.stat().st_mode & 0o777 | 0o600)
    except OSError as wrong:
        raise HostError(f"`{source}` could not be copied", where=(str(wrong),)) from wrong


def server_command(folder: Path, *, port: int, browser: bool) -> list[str]:
    """Return the call of JupyterLab, on this machine's own address alone."""
    return [
        *(sys.executable, "-m", "jupyterlab"),
        # Its address and what is wrong; not what it does.
        "--ServerApp.log_level=WARN",
        f"--ServerApp.root_dir={folder.resolve()}",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        # A busy port is told, instead of silently taking the next one.
        "--ServerApp.port_retries=0",
        # Ctrl-C ends it; it would ask.
        "--ServerApp.answer_yes=True",
        # As root it would refuse; it listens to this machine alone, and asks for its token.
        "--ServerApp.allow_root=True",
        # Extensions and news from elsewhere are nobody's wish here.
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        *(() if browser else ("--ServerApp.open_browser=False",)),
    ]
