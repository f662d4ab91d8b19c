from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import istiolab
from istiolab.receipt.fingerprint import library_sha256
from istiolab.receipt.uses import helpers_sha256, manifests_sha256, reached

REPOSITORY = Path(__file__).parents[3]
NOTEBOOK = REPOSITORY / "notebooks/426-upgrade-required.ipynb"

FILES = {
    "__init__.py": """
        from importlib import import_module
        __all__ = ["Thing", "make"]
        _HOMES = {"mesh.make": ("make",), "mesh.thing": (*("Thing", "Other"), "Base")}
        _HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
        def __getattr__(name):
            return getattr(import_module(f"istiolab.{_HOME_OF[name]}"), name)
    """,
    "errors.py": "class ClusterError(Exception):\n    code = 4\n",
    "mesh/__init__.py": "",
    "mesh/make.py": '''
        """What makes things."""
        from __future__ import annotations
        from typing import TYPE_CHECKING
        from html import escape
        from istiolab.mesh import names
        from istiolab.mesh.thing import Thing
        if TYPE_CHECKING:
            from istiolab.probe.typed import Typed
        LIMIT = 3
        UNUSED = 4
        def make(count: int = 1) -> Typed:
            """Make one."""
            from istiolab.probe.late import late
            return _inner(count) if late() else None
        def _inner(count):
            return Thing(names.fresh(escape("a")), min(count, LIMIT))
        def unused():
            return UNUSED
    ''',
    "mesh/names.py": """
        def fresh(base):
            return base + '1'
        def stale(base):
            return base
    """,
    "mesh/thing.py": '''
        class Base:
            def shown(self):
                return 1
        class Thing(Base):
            """A thing."""
            size: int = 0
            """How big."""
            def __init__(self, name, size):
                self.name, self.size = name, size
            def _repr_html_(self):
                return self._html()
            def _html(self):
                return "a"
            @property
            def colour(self):
                return "red"
            def weight(self):
                return 5
            def apart(self):
                return 6
        class Other:
            def ask(self, thing):
                return thing.weight()
    ''',
    "probe/__init__.py": "",
    "probe/typed.py": "class Typed:\n    size = 1\n",
    "probe/late.py": "def late():\n    return True\n",
    "system/__init__.py": "",
}


def dedent(text: str) -> str:
    return "\n".join(line.removeprefix(" " * 8) for line in text.split("\n"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "istiolab" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    return tmp_path / "istiolab"


def edit(root: Path, name: str, old: str, new: str) -> None:
    path = root / name
    text = path.read_text()
    assert text.count(old) == 1, (name, old)
    path.write_text(text.replace(old, new))


def append(root: Path, name: str, text: str) -> None:
    path = root / name
    path.write_text(f"{path.read_text()}\n{dedent(text)}")


def changes(root: Path, cells: list[str], name: str, old: str, new: str) -> bool:
    """Tell whether an edit changes the digest; the edit is undone."""
    before, text = helpers_sha256(cells, root=root), (root / name).read_text()
    edit(root, name, old, new)
    after = helpers_sha256(cells, root=root)
    (root / name).write_text(text)
    assert helpers_sha256(cells, root=root) == before
    return after != before


MAKE = ["from istiolab import make\nmake()"]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("mesh/make.py", "count: int = 1", "count: int = 2"),
        ("mesh/make.py", "min(count", "max(count"),
        ("mesh/make.py", "LIMIT = 3", "LIMIT = 5"),
        ("mesh/make.py", "from html import escape", "from glob import escape"),
        ("mesh/names.py", "'1'", "'2'"),
        ("mesh/thing.py", "size: int = 0", "size: int = 1"),
        ("mesh/thing.py", "class Thing(Base)", "class Thing"),
        ("mesh/thing.py", "self.size = name, size", "self.size = name, 0"),
        ("mesh/thing.py", 'return "a"', 'return "b"'),
        ("probe/late.py", "True", "False"),
        ("__init__.py", "getattr(import_module", "setattr(import_module"),
    ],
)
def test_a_change_of_what_is_reached_changes_the_digest(
    root: Path, name: str, old: str, new: str
) -> None:
    assert changes(root, MAKE, name, old, new)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("mesh/make.py", "UNUSED = 4", "UNUSED = 5"),
        ("mesh/make.py", "return UNUSED", "return LIMIT"),
        ("mesh/names.py", "return base\n", "return base * 2\n"),
        ("mesh/thing.py", "return 5", "return 7"),
        ("mesh/thing.py", '"red"', '"blue"'),
        ("mesh/thing.py", "return thing.weight()", "return 0"),
        ("probe/typed.py", "size = 1", "size = 2"),
        ("errors.py", "4", "5"),
        ("__init__.py", '"Other"', '"Another"'),
    ],
)
def test_a_change_of_what_is_not_reached_does_not(
    root: Path, name: str, old: str, new: str
) -> None:
    assert not changes(root, MAKE, name, old, new)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("mesh/make.py", '"""Make one."""', "# no docstring any more"),
        ("mesh/make.py", "What makes things", "Other words"),
        ("mesh/make.py", "LIMIT = 3", "LIMIT = (\n    3  # at most\n)"),
        ("mesh/make.py", 'escape("a")', "escape('a')"),
        ("mesh/thing.py", "How big.", "How large."),
        ("mesh/thing.py", "A thing.", "Some thing."),
    ],
)
def test_words_about_the_code_and_its_spelling_do_not_count(
    root: Path, name: str, old: str, new: str
) -> None:
    assert not changes(root, MAKE, name, old, new)


