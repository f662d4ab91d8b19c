from __future__ import annotations

import errno
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import HostError
from istiolab.lab import cgroups
from istiolab.lab.cgroups import (
    Hierarchy,
    group_of,
    host_hierarchies,
    join_group,
    memory_bytes,
    parse_groups,
    parse_hierarchies,
    remove_group,
    scope_command,
)
from istiolab.system.retry import wait_until
from tests.unit.system.clock import FrozenClock

V2 = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev,noexec,relatime,nsdelegate 0 0\n"
V1 = """\
proc /proc proc rw,nosuid,nodev,noexec,relatime 0 0
tmpfs /sys/fs/cgroup tmpfs ro,nosuid,nodev,noexec,mode=755 0 0
cgroup /sys/fs/cgroup/systemd cgroup rw,nosuid,xattr,release_agent=/lib/agent,name=systemd 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,nodev,noexec,relatime,cpu,cpuacct 0 0
cgroup /sys/fs/cgroup/cpuset cgroup rw,noatime,cpuset,clone_children 0 0
"""
V1_FOUND = (
    Hierarchy(path=Path("/sys/fs/cgroup/systemd"), controllers=("name=systemd",)),
    Hierarchy(path=Path("/sys/fs/cgroup/cpu,cpuacct"), controllers=("cpu", "cpuacct")),
    Hierarchy(path=Path("/sys/fs/cgroup/cpuset"), controllers=("cpuset",)),
)


def test_v2_host_has_one_hierarchy() -> None:
    (found,) = parse_hierarchies(V2)
    assert found == Hierarchy(path=Path("/sys/fs/cgroup"), controllers=())
    assert found.unified


def test_v1_host_has_a_hierarchy_for_each_set_of_controllers() -> None:
    assert parse_hierarchies(V1) == V1_FOUND
    assert not any(hierarchy.unified for hierarchy in V1_FOUND)


def test_v2_hierarchy_beside_v1_controllers_is_left_out() -> None:
    beside = V2.replace("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
    assert parse_hierarchies(beside + V1) == V1_FOUND


def test_a_v1_hierarchy_that_a_vpn_mounts_on_a_v2_host_is_left_out() -> None:
    stray = "none /vpn cgroup rw,relatime,net_cls 0 0\n"
    assert parse_hierarchies(stray + V2) == parse_hierarchies(V2)


def test_groups_of_a_process_are_found_by_controllers() -> None:
    text = "4:cpu,cpuacct:/a\n1:name=systemd:/b/c.scope\n0::/d:e\n"
    assert parse_groups(text) == {
        frozenset({"cpu", "cpuacct"}): "/a",
        frozenset({"name=systemd"}): "/b/c.scope",
        frozenset(): "/d:e",
    }


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("/istiolab-my-lab-0123abcd", "istiolab-my-lab-0123abcd"),
        ("/istiolab-a-0123abcd/node/istiolab-init", "istiolab-a-0123abcd"),
        ("/system.slice/istiolab-a-0123abcd.scope/node", "istiolab-a-0123abcd"),
        ("/istiolab-container", None),
        ("/user.slice/session-1.scope", None),
    ],
)
def test_the_labs_group_is_recognised_in_a_processs_path(path: str, group: str | None) -> None:
    assert group_of(f"3:memory:/\n0::{path}\n") == group


def test_label_option_of_selinux_is_no_controller() -> None:
    text = "cgroup /sys/fs/cgroup/pids cgroup rw,seclabel,nosuid,relatime,pids 0 0\n"
    (found,) = parse_hierarchies(text)
    assert found.controllers == ("pids",)


def test_hierarchy_mounted_twice_is_taken_once() -> None:
    assert parse_hierarchies(V1 + V1) == V1_FOUND
    assert len(parse_hierarchies(V2 + V2.replace("/sys/fs/cgroup", "/elsewhere"))) == 1


@given(text=st.text().filter(lambda text: "cgroup" not in text))
def test_other_mounts_are_passed_over(text: str) -> None:
    assert parse_hierarchies(text) == ()
    assert parse_hierarchies(f"{text}\n{V1}") == V1_FOUND


def test_hierarchies_of_this_host_are_where_it_says() -> None:
    assert all(hierarchy.path.is_dir() for hierarchy in host_hierarchies())


GROUP, OTHER = "istiolab-lab-0123abcd", "istiolab-lab-89ef4567"


def v1_tree(root: Path) -> tuple[Hierarchy, ...]:
    for name in ("cpuset", "memory"):
        (root / name).mkdir()
    (root / "cpuset" / "cpuset.cpus").write_text("0-1\n")
    (root / "cpuset" / "cpuset.mems").write_text("0\n")
    return tuple(Hierarchy(path=root / name, controllers=(name,)) for name in ("cpuset", "memory"))


def v2_tree(root: Path, *, offered: str, handed: str = "") -> tuple[Hierarchy, ...]:
    for folder in (root, root / GROUP):
        folder.mkdir(exist_ok=True)
        (folder / "cgroup.controllers").write_text(offered)
        (folder / "cgroup.subtree_control").write_text(handed)
    for name in ("node", "launcher"):
        (root / GROUP / name).mkdir()
    return (Hierarchy(path=root, controllers=()),)


