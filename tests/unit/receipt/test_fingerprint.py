from __future__ import annotations

from pathlib import Path

from istiolab.receipt.fingerprint import library_sha256


def library(folder: Path) -> Path:
    for name in ("__init__.py", "errors.py", "mesh/a.py", "mesh/assets/b.yaml", "system/c.py"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


def test_equal_files_have_equal_digests_wherever_they_lie(tmp_path: Path) -> None:
    assert library_sha256(library(tmp_path / "a")) == library_sha256(library(tmp_path / "b"))


def test_content_name_and_presence_of_a_file_each_change_the_digest(tmp_path: Path) -> None:
    root = library(tmp_path)
    seen = [library_sha256(root)]
    (root / "mesh/assets/b.yaml").write_text("other")
    seen.append(library_sha256(root))
    (root / "mesh/a.py").rename(root / "mesh/d.py")
    seen.append(library_sha256(root))
    (root / "probe").mkdir()
    (root / "probe/e.py").write_text("")
    seen.append(library_sha256(root))
    assert len(set(seen)) == len(seen)


def test_paper_side_lab_and_compiled_files_do_not_count(tmp_path: Path) -> None:
    root = library(tmp_path)
    before = library_sha256(root)
    for name in ("page/a.py", "lab/b.py", "mesh/__pycache__/a.pyc"):
        (root / name).parent.mkdir()
        (root / name).write_text("x")
    assert library_sha256(root) == before