@pytest.mark.parametrize(
    "use",
    [
        "make().weight()",
        "getattr(make(), 'weight')",
        "getattr(make(), some_name)",
        "print('{0.weight}'.format(make()))",
        "from operator import methodcaller\nmethodcaller('weight')(make())",
        "match make():\n    case Thing(weight=w): pass",
        "from istiolab import Other\nOther().ask(make())",
    ],
)
def test_a_method_is_reached_by_its_name(root: Path, use: str) -> None:
    cells = [*MAKE, use]
    assert changes(root, cells, "mesh/thing.py", "return 5", "return 7")
    assert not changes(root, MAKE, "mesh/thing.py", "return 5", "return 7")


def test_what_reaches_a_method_counts_only_where_it_is_reached_itself(root: Path) -> None:
    assert "istiolab.mesh.thing.Thing.apart" not in reached([*MAKE, "make().weight()"], root)
    names = reached(["from istiolab import Other\nOther().ask(None)"], root)
    assert [name for name in names if "mesh" in name] == [
        "istiolab.mesh.thing.Other",
        "istiolab.mesh.thing.Other.ask",
    ]


@pytest.mark.parametrize(
    "cell",
    [
        "import istiolab\nistiolab.make()",
        "import istiolab as lab\nlab.make()",
        "from istiolab.mesh.make import make",
        "import istiolab.mesh.make as maker\nmaker.make()",
        "import istiolab.mesh.make\nistiolab.mesh.make.make()",
        "from istiolab.mesh import make as maker\nmaker.make()",
        "def later():\n    from istiolab import make\n    return make()",
    ],
)
def test_each_way_to_import_reaches_the_same(root: Path, cell: str) -> None:
    assert reached([cell], root) == reached(MAKE, root)


