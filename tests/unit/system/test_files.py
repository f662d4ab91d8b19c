from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import UsageError
from istiolab.system.files import (
    TAG_NAME,
    make_folder,
    make_owned_folder,
    remove_owned_folder,
    write_atomic,
    write_json,
)


@pytest.mark.parametrize(("content", "read"), [("é\n", b"\xc3\xa9\n"), (b"\x00\xff", b"\x00\xff")])
def test_text_is_written_as_utf8_and_bytes_as_they_are(
    tmp_path: Path, content: str | bytes, read: bytes
) -> None:
    write_atomic(tmp_path / "file", content)
    assert (tmp_path / "file").read_bytes() == read


def test_what_root_makes_belongs_to_the_owner_of_the_folder_that_it_lies_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() == 0:
        os.chown(tmp_path, 4321, 4321)
    owner, given = tmp_path.stat(), []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(
        os, "chown", lambda path, uid, gid, **_: given.append((Path(path).parent, uid, gid))
    )
    write_atomic(tmp_path / "file", "")
    make_folder(tmp_path / "new")
    assert given == [(tmp_path, owner.st_uid, owner.st_gid)] * 2
    make_folder(tmp_path / "new")
    assert len(given) == 2


@pytest.mark.parametrize("mode", [0o644, 0o600])
def test_file_has_the_mode_it_was_asked_for(tmp_path: Path, mode: int) -> None:
    write_atomic(tmp_path / "file", "", mode=mode)
    assert (tmp_path / "file").stat().st_mode & 0o777 == mode


def test_reader_of_the_old_file_goes_on_reading_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with path.open() as reader:
        write_atomic(path, "new")
        assert reader.read() == "old"
    assert path.read_text() == "new"


def test_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "file").write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(tmp_path / "file", "new")
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"file": "old"}


def test_target_that_is_a_folder_leaves_no_temporary_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        write_atomic(tmp_path / "folder", "new")
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(value=JSON)
def test_json_comes_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, value: object
) -> None:
    path = tmp_path_factory.getbasetemp() / "value.json"
    write_json(path, value)
    assert json.loads(path.read_text(encoding="utf-8")) == value


def test_equal_values_are_equal_files(tmp_path: Path) -> None:
    write_json(tmp_path / "a", {"x": 1, "é": 2})
    write_json(tmp_path / "b", {"é": 2, "x": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").read_text() == '{\n  "x": 1,\n  "é": 2\n}\n'


def test_new_folder_is_tagged_so_that_backups_skip_it(tmp_path: Path) -> None:
    folder = make_owned_folder(tmp_path / "a" / "b")
    # The first 43 bytes are what the Cache Directory Tagging Specification asks for.
    assert (folder / TAG_NAME).read_bytes()[:43] == b"Signature: 8a477f597d28d172789f06886806bc55"


def test_empty_folder_becomes_ours(tmp_path: Path) -> None:
    make_owned_folder(tmp_path)
    assert (tmp_path / TAG_NAME).is_file()


def test_our_folder_is_kept_with_its_content(tmp_path: Path) -> None:
    folder = make_owned_folder(tmp_path / "ours")
    (folder / "file").write_text("kept")
    make_owned_folder(folder)
    assert (folder / "file").read_text() == "kept"


def test_folder_with_somebody_elses_files_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("theirs")
    with pytest.raises(UsageError, match="holds files that istiolab did not make"):
        make_owned_folder(tmp_path)
    with pytest.raises(UsageError, match="was not made by istiolab") as caught:
        remove_owned_folder(tmp_path)
    assert caught.value.hint == f"delete it yourself if it is yours: `rm -r {tmp_path}`"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_our_folder_is_removed_with_all_in_it_and_again_without_complaint(tmp_path: Path) -> None:
    folder = make_owned_folder(tmp_path / "ours")
    (folder / "inner").mkdir()
    (folder / "inner" / "file").write_text("")
    remove_owned_folder(folder)
    assert not folder.exists()
    remove_owned_folder(folder)
