from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from istiolab.errors import HostError
from istiolab.lab.cgroups import REQUIRED_CONTROLLERS
from istiolab.lab.host import (
    INOTIFY_INSTANCES,
    RUN_MEMORY_BYTES,
    STATE_DISK_BYTES,
    HostFacts,
    Problem,
    gather_facts,
    install_packages,
    problems,
)
from istiolab.lab.kernel import FEATURES, Feature, KernelFacts
from istiolab.lab.spec import NodePaths
from istiolab.system.scratch import LONGEST_SOCKET_BYTES
from tests.unit.lab.programs import put_first_on_path, write_program

RUN_PACKAGES = frozenset({"iproute2", "util-linux", "mount", "curl", "kmod"})
# Those that bring a file instead of a program.
FILE_PACKAGES = frozenset({"libseccomp-dev", "libc6-dev", "debian-archive-keyring"})
BUILD_PACKAGES = frozenset({"gcc", "pkg-config", "mmdebstrap"}) | FILE_PACKAGES
GB = 10**9
GOOD = HostFacts(
    system="Linux",
    machine="x86_64",
    root=True,
    programs=RUN_PACKAGES | BUILD_PACKAGES,
    kernel=KernelFacts(loadable=frozenset(each.module.lower() for each in FEATURES)),
    controllers=REQUIRED_CONTROLLERS | {"io"},
    cgroups_writable=True,
    overlay_refused="",
    inotify_instances=INOTIFY_INSTANCES,
    disk_bytes=9 * GB,
    state_disk_bytes=9 * GB,
    memory_bytes=8 * GB,
    socket_bytes=50,
    paths=("/root/.cache/istiolab", "/my istio's/檔案#1;2"),
)


def found(facts: HostFacts, *, building: bool = True) -> tuple[Problem, ...]:
    return problems(facts, building=building, disk_bytes=9 * GB)


def test_good_host_has_no_problem() -> None:
    assert found(GOOD) == ()


@pytest.mark.parametrize(
    ("facts", "what"),
    [
        (replace(GOOD, system="Darwin"), "the embedded lab needs Linux; this is Darwin"),
        (
            replace(GOOD, machine="aarch64"),
            "the embedded lab's parts are for x86_64; this is aarch64",
        ),
        (replace(GOOD, root=False), "the embedded lab needs root, to make namespaces and mounts"),
    ],
)
def test_wrong_machine_is_told_the_other_ways_and_nothing_else(facts: HostFacts, what: str) -> None:
    # A Mac lacks all of Linux's programs: naming them would be noise.
    (problem,) = found(replace(facts, programs=frozenset(), disk_bytes=0))
    assert problem.what == what
    assert "--provider existing" in problem.remedy
    assert "make serve" in problem.remedy
    assert problem.package == ""


@pytest.mark.parametrize("package", sorted(RUN_PACKAGES | BUILD_PACKAGES))
def test_missing_package_is_named_with_its_reason_and_command(package: str) -> None:
    (problem,) = found(replace(GOOD, programs=GOOD.programs - {package}))
    assert problem.what.startswith(f"the Debian package `{package}` is missing, to ")
    assert problem.remedy == f"apt-get install --no-install-recommends {package}"
    assert problem.package == package


def test_compilers_are_needed_only_for_building() -> None:
    facts = replace(GOOD, programs=RUN_PACKAGES)
    assert found(facts, building=False) == ()
    assert {problem.package for problem in found(facts)} == BUILD_PACKAGES


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.module)
def test_a_feature_that_the_kernel_lacks_is_named_with_its_option(feature: Feature) -> None:
    loadable = GOOD.kernel.loadable - {feature.module.lower()}
    (problem,) = found(replace(GOOD, kernel=KernelFacts(loadable=loadable)))
    assert problem.what == f"the kernel has no `{feature.module}`, for {feature.wanted_by}"
    assert f"CONFIG_{feature.option}" in problem.remedy


def test_a_kernel_that_tells_nothing_is_no_problem_and_needs_no_program_to_load_modules() -> None:
    bare = replace(GOOD, kernel=KernelFacts(), programs=GOOD.programs - {"kmod"})
    assert found(bare) == ()


def test_a_container_without_privileges_is_told_of_its_control_groups() -> None:
    (problem,) = found(replace(GOOD, cgroups_writable=False))
    assert "read-only" in problem.what
    assert "--privileged" in problem.remedy


def test_a_state_folder_that_bears_no_overlay_is_told_with_the_kernels_reason() -> None:
    (problem,) = found(replace(GOOD, overlay_refused="wrong fs type"))
    assert problem.what.endswith("wrong fs type")
    assert "ISTIOLAB_STATE" in problem.remedy


def test_too_few_inotify_instances_are_told_in_numbers() -> None:
    (problem,) = found(replace(GOOD, inotify_instances=3))
    assert problem.what.startswith(f"3 more inotify instances can be made, and {INOTIFY_INSTANCES}")
    assert "fs.inotify.max_user_instances" in problem.remedy


