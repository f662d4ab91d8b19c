from __future__ import annotations

import gzip
import platform
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.lab.kernel import (
    FEATURES,
    Feature,
    KernelFacts,
    State,
    gather_kernel,
    load,
    parse_modules,
    parse_options,
    state,
)
from tests.unit.lab.programs import put_first_on_path, write_program

CONNTRACK = Feature(module="nf_conntrack", option="NF_CONNTRACK", wanted_by="kube-proxy")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (KernelFacts(options=frozenset({"NF_CONNTRACK=y"})), State.BUILT_IN),
        (KernelFacts(built_in=frozenset({"nf_conntrack"})), State.BUILT_IN),
        (KernelFacts(loaded=frozenset({"nf_conntrack"})), State.LOADED),
        (KernelFacts(loadable=frozenset({"nf_conntrack"})), State.LOADABLE),
        (KernelFacts(loadable=frozenset({"another"})), State.ABSENT),
        (KernelFacts(options=frozenset({"ANOTHER=y"})), State.ABSENT),
        # In a container, the modules of its host are not to be seen.
        (KernelFacts(options=frozenset({"NF_CONNTRACK=m"})), State.UNKNOWN),
        (
            KernelFacts(options=frozenset({"NF_CONNTRACK=m"}), loadable=frozenset({"another"})),
            State.ABSENT,
        ),
        (KernelFacts(), State.UNKNOWN),
    ],
)
def test_how_a_feature_is_had(facts: KernelFacts, expected: State) -> None:
    assert state(CONNTRACK, facts) is expected


def test_options_that_are_off_are_left_out() -> None:
    text = "CONFIG_VETH=m\n# CONFIG_BRIDGE is not set\nCONFIG_HZ=250\nCONFIG_NF_NAT=y\n"
    assert parse_options(text) == {"VETH=m", "NF_NAT=y"}


def test_modules_are_read_from_each_of_the_kernels_lists() -> None:
    dep = "kernel/net/netfilter/xt_MASQUERADE.ko.xz: kernel/net/netfilter/nf_nat.ko.xz\n"
    builtin = "kernel/fs/overlayfs/overlay.ko\n"
    loaded = "nf_conntrack 176128 2 nf_nat,xt_conntrack, Live 0x0000000000000000\n"
    assert parse_modules(dep) == {"xt_masquerade"}
    assert parse_modules(builtin) == {"overlay"}
    assert parse_modules(loaded) == {"nf_conntrack"}
    assert parse_modules("kernel/drivers/a-b.ko:\n") == {"a_b"}


@given(text=st.text())
def test_no_list_breaks_the_parsers(text: str) -> None:
    parse_modules(text)
    parse_options(text)


def test_facts_come_from_the_machines_files(tmp_path: Path) -> None:
    modules = tmp_path / "lib" / "modules" / platform.release()
    modules.mkdir(parents=True)
    (modules / "modules.dep").write_text("kernel/a.ko:\n")
    (modules / "modules.builtin").write_text("kernel/b.ko\n")
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "modules").write_text("c 1 0 - Live 0x0\n")
    (tmp_path / "proc" / "config.gz").write_bytes(gzip.compress(b"CONFIG_D=y\n"))
    assert gather_kernel(tmp_path) == KernelFacts(
        options=frozenset({"D=y"}),
        built_in=frozenset({"b"}),
        loaded=frozenset({"c"}),
        loadable=frozenset({"a"}),
    )


def test_a_machine_without_lists_tells_nothing(tmp_path: Path) -> None:
    assert gather_kernel(tmp_path) == KernelFacts()


def test_all_modules_are_loaded_in_one_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_program(tmp_path / "bin" / "modprobe", f'echo "$*" >> {tmp_path}/calls')
    put_first_on_path(monkeypatch, tmp_path / "bin")
    load(())
    load(FEATURES[:2])
    assert (tmp_path / "calls").read_text() == "--all overlay veth\n"
