from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from istiolab.lab.images import ImageArchive
from istiolab.lab.store import containerd_config, ensure_store, link_store
from istiolab.system.progress import SILENT


def test_containerd_that_only_imports_makes_no_folder_on_the_host() -> None:
    text = containerd_config(root=Path("/store"), pause="3.10.1")
    assert "@" not in text
    table = tomllib.loads(text)
    assert table["root"] == "/store"
    # It makes this folder if it is not there; /run is its own when it imports.
    conf = table["plugins"]["io.containerd.cri.v1.runtime"]["cni"]["conf_dir"]
    assert Path(conf).is_relative_to("/run")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    store = tmp_path / "store"
    (store / "layers" / "1").mkdir(parents=True)
    (store / "layers" / "1" / "file").write_text("layer")
    (store / "layers" / "1" / "link").symlink_to("file")
    (store / "meta.db").write_text("database")
    return store


def test_labs_layers_are_links_and_its_databases_its_own(store: Path, tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    link_store(store, lab)
    assert (lab / "layers/1/file").samefile(store / "layers/1/file")
    assert (lab / "layers/1/link").is_symlink()
    assert not (lab / "meta.db").samefile(store / "meta.db")
    (lab / "meta.db").write_text("changed by the lab")
    assert (store / "meta.db").read_text() == "database"
    assert sorted(p.name for p in lab.iterdir()) == ["layers", "meta.db"]


def test_store_that_is_there_is_not_made_again(tmp_path: Path) -> None:
    archive = ImageArchive(path=tmp_path / "images" / "abc" / "images.tar", digests={})
    (tmp_path / "stores" / "abc").mkdir(parents=True)
    # Neither the archive nor any program is there: making it would fail.
    found = ensure_store(archive, programs={}, pause="", cache=tmp_path, reporter=SILENT)
    assert found == tmp_path / "stores" / "abc"