@pytest.mark.parametrize("name", sorted(REQUIRED_CONTROLLERS))
def test_missing_controller_is_named(name: str) -> None:
    (problem,) = found(replace(GOOD, controllers=GOOD.controllers - {name}))
    assert problem.what == f"the kernel offers no cgroup controller `{name}`"
    assert problem.remedy


def test_full_disk_is_told_in_gigabytes_with_the_way_out() -> None:
    (problem,) = found(replace(GOOD, disk_bytes=int(8.94 * GB)))
    assert problem.what == "8.9 GB of disk are free for the cache, and 9.0 GB are needed"
    assert "`export ISTIOLAB_CACHE=FOLDER`" in problem.remedy
    (problem,) = found(replace(GOOD, state_disk_bytes=STATE_DISK_BYTES - 10**8))
    assert problem.what == "0.9 GB of disk are free for the lab's state, and 1.0 GB are needed"
    assert "`export ISTIOLAB_STATE=FOLDER`" in problem.remedy


def test_memory_of_exactly_what_is_needed_will_do() -> None:
    assert found(replace(GOOD, memory_bytes=RUN_MEMORY_BYTES)) == ()
    (problem,) = found(replace(GOOD, memory_bytes=RUN_MEMORY_BYTES - 10**8))
    assert problem.what == "1.9 GB of memory are available, and 2.0 GB are needed"


@pytest.mark.parametrize("path", ["/a:b", "/a,b", "/100%", '/a"b', "/a\\b", "/\n", "/a ;b", "/ #"])
def test_a_path_that_cannot_work_is_refused_with_the_reason(path: str) -> None:
    (problem,) = found(replace(GOOD, paths=(*GOOD.paths, path, path)))
    assert problem.what.startswith(f"`{path}` has `")


def test_folders_that_the_lab_stands_on_are_looked_at(tmp_path: Path) -> None:
    facts = gather_facts(tmp_path / "cache", NodePaths(root=tmp_path / "state"))
    expected = {str(tmp_path / "cache"), str(tmp_path / "state"), sys.prefix}
    assert expected <= set(facts.paths)


def test_a_socket_whose_path_is_too_long_is_told_with_the_way_out(tmp_path: Path) -> None:
    paths = NodePaths(root=tmp_path)
    assert gather_facts(tmp_path, paths).socket_bytes == len(str(paths.socket))
    assert found(replace(GOOD, socket_bytes=LONGEST_SOCKET_BYTES)) == ()
    (problem,) = found(replace(GOOD, socket_bytes=LONGEST_SOCKET_BYTES + 1))
    assert problem.what.startswith("the path of the lab's socket has 108 bytes, and 107 are")
    assert "`export ISTIOLAB_STATE=FOLDER`" in problem.remedy


def test_all_problems_are_told_at_once() -> None:
    bad = replace(
        GOOD,
        programs=frozenset(),
        kernel=KernelFacts(options=frozenset({"ANOTHER=y"})),
        controllers=frozenset(),
        cgroups_writable=False,
        inotify_instances=0,
        overlay_refused="no",
        disk_bytes=0,
        state_disk_bytes=0,
        memory_bytes=0,
        socket_bytes=200,
    )
    told = found(bad)
    packages = RUN_PACKAGES | BUILD_PACKAGES
    assert len(told) == len(packages - {"kmod"}) + len(FEATURES) + len(REQUIRED_CONTROLLERS) + 7
    assert len({problem.what for problem in told}) == len(told)
    assert all(problem.remedy for problem in told)


def test_facts_are_gathered_for_a_cache_that_is_not_there_yet(tmp_path: Path) -> None:
    facts = gather_facts(tmp_path / "not" / "yet", NodePaths(root=tmp_path / "nor" / "this"))
    assert facts.disk_bytes > 0
    assert list(tmp_path.iterdir()) == []


def test_programs_are_found_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_program(tmp_path / "mmdebstrap", "exit 1")
    monkeypatch.setenv("PATH", str(tmp_path))
    facts = gather_facts(tmp_path, NodePaths(root=tmp_path))
    assert facts.programs - FILE_PACKAGES == {"mmdebstrap"}


def test_packages_are_installed_after_the_lists_are_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_program(tmp_path / "bin" / "apt-get", 'echo "$DEBIAN_FRONTEND: $*"')
    put_first_on_path(monkeypatch, tmp_path / "bin")
    install_packages(["gcc", "curl"], log=tmp_path / "log")
    lines = [x for x in (tmp_path / "log").read_text().splitlines() if not x.startswith("$")]
    assert lines == [
        "noninteractive: update",
        "noninteractive: install --yes --no-install-recommends gcc curl",
    ]


def test_failed_installation_is_the_hosts_error_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_program(tmp_path / "bin" / "apt-get", "echo no network; exit 100")
    put_first_on_path(monkeypatch, tmp_path / "bin")
    with pytest.raises(HostError, match="`apt-get` ended with 100") as caught:
        install_packages(["gcc"], log=tmp_path / "log")
    assert caught.value.where[-1] == "| no network"
    assert caught.value.log == tmp_path / "log"