@pytest.mark.parametrize(
    "cell",
    [
        "%matplotlib inline",
        "!ls",
        "%%bash\nls",
        "def",
        "null\0",
        "from istiolab import *",
        "from istiolab import nothing",
        "from istiolab.mesh import nothing",
        "import istiolab\nprint(istiolab)",
        "import istiolab\nistiolab.nothing()",
        "from istiolab.mesh import names\ngetattr(names, 'fresh')",
        "from istiolab.mesh import names\nfor names in (names,): pass",
        "import importlib\nimportlib.import_module('istiolab.mesh.make')",
        "exec('import istiolab')",
        "get_ipython().run_line_magic('run', 'x.py')",
    ],
)
def test_where_the_cells_do_not_tell_the_whole_library_counts(root: Path, cell: str) -> None:
    assert helpers_sha256([*MAKE, cell], root=root) == library_sha256(root)
    (line,) = reached([*MAKE, cell], root)
    assert line.startswith("the whole library: ")


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("mesh/names.py", "def stale", "def fresh(:\n\ndef stale"),
        ("mesh/make.py", "import Thing", "import Thing, Lost"),
        ("mesh/make.py", "names.fresh(", "names.lost("),
        ("mesh/make.py", "names.fresh(", "names("),
        ("mesh/make.py", "min(count", "globals()[count](count"),
        ("mesh/thing.py", "class Base:", "class Base:\n    def __init_subclass__(cls): pass"),
        ("mesh/thing.py", "class Base:", "class Base(metaclass=Kind):"),
        ("mesh/make.py", "from html import escape", "from istiolab.mesh.names import *"),
        ("__init__.py", '{"mesh.make": ("make",), ', "{**other, "),
    ],
)
def test_where_the_library_does_not_tell_all_of_it_counts(
    root: Path, name: str, old: str, new: str
) -> None:
    edit(root, name, old, new)
    assert helpers_sha256(MAKE, root=root) == library_sha256(root)


def test_what_else_runs_at_the_import_counts_even_in_modules_that_are_only_loaded(
    root: Path,
) -> None:
    append(root, "mesh/names.py", "TABLE = {}\nTABLE['a'] = stale('b')\n")
    assert changes(root, MAKE, "mesh/names.py", "'a'", "'c'")
    assert changes(root, MAKE, "mesh/names.py", "return base\n", "return base * 2\n")
    # Other imports mesh.thing, which imports nothing.
    other = ["from istiolab import Other"]
    assert not changes(root, other, "mesh/names.py", "'a'", "'c'")


def test_what_a_decorator_of_ours_may_register_counts(root: Path) -> None:
    text = """
        KNOWN = []
        def known(f):
            KNOWN.append(f)
            return f
        @known
        def one():
            return 1
    """
    append(root, "mesh/names.py", text)
    assert changes(root, MAKE, "mesh/names.py", "return 1", "return 2")
    edit(root, "mesh/names.py", "@known", "@staticmethod")
    assert not changes(root, MAKE, "mesh/names.py", "return 1", "return 2")


def test_definitions_in_branches_count(root: Path) -> None:
    text = """
        try:
            import fast
        except ImportError:
            def fresh(base):
                return base + '9'
    """
    (root / "mesh/names.py").write_text(dedent(text))
    assert changes(root, MAKE, "mesh/names.py", "'9'", "'8'")


def test_a_base_of_another_package_may_call_any_method(root: Path) -> None:
    old, new = "return 6", "return 7"
    assert not changes(root, MAKE, "mesh/thing.py", old, new)
    edit(root, "mesh/thing.py", "class Base:", "from threading import Thread\nclass Base(Thread):")
    assert changes(root, MAKE, "mesh/thing.py", old, new)


def test_a_name_that_is_imported_on_leads_to_its_definition(root: Path) -> None:
    (root / "mesh/__init__.py").write_text("from istiolab.mesh.names import fresh as new\n")
    cells = ["from istiolab.mesh import new"]
    assert changes(root, cells, "mesh/names.py", "'1'", "'2'")
    assert changes(root, cells, "mesh/__init__.py", "import fresh as", "import stale as")
    (root / "mesh/__init__.py").write_text("from .names import fresh as new\n")
    assert changes(root, cells, "mesh/names.py", "'1'", "'2'")
    (root / "mesh/__init__.py").write_text("from istiolab.mesh.names import new\n")
    (root / "mesh/names.py").write_text("from istiolab.mesh import new\n")
    assert helpers_sha256(cells, root=root) == library_sha256(root)


def test_a_local_name_may_be_that_of_a_module(root: Path) -> None:
    body = "    names = {}\n    names.get(1)\n    return [names, UNUSED]"
    edit(root, "mesh/make.py", "    return UNUSED", body)
    names = reached(["from istiolab.mesh.make import unused"], root)
    assert names[-2:] == ("istiolab.mesh.make.UNUSED", "istiolab.mesh.make.unused")


