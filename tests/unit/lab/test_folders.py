from __future__ import annotations

import os
import pwd
import string
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from istiolab.errors import UsageError
from istiolab.lab.folders import (
    bare_name,
    cache_folder,
    demand_own_name,
    lab_name,
    state_folder,
)

LETTERS = string.ascii_lowercase
INNER = LETTERS + string.digits + "-"


def may_name_a_lab(name: str) -> bool:
    return (
        1 <= len(name) <= 20
        and name[0] in LETTERS
        and set(name) <= set(INNER)
        and not name.endswith("-")
    )


def test_folders_are_those_of_the_user_who_called_sudo_whatever_home_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    user = pwd.getpwnam("nobody")
    for name in ("ISTIOLAB_CACHE", "ISTIOLAB_STATE", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache/istiolab"
    assert state_folder("a") == tmp_path / ".local/state/istiolab/a"
    monkeypatch.setenv("SUDO_UID", str(user.pw_uid))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert cache_folder() == Path(user.pw_dir, ".cache/istiolab")
    assert state_folder("a") == Path(user.pw_dir, ".local/state/istiolab/a")
    # Whoever has become somebody else since is not root any more.
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert cache_folder() == tmp_path / ".cache/istiolab"


@given(name=st.text(alphabet=INNER, min_size=1, max_size=24) | st.text(min_size=1))
@example(name="a" * 20)
@example(name="a" * 21)
@example(name="lab\n")
@example(name="../etc")
@example(name="Lab")
def test_name_is_taken_as_it_is_or_refused(name: str) -> None:
    if may_name_a_lab(name):
        assert lab_name(name) == name
    else:
        with pytest.raises(UsageError, match="cannot name a lab"):
            lab_name(name)


def test_given_name_comes_before_the_variable_and_that_before_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ISTIOLAB_NAME", raising=False)
    assert lab_name() == "default"
    monkeypatch.setenv("ISTIOLAB_NAME", "other")
    assert lab_name() == "other"
    assert lab_name("third") == "third"


def test_name_from_the_variable_is_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISTIOLAB_NAME", "-")
    with pytest.raises(UsageError, match="`-` cannot name a lab"):
        lab_name()


def test_variables_name_other_places_even_relative_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ISTIOLAB_CACHE", "cache")
    monkeypatch.setenv("ISTIOLAB_STATE", "state")
    assert cache_folder() == tmp_path.resolve() / "cache"
    assert state_folder("lab") == tmp_path.resolve() / "state" / "lab"


def test_places_follow_the_xdg_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ISTIOLAB_CACHE", "ISTIOLAB_STATE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "c"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "s"))
    assert cache_folder() == tmp_path / "c" / "istiolab"
    assert state_folder("lab") == tmp_path / "s" / "istiolab" / "lab"


NAMES = st.from_regex(r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?", fullmatch=True)


@given(one=NAMES, other=NAMES)
def test_the_bare_lab_beside_a_lab_has_a_name_of_its_own_that_nobody_else_may_take(
    one: str, other: str
) -> None:
    assert lab_name(bare_name(one)) == bare_name(one) != one
    assert (bare_name(one) == bare_name(other)) is (one == other)
    with pytest.raises(UsageError, match="brings up by itself"):
        demand_own_name(bare_name(one))


def test_a_short_name_is_still_to_be_seen_in_it() -> None:
    assert bare_name("default") == "default-bare"
    demand_own_name("default")
