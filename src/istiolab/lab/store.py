"""containerd's image store, made once for each set of images and handed to labs as hard links.

A store in the cache is never used by a lab itself: each lab gets a copy whose layers are hard links
(they are only ever read) and whose databases are real copies. So a lab always begins with the
images and without old containers, whatever became of the lab before it.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from istiolab.errors import LabError
from istiolab.lab.images import ImageArchive
from istiolab.lab.pins import asset_text
from istiolab.system.command import check, run
from istiolab.system.environment import Audience, environment_for
from istiolab.system.process import end_process, is_alive, run_logged, start_detached
from istiolab.system.progress import Reporter
from istiolab.system.retry import Answer, wait_until


def containerd_config(
    *, root: Path, pause: str, cni_bin: Path | None = None, cni_conf: Path | None = None
) -> str:
    """Return containerd's configuration with its store at `root`."""
    text = asset_text("containerd.toml")
    # containerd makes the folder of the network's configuration: without one, below /run, which is
    # memory of its own wherever containerd is started.
    for name, value in {
        "@ROOT@": _quoted(root),
        "@PAUSE@": pause,
        "@CNI_BIN@": _quoted(cni_bin or "/run/no-cni"),
        "@CNI_CONF@": _quoted(cni_conf or "/run/no-cni"),
    }.items():
        text = text.replace(name, value)
    return text


def _quoted(path: Path | str) -> str:
    # A string of JSON is one of TOML, if no character is written as a pair of surrogates.
    return json.dumps(str(path), ensure_ascii=False)


def store_folder(cache: Path, images: Path) -> Path:
    """Return where the store of the images in the folder `images` lies when it is made."""
    return cache / "stores" / images.name


def ensure_store(
    archive: ImageArchive,
    *,
    programs: Mapping[str, Path],
    pause: str,
    cache: Path,
    reporter: Reporter,
) -> Path:
    """Import the images into a store in the cache unless it is there; return its folder.

    Raises:
        LabError: containerd did not start, or refused the images.
    """
    store = store_folder(cache, archive.path.parent)
    if store.is_dir():
        return store
    partial = store.with_name(f".{store.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    config = partial.with_suffix(".toml")
    config.write_text(containerd_config(root=partial, pause=pause), encoding="utf-8")
    log = cache / "logs" / "import.log"
    log.unlink(missing_ok=True)
    with reporter.step("import the images", estimate_seconds=12) as step:
        run_logged(
            [
                # --kill-child: the importer's containerd goes with its namespace.
                *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
                *(sys.executable, "-m", "istiolab.lab.store"),
                *(str(programs["containerd"]), str(config), str(archive.path), str(log)),
            ],
            log=log,
            on_line=lambda line: step.detail(line[:60]),
        )
    config.unlink()
    partial.rename(store)
    return store


def link_store(store: Path, target: Path) -> None:
    """Make `target` a store of its own with the content of `store`.

    Raises:
        LabError: the copy failed.
    """
    linked = run(["cp", "-al", str(store), str(target)], timeout_seconds=300)
    if linked.exit_code != 0:
        # Another file system: links cannot reach it, so the bytes are copied.
        shutil.rmtree(target, ignore_errors=True)
        check(["cp", "-a", str(store), str(target)], timeout_seconds=600)
    for database in target.rglob("*.db"):
        copy = database.with_suffix(".copy")
        shutil.copyfile(database, copy)
        copy.replace(database)


def _import(containerd: Path, config: Path, archive: Path, log: Path) -> None:
    """Run containerd for as long as it takes to import the archive; in namespaces of our own."""
    check(["mount", "-t", "tmpfs", "tmpfs", "/run"])
    path = environment_for(Audience.NODE, {"PATH": f"{containerd}:/usr/sbin:/usr/bin:/sbin:/bin"})
    pid = start_detached(
        [str(containerd / "containerd"), "--config", str(config)], log=log, environment=path
    )
    ctr = [str(containerd / "ctr"), "--namespace", "k8s.io"]

    def look() -> Answer:
        done = run([*ctr, "version"], environment=path).exit_code == 0
        return Answer(done=done, hopeless=not is_alive(pid))

    up = wait_until(look, timeout_seconds=30)
    if not up.done:
        raise LabError("containerd did not start", log=log)
    check(
        [*ctr, "images", "import", "--local", "--discard-unpacked-layers", str(archive)],
        timeout_seconds=900,
        environment=path,
    )
    end_process(pid, grace_seconds=20)


if __name__ == "__main__":
    _import(*(Path(argument) for argument in sys.argv[1:5]))