def test_data_files_of_the_room_count_where_a_reached_module_reads_some(root: Path) -> None:
    (root / "mesh/assets").mkdir()
    (root / "mesh/assets/a.yaml").write_text("a: 1")
    assert not changes(root, MAKE, "mesh/assets/a.yaml", "1", "2")
    edit(root, "mesh/names.py", "def fresh", "from importlib.resources import files\ndef fresh")
    assert changes(root, MAKE, "mesh/assets/a.yaml", "1", "2")
    other = ["from istiolab import Other"]
    assert not changes(root, other, "mesh/assets/a.yaml", "1", "2")


@given(order=st.permutations(["from istiolab import Other, make", "make().weight()", "x = 1"]))
def test_the_order_of_cells_and_what_else_they_do_change_nothing(order: list[str]) -> None:
    expected = helpers_sha256(["from istiolab import make, Other\nmake().weight"], root=None)
    assert helpers_sha256(order, root=None) == expected


# The real package.


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copied") / "istiolab"
    ignored = shutil.ignore_patterns("__pycache__", "assets")
    return Path(shutil.copytree(Path(istiolab.__file__).parent, folder, ignore=ignored))


def cells_of(path: Path) -> list[str]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


VERSIONS = ["from istiolab import connect\n\nmesh = connect()\nmesh.versions"]


def test_the_matrix_counts_for_its_notebook_and_not_for_one_that_only_connects(
    copied: Path,
) -> None:
    fill = (
        "probe/matrix.py",
        "    with ThreadPoolExecutor(",
        "    print()\n    with ThreadPoolExecutor(",
    )
    assert changes(copied, cells_of(NOTEBOOK), *fill)
    assert not changes(copied, VERSIONS, *fill)


def test_every_helper_counts_for_itself(copied: Path) -> None:
    connect = ("mesh/client.py", "server=self.address)", "server=str(kubeconfig))")
    send = ("probe/send.py", "parts.port or 80", "parts.port or 8080")
    evidence = ("mesh/evidence.py", "\ndef ", "\ndef more_")
    found = {
        what[0]: [changes(copied, cells, *what) for cells in (cells_of(NOTEBOOK), VERSIONS)]
        for what in (connect, send)
    }
    assert found == {"mesh/client.py": [True, True], "probe/send.py": [True, False]}
    text = (copied / evidence[0]).read_text()
    before = helpers_sha256(cells_of(NOTEBOOK), root=copied)
    (copied / evidence[0]).write_text(text.replace(evidence[1], evidence[2]))
    assert helpers_sha256(cells_of(NOTEBOOK), root=copied) == before
    (copied / evidence[0]).write_text(text)


def test_a_notebook_that_only_connects_reaches_nothing_of_the_probe() -> None:
    names = reached(VERSIONS)
    assert "istiolab.mesh.session.Mesh.versions" in names
    assert not [name for name in names if name.startswith("istiolab.probe")]


@pytest.mark.parametrize("name", istiolab.__all__)
def test_every_public_name_is_clear(name: str) -> None:
    names = reached([f"from istiolab import {name}"])
    assert any(each.endswith(f".{name}") for each in names)


def test_the_digests_are_those_of_the_text_wherever_and_by_whomever_they_are_taken(
    copied: Path,
) -> None:
    code = (
        "import json, sys; from pathlib import Path\n"
        "from istiolab.receipt.uses import helpers_sha256, manifests_sha256\n"
        "cells, *paths = json.load(sys.stdin)\n"
        "root, folder = map(Path, paths)\n"
        "print(helpers_sha256(cells, root=root), manifests_sha256(cells, folder=folder))"
    )
    package = Path(istiolab.__file__).parent
    cells, seen = cells_of(NOTEBOOK), set()
    for seed, root in (("1", package), ("2", copied)):
        done = subprocess.run(
            [sys.executable, "-c", code],
            input=json.dumps([cells, str(root), str(NOTEBOOK.parent)]),
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(package.parent)},
            check=True,
            capture_output=True,
            text=True,
        )
        seen.add(tuple(done.stdout.split()))
    assert seen == {(helpers_sha256(cells), manifests_sha256(cells, folder=NOTEBOOK.parent))}


