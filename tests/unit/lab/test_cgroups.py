from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import HostError
from istiolab.lab import cgroups
from istiolab.lab.cgroups import (
    Hierarchy,
    host_hierarchies,
    join_subtree,
    make_subtree,
    memory_bytes,
    parse_hierarchies,
    remove_subtree,
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


def v1_tree(root: Path) -> tuple[Hierarchy, ...]:
    for name in ("cpuset", "memory"):
        (root / name).mkdir()
    (root / "cpuset" / "cpuset.cpus").write_text("0-1\n")
    (root / "cpuset" / "cpuset.mems").write_text("0\n")
    return tuple(Hierarchy(path=root / name, controllers=(name,)) for name in ("cpuset", "memory"))


def v2_tree(root: Path, *, offered: str, handed: str) -> tuple[Hierarchy, ...]:
    (root / "cgroup.controllers").write_text(offered)
    (root / "cgroup.subtree_control").write_text(handed)
    return (Hierarchy(path=root, controllers=()),)


def test_v1_subtree_has_the_processors_and_memory_of_its_parent(tmp_path: Path) -> None:
    make_subtree("lab", v1_tree(tmp_path))
    assert (tmp_path / "memory" / "istiolab-lab").is_dir()
    assert (tmp_path / "cpuset" / "istiolab-lab" / "cpuset.cpus").read_text() == "0-1\n"
    assert (tmp_path / "cpuset" / "istiolab-lab" / "cpuset.mems").read_text() == "0\n"


def test_v2_subtree_is_handed_the_controller_it_lacks(tmp_path: Path) -> None:
    make_subtree(
        "lab", v2_tree(tmp_path, offered="cpu cpuset io memory pids", handed="cpu cpuset memory")
    )
    assert (tmp_path / "istiolab-lab").is_dir()
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+pids"


def test_v2_subtree_that_lacks_nothing_leaves_the_root_alone(tmp_path: Path) -> None:
    make_subtree("lab", v2_tree(tmp_path, offered="cpu io", handed="cpu"))
    assert (tmp_path / "cgroup.subtree_control").read_text() == "cpu"


def test_subtree_that_is_there_is_no_error(tmp_path: Path) -> None:
    hierarchies = v1_tree(tmp_path)
    make_subtree("lab", hierarchies)
    make_subtree("lab", hierarchies)


def test_kernel_that_refuses_is_the_hosts_error(tmp_path: Path) -> None:
    absent = Hierarchy(path=tmp_path / "absent", controllers=("memory",))
    with pytest.raises(HostError, match=r"`.*absent/istiolab-lab` cannot be made") as caught:
        make_subtree("lab", [absent])
    assert "No such file" in caught.value.where[0]


def test_joining_writes_this_process_into_each_hierarchy(tmp_path: Path) -> None:
    hierarchies = v1_tree(tmp_path)
    make_subtree("lab", hierarchies)
    join_subtree("lab", hierarchies)
    for name in ("cpuset", "memory"):
        joined = (tmp_path / name / "istiolab-lab" / "cgroup.procs").read_text()
        assert joined == str(os.getpid())


def test_down_removes_the_labs_groups_and_no_others(tmp_path: Path) -> None:
    # Directories alone, as in the kernel's tree, whose files go with their group.
    hierarchies = (Hierarchy(path=tmp_path, controllers=("memory",)),)
    make_subtree("one", hierarchies)
    make_subtree("two", hierarchies)
    (tmp_path / "istiolab-one" / "kubepods" / "pod-1").mkdir(parents=True)
    remove_subtree("one", hierarchies)
    assert [p.name for p in tmp_path.iterdir()] == ["istiolab-two"]
    remove_subtree("one", hierarchies)


V1_STAT = "rss 1\nshmem 1\ntotal_cache 900\ntotal_rss 200\ntotal_shmem 30\n"
V2_STAT = "anon 200\nfile 900\nshmem 30\n"


@pytest.mark.parametrize(
    ("controllers", "stat"), [(("memory",), V1_STAT), (("cpu", "memory"), V1_STAT), ((), V2_STAT)]
)
def test_memory_of_a_lab_is_that_of_its_whole_subtree_without_the_page_cache(
    tmp_path: Path, controllers: tuple[str, ...], stat: str
) -> None:
    other = Hierarchy(path=tmp_path / "absent", controllers=("pids",))
    (tmp_path / "istiolab-lab").mkdir()
    (tmp_path / "istiolab-lab" / "memory.stat").write_text(stat)
    hierarchy = Hierarchy(path=tmp_path, controllers=controllers)
    assert memory_bytes("lab", (other, hierarchy)) == 230


def test_lab_that_is_down_holds_no_memory(tmp_path: Path) -> None:
    assert memory_bytes("lab", v1_tree(tmp_path)) == 0
    assert memory_bytes("lab", ()) == 0


def test_down_says_which_group_is_still_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroups, "wait_until", partial(wait_until, clock=FrozenClock()))
    folder = tmp_path / "istiolab-lab"
    folder.mkdir()
    # A file keeps the folder from going as a process would keep the group.
    (folder / "cgroup.procs").write_text("1")
    with pytest.raises(HostError, match="is still in use") as caught:
        remove_subtree("lab", [Hierarchy(path=tmp_path, controllers=("memory",))])
    assert caught.value.hint == f"see what runs in it: `cat {folder}/cgroup.procs`"
