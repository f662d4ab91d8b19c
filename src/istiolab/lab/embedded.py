"""The provider that stands the whole cluster up on this machine."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic

import psutil

from istiolab.errors import HostError, LabError, UsageError
from istiolab.lab import host, kernel
from istiolab.lab.artifacts import (
    BUILD_DISK_BYTES,
    ensure_programs,
    missing_builds,
    plan_builds,
    program_folders,
)
from istiolab.lab.bringup import Bringup
from istiolab.lab.folders import cache_folder, state_folder
from istiolab.lab.holding import HELD
from istiolab.lab.images import ImageArchive, ensure_images, image_key
from istiolab.lab.network import Link, choose_link, host_routes
from istiolab.lab.node import (
    end_node,
    find_inits,
    new_group_name,
    running_nodes,
    start_node,
    write_configuration,
)
from istiolab.lab.oci import image_ids
from istiolab.lab.pins import asset_text, asset_texts, load_pins
from istiolab.lab.spec import (
    Lab,
    NodePaths,
    NodeSpec,
    demand_bareness,
    demand_provider,
    link_fields,
    read_lab,
)
from istiolab.lab.steps import BARE_STEPS, STEPS
from istiolab.lab.store import ensure_store, link_store, store_folder
from istiolab.system.files import make_owned_folder, remove_owned_folder, write_atomic
from istiolab.system.lock import locked
from istiolab.system.process import is_alive
from istiolab.system.progress import Reporter

_KEPT_WHEN_DOWN = {"log", "CACHEDIR.TAG", "lock", HELD}
_LINKS_BUSY = "another lab is being joined to this machine"
_BUSY = "{} is being worked on by another `istiolab`"


class EmbeddedProvider:
    """A single-node cluster in namespaces of this machine, made from pinned parts."""

    def __init__(self, name: str, *, keep: bool = False, bare: bool = False) -> None:
        self.name = name
        self._keep = keep
        self._bare = bare
        self._paths = NodePaths(root=state_folder(name))
        self._cache = cache_folder()
        self._pins = load_pins()

    def up(self, reporter: Reporter) -> Lab:
        """Bring the lab up, or find it up.

        Raises:
            UsageError: the name belongs to somebody else's cluster, to a lab with another state
                folder, or to a lab that is bare where this one is not to be, or the other way
                round.
            HostError: this machine cannot; every reason is listed.
            LabError: a build or a step failed; what was begun is taken down again.
        """
        demand_provider(self._paths.record, "embedded")
        if self.find() is None:
            self.check_host(reporter)
        with self._locked(reporter):
            running = self.find()
            if running is not None:
                return self._same_or_error(running, reporter)
            self._demand_free_name()
            seconds: dict[str, float] = {}
            with _timed(seconds, "programs and images"):
                programs, store = self.ensure_parts(reporter)
            end_node(self._paths)
            try:
                return self._bring_up(programs, store, seconds, reporter)
            except BaseException as failed:
                if not (self._keep and isinstance(failed, LabError)):
                    end_node(self._paths)
                    self._clear_state()
                raise

    def down(self, reporter: Reporter) -> bool:
        """Take the lab down and leave the machine as it was; the logs stay.

        Returns:
            Whether anything was up.

        Raises:
            HostError: it is up, and we are not root.
        """
        if find_inits(self._paths.root) and os.geteuid() != 0:
            raise HostError(
                f"lab `{self.name}` runs as root, and only root can end it",
                hint=f"`sudo {Path(sys.argv[0])} down --name {self.name}`",
            )
        if not self._paths.root.exists() and not find_inits(self._paths.root):
            return False
        with self._locked(reporter), reporter.step("down", estimate_seconds=2):
            was_up = end_node(self._paths)
            self._clear_state()
        return was_up

    def forget(self) -> None:
        """Delete the state folder of a lab that is down, its logs included."""
        remove_owned_folder(self._paths.root)

    def find(self) -> Lab | None:
        """Return the lab if it is up: its record is there, and its init is the one recorded."""
        lab = read_lab(self._paths.record)
        if lab is None or not is_alive(lab.pid):
            return None
        started = psutil.Process(lab.pid).create_time()
        return lab if abs(started - lab.pid_started) < 1 else None

    def check_host(self, reporter: Reporter) -> None:
        """Install what is missing and can be installed; refuse what cannot be mended.

        Raises:
            HostError: what is missing, all of it, each with its remedy.
        """
        found = self.problems()
        packages = [problem.package for problem in found if problem.package]
        if packages and all(problem.package for problem in found) and shutil.which("apt-get"):
            for problem in found:
                reporter.note(problem.what)
            make_owned_folder(self._cache)
            (self._cache / "logs").mkdir(exist_ok=True)
            with reporter.step(f"install {' '.join(packages)}", estimate_seconds=20):
                host.install_packages(packages, log=self._cache / "logs" / "apt.log")
            found = self.problems()
        if found:
            raise HostError(
                "this machine cannot run the embedded lab",
                where=tuple(f"- {p.what}\n    {p.remedy}" for p in found),
                hint="`istiolab doctor` shows this list again when you have mended it",
            )

    def problems(self) -> tuple[host.Problem, ...]:
        """Return what keeps the lab from coming up on this machine."""
        missing = missing_builds(plan_builds(self._pins, self._cache))
        building = bool(missing) or not self._image_folder().is_dir()
        disk = BUILD_DISK_BYTES if missing else host.RUN_DISK_BYTES
        facts = host.gather_facts(self._cache, self._paths)
        return host.problems(facts, building=building, disk_bytes=disk)

    def ensure_parts(self, reporter: Reporter) -> tuple[Mapping[str, Path], Path]:
        """Build what is missing; return the folders of programs and the image store."""
        make_owned_folder(self._cache)
        with locked(self._cache / "lock", busy=_BUSY.format("the cache"), reporter=reporter):
            programs = ensure_programs(self._pins, self._cache, reporter)
            archive: ImageArchive = ensure_images(self._pins, programs, self._cache, reporter)
            store = ensure_store(
                archive,
                programs=programs,
                pause=self._pins.versions["pause"],
                cache=self._cache,
                reporter=reporter,
            )
        return programs, store

    def fingerprint(self) -> str:
        """Return a digest of all that a lab is made of: two labs with the same one are equal."""
        digest = hashlib.sha256()
        for folder in sorted(program_folders(self._pins, self._cache).values()):
            digest.update(folder.name.encode())
        digest.update(self._image_folder().name.encode())
        for asset in ("kubeadm.yaml", "istio-operator.yaml", "containerd.toml", "cni.conflist"):
            digest.update(asset_text(asset).encode())
        for folder_name in ("patches", "coredns"):
            for text in asset_texts(folder_name).values():
                digest.update(text.encode())
        return digest.hexdigest()[:16]

    def parts(self) -> tuple[str, Mapping[str, str]]:
        """Return what a lab runs, before there is one: Kubernetes' version, and its images' ids.

        The ids are those by which the kubelet knows the images; none while they are not built.
        """
        archive = self._image_folder() / "images.tar"
        ids = image_ids(archive) if archive.is_file() else {}
        return self._pins.versions["kubernetes"].removeprefix("v"), ids

    def drop_store(self) -> None:
        """Delete the image store, so that the next lab imports the images again.

        Labs that are up have stores of their own, and do not notice.
        """
        shutil.rmtree(self._store_folder(), ignore_errors=True)

    def folders(self) -> tuple[Path, ...]:
        """Return the folders that a lab that is up needs: its state, and the image store."""
        return self._paths.root, self._store_folder()

    def _store_folder(self) -> Path:
        return store_folder(self._cache, self._image_folder())

    def _image_folder(self) -> Path:
        programs = program_folders(self._pins, self._cache)
        return self._cache / "images" / image_key(self._pins, programs)

    def _same_or_error(self, running: Lab, reporter: Reporter) -> Lab:
        demand_bareness(running, bare=self._bare)
        if running.fingerprint != self.fingerprint():
            raise LabError(
                f"lab `{self.name}` is up, but was made from other pins",
                where=(f"running: {running.fingerprint}", f"wanted: {self.fingerprint()}"),
                hint="`istiolab down`, then `istiolab up`",
            )
        reporter.note(f"lab `{self.name}` is up already")
        return running

    def _demand_free_name(self) -> None:
        for other in running_nodes().values():
            if other.name == self.name and other != self._paths.root:
                raise UsageError(
                    f"a lab `{self.name}` is up on this machine, with another state folder",
                    where=(f"state: {other}",),
                    hint="name this one differently with `--name`, or take that one down: "
                    f"`ISTIOLAB_STATE={shlex.quote(str(other.parent))} "
                    f"istiolab down --name {self.name}`",
                )

    def _load_modules(self, reporter: Reporter) -> None:
        if wanted := kernel.loadable(kernel.gather_kernel()):
            kernel.load(wanted)
            names = ", ".join(feature.module for feature in wanted)
            reporter.note(f"loaded modules of the kernel: {names}")

    def _bring_up(
        self,
        programs: Mapping[str, Path],
        store: Path,
        seconds: dict[str, float],
        reporter: Reporter,
    ) -> Lab:
        make_owned_folder(self._paths.root)
        self._clear_state(logs_too=True)
        self._load_modules(reporter)
        group = new_group_name(self.name)
        with reporter.step("node", estimate_seconds=1), _timed(seconds, "node"):
            link_store(store, self._paths.containerd)
            _link_programs(programs, self._paths.bin)
            # Two labs that come up at the same time would choose the same subnet.
            with locked(self._cache / "links.lock", busy=_LINKS_BUSY, reporter=reporter):
                link = choose_link(group, host_routes())
                write_configuration(self._paths, pins=self._pins, link=link, programs=programs)
                pid = start_node(self._node_spec(group, link), link)
        bringup = Bringup(
            pid=pid,
            paths=self._paths,
            pins=self._pins,
            link=link,
            programs=programs,
            lab=self.name,
        )
        for step in BARE_STEPS if self._bare else STEPS:
            with (
                reporter.step(step.name, estimate_seconds=step.estimate_seconds) as progress,
                _timed(seconds, step.name),
            ):
                step.run(bringup, progress)
        lab = replace(self._lab(pid, link), group=group, seconds=seconds)
        write_atomic(self._paths.record, lab.to_json(), mode=0o600)
        return lab

    def _lab(self, pid: int, link: Link) -> Lab:
        return Lab(
            name=self.name,
            provider="embedded",
            kubeconfig=self._paths.kubeconfig,
            context="",
            fingerprint=self.fingerprint(),
            pid=pid,
            pid_started=psutil.Process(pid).create_time(),
            link=link_fields(link),
            bare=self._bare,
        )

    def _node_spec(self, group: str, link: Link) -> NodeSpec:
        keep = (self._paths.root, self._cache, Path(sys.prefix), Path(sys.base_prefix))
        source = Path(__file__).resolve().parents[2]
        return NodeSpec(
            group=group,
            state=str(self._paths.root),
            keep=tuple(dict.fromkeys(str(folder) for folder in (*keep, source))),
            node_address=link.node_address,
        )

    def _clear_state(self, *, logs_too: bool = False) -> None:
        kept = _KEPT_WHEN_DOWN - ({"log"} if logs_too else set())
        for entry in self._paths.root.iterdir() if self._paths.root.exists() else ():
            if entry.name in kept:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    @contextmanager
    def _locked(self, reporter: Reporter) -> Iterator[None]:
        make_owned_folder(self._paths.root)
        busy = _BUSY.format(f"lab `{self.name}`")
        with locked(self._paths.root / "lock", busy=busy, reporter=reporter):
            yield


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    start = monotonic()
    yield
    seconds[name] = round(monotonic() - start, 2)


def _link_programs(programs: Mapping[str, Path], target: Path) -> None:
    target.mkdir()
    for folder in programs.values():
        for program in folder.iterdir():
            (target / program.name).symlink_to(program)