def test_v1_group_has_the_processors_and_memory_of_its_parent_and_this_process(
    tmp_path: Path,
) -> None:
    join_group(GROUP, v1_tree(tmp_path))
    assert (tmp_path / "cpuset" / GROUP / "cpuset.cpus").read_text() == "0-1\n"
    assert (tmp_path / "cpuset" / GROUP / "cpuset.mems").read_text() == "0\n"
    for name in ("cpuset", "memory"):
        assert (tmp_path / name / GROUP / "cgroup.procs").read_text() == "0"


def test_v2_group_and_root_are_handed_the_controller_that_they_lack(tmp_path: Path) -> None:
    hierarchies = v2_tree(tmp_path, offered="cpu cpuset io memory pids", handed="cpu cpuset memory")
    join_group(GROUP, hierarchies)
    for folder in (tmp_path, tmp_path / GROUP):
        assert (folder / "cgroup.subtree_control").read_text() == "+pids"


def test_what_hands_on_controllers_in_a_v2_group_holds_no_process(tmp_path: Path) -> None:
    join_group(GROUP, v2_tree(tmp_path, offered="cpu"))
    assert (tmp_path / GROUP / "launcher" / "cgroup.procs").read_text() == "0"
    assert not (tmp_path / GROUP / "cgroup.procs").exists()


def test_v2_root_that_lacks_nothing_is_left_alone(tmp_path: Path) -> None:
    join_group(GROUP, v2_tree(tmp_path, offered="cpu io", handed="cpu"))
    assert (tmp_path / "cgroup.subtree_control").read_text() == "cpu"


def test_processes_at_the_root_that_a_container_sees_move_into_a_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hierarchies = v2_tree(tmp_path, offered="cpu")
    (tmp_path / "cgroup.procs").write_text("1\n")
    real = cgroups.hand_on_controllers

    def refused_while_in_use(folder: Path) -> None:
        if folder == tmp_path and not (tmp_path / "istiolab-container" / "cgroup.procs").exists():
            raise OSError(errno.EBUSY, "Device or resource busy")
        real(folder)

    monkeypatch.setattr(cgroups, "hand_on_controllers", refused_while_in_use)
    join_group(GROUP, hierarchies)
    assert (tmp_path / "istiolab-container" / "cgroup.procs").read_text() == "1"
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpu"


def test_kernel_that_refuses_is_the_hosts_error(tmp_path: Path) -> None:
    absent = Hierarchy(path=tmp_path / "absent", controllers=("memory",))
    with pytest.raises(HostError, match=rf"`.*absent/{GROUP}` cannot be used") as caught:
        join_group(GROUP, [absent])
    assert "No such file" in caught.value.where[0]


def test_a_scope_is_asked_for_only_where_systemd_runs() -> None:
    command = scope_command(GROUP)
    assert bool(command) is Path("/run/systemd/system").is_dir()
    assert not command or "--property=Delegate=yes" in command


def test_down_removes_the_labs_groups_and_no_others(tmp_path: Path) -> None:
    # Directories alone, as in the kernel's tree, whose files go with their group.
    hierarchies = (Hierarchy(path=tmp_path, controllers=("memory",)),)
    (tmp_path / OTHER).mkdir()
    (tmp_path / GROUP / "kubepods" / "pod-1").mkdir(parents=True)
    remove_group(GROUP, hierarchies)
    assert [p.name for p in tmp_path.iterdir()] == [OTHER]
    remove_group(GROUP, hierarchies)


V1_STAT = "rss 1\nshmem 1\ntotal_cache 900\ntotal_rss 200\ntotal_shmem 30\n"
V2_STAT = "anon 200\nfile 900\nshmem 30\n"


@pytest.mark.parametrize(
    ("controllers", "stat"), [(("memory",), V1_STAT), (("cpu", "memory"), V1_STAT), ((), V2_STAT)]
)
def test_memory_of_a_lab_is_that_of_its_whole_group_without_the_page_cache(
    tmp_path: Path, controllers: tuple[str, ...], stat: str
) -> None:
    other = Hierarchy(path=tmp_path / "absent", controllers=("pids",))
    (tmp_path / GROUP).mkdir()
    (tmp_path / GROUP / "memory.stat").write_text(stat)
    hierarchy = Hierarchy(path=tmp_path, controllers=controllers)
    assert memory_bytes("lab", (other, hierarchy)) == 230


def test_lab_that_is_down_holds_no_memory(tmp_path: Path) -> None:
    assert memory_bytes("lab", v1_tree(tmp_path)) == 0
    assert memory_bytes("lab", ()) == 0


def test_down_says_which_group_is_still_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroups, "wait_until", partial(wait_until, clock=FrozenClock()))
    folder = tmp_path / GROUP
    folder.mkdir()
    # A file keeps the folder from going as a process would keep the group.
    (folder / "cgroup.procs").write_text("1")
    with pytest.raises(HostError, match="is still in use") as caught:
        remove_group(GROUP, [Hierarchy(path=tmp_path, controllers=("memory",))])
    assert caught.value.hint == f"see what runs in it: `cat {folder}/cgroup.procs`"
