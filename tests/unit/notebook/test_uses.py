"""What real kernels record of what their cells use."""

from __future__ import annotations

from pathlib import Path

import pytest

from istiolab.errors import KernelError
from istiolab.notebook import run as runner
from istiolab.notebook.execution import Execution, RunPlan
from istiolab.notebook.recorder import LIST, MODULE, PACKAGE, READ, WRITE, sha256_of
from istiolab.notebook.run import run_notebook
from tests.unit.notebook.build import code, write


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks")
    for name in (
        "manifests/a",
        "manifests/b",
        "given/sub/c",
        "given/d",
        "word",
        "piped",
        ".hide/x",
    ):
        path = folder / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"name: {name}")
    (folder / "helper.py").write_text("import nested\nx = open('deep.txt')\n")
    (folder / "nested.py").write_text("y = 1\n")
    (folder / "unrelated.py").write_text("z = 1\n")
    (folder / "deep.txt").write_text("deep")
    return folder


def execute(folder: Path, *sources: str, name: str = "some") -> Execution:
    return run_notebook(RunPlan(path=write(folder, *map(code, sources), name=name)))


def found(run: Execution, kind: str, root: str = "folder") -> set[str]:
    return {use.name for use in run.uses if use.kind == kind and use.root == root}


RUN = "import subprocess\nsubprocess.run"


@pytest.mark.parametrize(
    ("source", "read"),
    [
        ("open('manifests/a.yaml').read()", "manifests/a.yaml"),
        ("import pathlib\npathlib.Path('word.yaml').resolve().read_text()", "word.yaml"),
        ("import os\nos.chdir('manifests')\nopen('a.yaml')", "manifests/a.yaml"),
        ("try:\n    open('absent.yaml')\nexcept OSError:\n    pass", "absent.yaml"),
        ("import helper", "helper.py nested.py deep.txt"),
        (f"{RUN}(['cat', 'word.yaml'])", "word.yaml"),
        (f"{RUN}(['true', '--file=word.yaml'])", "word.yaml"),
        (f"{RUN}('cat \"word.yaml\"<piped.yaml', shell=True)", "word.yaml piped.yaml"),
        (f"{RUN}(['cat', 'a.yaml'], cwd='manifests')", "manifests/a.yaml"),
        (f"{RUN}(['true', 'given'])", "given/d.yaml given/sub/c.yaml"),
        ("!cat word.yaml", "word.yaml"),
        ("import os\nos.system('cat word.yaml')", "word.yaml"),
        ("open('own', 'w').write('1')\nopen('own').read()", ""),
        ("open('new', 'w').close()\nimport os\nos.replace('new', 'own')\nopen('own')", ""),
        ("open('.hide/x.yaml').read(), open('/etc/passwd').read()", ""),
        ("'manifests/a.yaml virtual_hosts[0].'", ""),
    ],
)
def test_the_files_that_cells_use_are_recorded_and_no_others(
    folder: Path, source: str, read: str
) -> None:
    run = execute(folder, source)
    assert run.failure is None
    assert found(run, READ) == set(read.split())


def test_folders_that_cells_list_are_recorded_with_their_names(folder: Path) -> None:
    run = execute(folder, "from pathlib import Path\nlist(Path('manifests').glob('*.yaml'))")
    (use,) = [use for use in run.uses if use.kind == LIST]
    assert (use.name, use.state) == ("manifests", ["a.yaml", "b.yaml"])


def test_a_dot_in_a_command_is_not_the_whole_folder(folder: Path) -> None:
    run = execute(folder, "!echo a | grep . word.yaml")
    assert found(run, READ) == {"word.yaml"}
    assert found(run, LIST) == set()


def test_modules_of_the_library_are_recorded_when_they_are_loaded(folder: Path) -> None:
    run = execute(folder, "from istiolab import Table\nimport yaml")
    modules = found(run, READ, PACKAGE)
    assert {"__init__.py", "mesh/table.py"} <= modules
    assert "probe/send.py" not in modules
    assert {"yaml", "IPython"} <= found(run, MODULE, "")


def test_a_file_that_is_written_before_it_is_read_is_the_cells_own(folder: Path) -> None:
    run = execute(folder, "open('word.yaml').read()\nopen('word.yaml', 'a').close()")
    assert (found(run, READ), found(run, WRITE)) == ({"word.yaml"}, set())


def test_a_kernel_that_dies_leaves_what_it_used_until_then(folder: Path) -> None:
    run = execute(folder, "open('word.yaml')", "import os\nopen('piped.yaml')\nos._exit(3)")
    assert run.failure is not None
    assert found(run, READ) == {"word.yaml", "piped.yaml"}


def test_cells_see_nothing_of_it(folder: Path) -> None:
    run = execute(folder, "[name for name in dir() if not name.startswith('_')]")
    (output,) = run.document.cells[0].outputs
    assert output.data["text/plain"] == "['In', 'Out', 'exit', 'get_ipython', 'open', 'quit']"


def test_a_file_is_on_record_as_it_was_when_it_was_used(folder: Path) -> None:
    path = folder / "changing.yaml"
    path.write_text("before")
    before = sha256_of(str(path))
    run = execute(folder, "open('changing.yaml').read()\nopen('changing.yaml', 'w').close()")
    assert [use.state for use in run.uses if use.name == path.name] == [before]
    assert sha256_of(str(path)) != before


def test_a_kernel_that_records_nothing_is_no_evidence(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "read_uses", lambda _: ())
    with pytest.raises(KernelError, match="left no record of what its cells used"):
        execute(folder, "1")


def test_another_copy_of_the_library_is_no_evidence(tmp_path: Path) -> None:
    (tmp_path / "istiolab").mkdir()
    (tmp_path / "istiolab" / "__init__.py").touch()
    outside = tmp_path / "notebooks"
    outside.mkdir()
    with pytest.raises(KernelError, match="import another `istiolab`"):
        execute(outside, f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\nimport istiolab")