# Manifests.


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        *("manifests/426/a.yaml", "manifests/426/b.yaml", "manifests/x.yaml", "manifests/a b.yaml"),
        *("receipts/one.json", "one.ipynb", "data.json"),
    ):
        path = tmp_path / "home" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "home"


def counted(cell: str, folder: Path) -> list[str]:
    """Return the files whose content changes the digest."""
    found = []
    before = manifests_sha256([cell], folder=folder)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        text = path.read_text()
        path.write_text(f"{text} changed")
        if manifests_sha256([cell], folder=folder) != before:
            found.append(path.relative_to(folder).as_posix())
        path.write_text(text)
    return found


A, B, X, SPACED = (
    *("manifests/426/a.yaml", "manifests/426/b.yaml", "manifests/x.yaml", "manifests/a b.yaml"),
)


@pytest.mark.parametrize(
    ("cell", "files"),
    [
        ("demo.apply('manifests/426/a.yaml')", [A]),
        ("demo.apply('./manifests/426/a.yaml')", [A]),
        ("demo.apply('manifests/../manifests/426/a.yaml')", [A]),
        ("demo.apply('manifests/a b.yaml')", [SPACED]),
        ("demo.kubectl('patch x --patch-file manifests/x.yaml')", [X]),
        (
            "demo.kubectl('patch x --patch-file=manifests/x.yaml -f \"data.json\"')",
            ["data.json", X],
        ),
        ("demo.kubectl('apply -fmanifests/x.yaml')", [X]),
        ("demo.kubectl(f'apply -f manifests/x.yaml -n {demo.name}')", [X]),
        ("demo.kubectl('apply -f manifests/426')", [A, B]),
        ("demo.kubectl('apply -f manifests/426/')", [A, B]),
        ("demo.apply(f'manifests/426/{name}.yaml')", [A, B]),
        ("demo.apply(f'manifests/426/a{which}.yaml')", [A, B]),
        ("Path('manifests/426').glob('*.yaml')", [A, B]),
        ("Path('manifests') / '426' / 'a.yaml'", [A, B, SPACED, X]),
        ("demo.kubectl('apply -R -f .')", ["data.json", A, B, SPACED, X]),
        ("Path('receipts/one.json')", ["receipts/one.json"]),
        ("f'{name}.{namespace}'", []),
        ("url = demo.url('a', '/test')\nopen('../other.yaml'); '..'; '.'; '/'; ''", []),
        ("# manifests/x.yaml\nmanifests = 1", []),
        ("'x' * 5, '" + "y" * 5000 + "', 'a\\0b'", []),
        ("!kubectl apply -f manifests/x.yaml", [X]),
        ("%%bash\nkubectl apply -f 'manifests/x.yaml'", [X]),
    ],
)
def test_the_files_that_cells_name_count(cell: str, files: list[str], folder: Path) -> None:
    assert counted(cell, folder) == sorted(files)


def test_an_absolute_path_below_the_folder_is_such_a_name(folder: Path) -> None:
    assert counted(f"open('{folder}/manifests/426/a.yaml')", folder) == [A]


def test_names_and_presence_count_and_the_place_of_the_folder_does_not(folder: Path) -> None:
    cells = ["demo.kubectl('apply -f manifests/426')"]
    seen = [manifests_sha256(cells, folder=folder)]
    folder = folder.rename(folder.with_name("other"))
    assert manifests_sha256(cells, folder=folder) == seen[0]
    (folder / A).rename(folder / "manifests/426/c.yaml")
    seen.append(manifests_sha256(cells, folder=folder))
    (folder / "manifests/426/d.yaml").write_text("")
    seen.append(manifests_sha256(cells, folder=folder))
    assert len(set(seen)) == len(seen)


@given(before=st.text(), after=st.text())
def test_a_name_counts_whatever_stands_around_it_in_a_string(before: str, after: str) -> None:
    home = NOTEBOOK.parent
    name = "manifests/426/backend.yaml"
    none = manifests_sha256([], folder=home)
    assert manifests_sha256([f"x = {before + name + after!r}"], folder=home) != none
