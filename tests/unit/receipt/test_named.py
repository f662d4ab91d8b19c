"""What counts of the files beside a notebook, and elsewhere, where no name of a file is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import HostError
from istiolab.receipt.fingerprint import code_of
from istiolab.receipt.named import named_files
from istiolab.receipt.source import parse
from istiolab.receipt.spelling import bindings, spell, spelled
from istiolab.receipt.uses import manifests_sha256
from tests.unit.notebook.build import code, write
from tests.unit.receipt.test_beside import counted_in

NOTEBOOKS = Path(__file__).parents[3] / "notebooks"
A, B, X = "manifests/426/a.yaml", "manifests/426/b.yaml", "manifests/x.yaml"
WHOLE = sorted(("data.json", "top.yaml", A, B, X))
SHARED = ("../shared/b.yaml", "../shared/deep/c.yaml")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    aside = ("receipts/one.json", "one.ipynb", ".hidden.yaml", ".git/x.yaml", "sub/receipts/x.json")
    for name in (*WHOLE, *SHARED, *aside, "__pycache__/x.yaml", "reports/CACHEDIR.TAG"):
        path = tmp_path / "home" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "home" / "reports" / "failure.txt").write_text("no")
    return tmp_path / "home"


@pytest.mark.parametrize(
    "cell",
    [
        "Path('.').glob('*.yaml')",
        "Path().iterdir()",
        "for path in here.rglob('*.yaml'): apply(path)",
        "os.listdir()",
        "os.listdir('.')",
        "from os import listdir as ls\nls()",
        "list(map(os.scandir, folders))",
        "import glob\nglob.glob(pattern)",
        "apply(f'{n}.yaml')",
        "apply(f'./{n}.yaml')",
        "apply(f'{folder}/a.yaml')",
        "apply(name + '.yaml')",
        "apply(name + '-v2.yaml')",
        "apply('%s.yaml' % name)",
        "apply('{}.yaml'.format(name))",
        "apply(here.with_suffix('.yaml'))",
        "run('kubectl apply -f *.yaml', shell=True)",
        "run('kubectl apply -f $NAME.yaml', shell=True)",
        "run(['kubectl', 'apply', '-f', '.'])",
        "run(['kubectl', 'apply', '-f', './'])",
        "here = '.'",
        "!kubectl apply -f *.yaml",
        "!kubectl apply -f {n}.yaml",
        "!cat ./*",
        "%time for path in here.glob('*'): apply(path)",
    ],
)
def test_all_that_lies_beside_counts_where_code_does_not_say_which(cell: str, home: Path) -> None:
    assert counted_in(cell, home) == WHOLE


@pytest.mark.parametrize(
    ("cell", "files"),
    [
        ("Path('manifests/426').glob('*.yaml')", [A, B]),
        ("glob.glob('manifests/426/*.yaml')", [A, B]),
        ("from glob import glob\nglob('manifests/426/*.yaml')", [A, B]),
        ("os.listdir('manifests/426')", [A, B]),
        ("os.walk('manifests')", [A, B, X]),
        ("M = Path('manifests/426')\nsorted(M.iterdir())", [A, B]),
        ("M = Path('manifests/426')\napply(M / f'{n}.yaml')", [A, B]),
        ("M = Path('manifests/426')\napply(f'-f {M}/a.yaml')", [A, B]),
        ("M = Path('manifests')\nN = M / '426'\napply(f'{N}/{n}.yaml')", [A, B, X]),
        ("M = Path('manifests/426')\nM = other()\napply(M / f'{n}.yaml')", WHOLE),
        ("M = 'manifests'\ndef M(): ...\napply(f'{M}/a.yaml')", WHOLE),
        ("M = 'manifests'\ntry: ...\nexcept E as M: apply(f'{M}/a.yaml')", WHOLE),
        ("Path('manifests/426/a.yaml').parent.glob('*')", WHOLE),
        ("Path('manifests') / f'{n}.yaml'", [A, B, X]),
        ("f'http://{host}/x.json'", []),
        ("f'https://example.com/{n}.json'", []),
        ("'.'.join(names); name.split('.'); '.' in name; f'{a}.{b}'; a + '.'", []),
        ("print('.', end='.')\nname.replace('.', '-')", []),
        ("hosts = ['*', '*.example.com', '**', 'a ? b']", []),
        ("MANIFESTS / 'a.yaml'", []),
        ("glob = 1", []),
        ("import glob, os\nfrom os import listdir", []),
        ("os.listdir('/var/nowhere')", []),
    ],
)
def test_what_names_a_folder_or_no_file_at_all_takes_no_more_than_that(
    cell: str, files: list[str], home: Path
) -> None:
    assert counted_in(cell, home) == sorted(files)


@pytest.mark.parametrize(
    ("cell", "files"),
    [
        ("apply('../shared/b.yaml')", SHARED[:1]),
        ("apply('./../shared/b.yaml')", SHARED[:1]),
        ("apply('manifests/../../shared/b.yaml')", SHARED[:1]),
        ("kubectl('apply -f ../shared/b.yaml')", SHARED[:1]),
        ("kubectl('apply -f../shared/b.yaml')", SHARED[:1]),
        ("apply(Path('..') / 'shared' / 'b.yaml')", SHARED[:1]),
        ("kubectl('apply -f ../shared')", SHARED),
        ("apply(f'../shared/{n}.yaml')", SHARED),
        ("Path('../shared').glob('*.yaml')", SHARED),
        ("apply('../home/top.yaml')", ["top.yaml"]),
        ("!kubectl apply -f ../shared/b.yaml", SHARED[:1]),
        ("apply('../shared/none.yaml')", SHARED),
        ("'..', '../', '../..'", []),
    ],
)
def test_a_file_elsewhere_that_code_names_counts_by_its_content(
    cell: str, files: list[str], home: Path
) -> None:
    assert counted_in(cell, home) == sorted(files)


def test_an_absolute_path_counts_if_it_is_that_of_a_manifest_and_it_is_there(home: Path) -> None:
    place = home.parent / "shared" / "b.yaml"
    assert counted_in(f"apply('{place}')", home) == ["../shared/b.yaml"]
    assert counted_in(f"kubectl('apply -f {place}')", home) == ["../shared/b.yaml"]
    nothing = manifests_sha256([], folder=home)
    # That of a container, most likely: the same here is another thing on each machine.
    assert manifests_sha256(["cat('/etc/hosts')"], folder=home) == nothing
    assert manifests_sha256(["apply('/none/x.yaml')"], folder=home) == nothing


def test_a_file_that_is_named_elsewhere_counts_from_when_it_is_there(home: Path) -> None:
    cells = ["apply('../other/x.yaml')"]
    before = manifests_sha256(cells, folder=home)
    (home.parent / "other").mkdir()
    (home.parent / "other" / "x.yaml").touch()
    assert manifests_sha256(cells, folder=home) != before


def test_what_lies_behind_a_link_counts_and_links_that_lead_back_come_to_an_end(home: Path) -> None:
    (home / "linked").symlink_to(home.parent / "shared")
    (home / "manifests" / "back").symlink_to(home)
    (home / "manifests" / "up").symlink_to(home.parent)
    (home.parent / "shared" / "deep" / "round").symlink_to(home.parent / "shared")
    (home / "gone").symlink_to(home / "nowhere")
    assert counted_in("apply('linked/b.yaml')", home) == ["../shared/b.yaml"]
    assert counted_in("kubectl('apply -f linked')", home) == sorted(SHARED)
    assert counted_in("os.listdir()", home) == sorted((*WHOLE, *SHARED))


def test_a_package_behind_a_link_counts_with_all_that_it_imports(home: Path) -> None:
    package = home.parent / "pk"
    package.mkdir()
    (package / "mod.py").write_text("from . import near\nfrom helpers.far import x\n")
    (package / "near.py").write_text("")
    (package / "far.py").write_text("x = 1")
    (home / "helpers").symlink_to("../pk")
    path = write(home, code("from helpers import mod"), name="mine")
    for changed in ("mod.py", "near.py", "far.py"):
        before = manifests_sha256(code_of(path), folder=home)
        (package / changed).write_text((package / changed).read_text() + "\ny = 2\n")
        assert manifests_sha256(code_of(path), folder=home) != before, changed


def test_a_file_that_cannot_be_read_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_self: Path) -> bytes:
        raise PermissionError("no")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(HostError, match=r"top\.yaml` cannot be read"):
        manifests_sha256(["apply('top.yaml')"], folder=home)


def test_a_name_that_is_no_text_counts_as_any(home: Path) -> None:
    (home / "b\udcff.yaml").write_text("a")
    before = manifests_sha256(["os.listdir()"], folder=home)
    (home / "b\udcff.yaml").write_text("b")
    assert manifests_sha256(["os.listdir()"], folder=home) != before


# But for `architecture`: a text in it, "virtual_hosts[0].", has a dot standing alone.
PLAIN = sorted(path for path in NOTEBOOKS.glob("*.ipynb") if path.stem != "architecture")


@pytest.mark.parametrize("path", PLAIN, ids=lambda path: path.stem)
def test_of_a_published_notebook_its_own_manifests_count_and_no_other_file(path: Path) -> None:
    found = named_files(code_of(path), NOTEBOOKS)
    own = f"manifests/{path.stem.removesuffix('-upgrade-required')}/"
    assert found
    assert [name for name in found if not name.startswith(own)] == []


def test_of_code_that_is_nested_too_deeply_to_follow_any_file_may_count(home: Path) -> None:
    deep = ["x = " + "+".join(["'a'"] * 400)]
    assert manifests_sha256(deep, folder=home) == manifests_sha256(["'.yaml'"], folder=home)


# Any code, whatever it is: it is told apart without being run.

NAMES = st.sampled_from(["a", "b", "Path", "M"])
TEXTS = st.sampled_from(["manifests", "426", "a.yaml", "*.yaml", "..", ".", "/", "{}", "%s"])
EXPRESSIONS = st.recursive(
    NAMES | TEXTS.map(repr),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda two: f"({two[0]} + {two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} / {two[1]})"),
        inner.map(lambda one: f"Path({one})"),
        inner.map(lambda one: f"Path({one}).glob('*.yaml')"),
        NAMES.map(lambda one: f"f'{{{one}}}.yaml'"),
    ),
    max_leaves=6,
)


@given(values=st.lists(st.tuples(NAMES, EXPRESSIONS), max_size=4))
def test_whatever_is_put_together_has_a_digest_and_names_stand_for_one_thing(
    values: list[tuple[str, str]],
) -> None:
    cells = [f"{name} = {value}" for name, value in values]
    assert manifests_sha256(cells, folder=NOTEBOOKS) == manifests_sha256(cells, folder=NOTEBOOKS)
    known = bindings([parse(cell, "a cell") for cell in cells])
    assert "*" not in known.values()
    assert known.keys() <= {name for name, _ in values}


@given(parts=st.lists(st.text(alphabet="ab/._-", min_size=1), min_size=1, max_size=4))
def test_a_text_is_spelled_alike_however_it_is_put_together(parts: list[str]) -> None:
    added = parse(" + ".join(repr(each) for each in parts), "a cell")
    assert [*spelled(added, {})] == ["".join(parts)]
    divided = parse(" / ".join(f"Path({each!r})" for each in parts), "a cell").body[0]
    joined = parse(f"Path({', '.join(repr(each) for each in parts)})", "a cell").body[0]
    first, second = (getattr(each, "value", each) for each in (divided, joined))
    assert spell(first, {}) == spell(second, {}) == "/".join(parts)
