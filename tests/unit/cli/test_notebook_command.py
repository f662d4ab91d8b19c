from __future__ import annotations

from pathlib import Path

from istiolab.cli.notebook_command import copy_notebooks
from tests.unit.notebook.build import code, write


def tree(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))


def lay(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\x00\xff")


def test_a_notebook_is_copied_with_all_files_beside_it_as_they_are(tmp_path: Path) -> None:
    home, work = tmp_path / "notebooks", tmp_path / "work"
    lay(home, "helper.py", "data.bin", "manifests/a.yaml", "part/deep/b.txt")
    (home / "helper.py").chmod(0o755)
    said = {"output_type": "stream", "name": "stdout", "text": "some output"}
    made = copy_notebooks([write(home, code("1", outputs=[said]))], work)
    assert made == (work / "some.ipynb",)
    assert tree(work) == [
        *("data.bin", "helper.py", "manifests/a.yaml", "part/deep/b.txt", "some.ipynb"),
    ]
    assert (work / "data.bin").read_bytes() == b"\x00\xff"
    assert (work / "helper.py").stat().st_mode & 0o777 == 0o755
    assert "some output" not in (work / "some.ipynb").read_text()


def test_what_does_not_belong_to_a_notebook_is_not_copied(tmp_path: Path) -> None:
    lay(
        tmp_path,
        *("other.ipynb", "receipts/other.json", "receipts/ledger.jsonl", "._some.ipynb", ".env"),
        *(".ipynb_checkpoints/some-checkpoint.ipynb", "__pycache__/helper.pyc", "helper.py"),
        *("reports/CACHEDIR.TAG", "reports/some/executed.txt", "env/pyvenv.cfg", "env/bin/a.py"),
        *("part/.hidden/a.txt", "work/older.txt"),
    )
    copy_notebooks([write(tmp_path, code("1"))], tmp_path / "work")
    assert tree(tmp_path / "work") == ["helper.py", "older.txt", "some.ipynb"]


def test_what_is_in_the_folder_already_stays_as_it_is(tmp_path: Path) -> None:
    lay(tmp_path / "notebooks", "helper.py")
    (tmp_path / "helper.py").write_text("mine")
    made = copy_notebooks([write(tmp_path / "notebooks", code("1"))], tmp_path)
    assert made == (tmp_path / "some.ipynb",)
    assert (tmp_path / "helper.py").read_text() == "mine"
