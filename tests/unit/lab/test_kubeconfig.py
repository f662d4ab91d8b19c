from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import UsageError
from istiolab.lab.kubeconfig import Context, single_context


def kubeconfig(path: Path, *names: str, current: str = "", **user: Any) -> Path:
    """Write a kubeconfig with a cluster, a user and a context of each name."""
    tree = {
        "current-context": current,
        "contexts": [{"name": n, "context": {"cluster": n, "user": n}} for n in names],
        "clusters": [{"name": n, "cluster": {"server": f"https://{path.name}.{n}"}} for n in names],
        "users": [{"name": n, "user": {"token": f"secret of {n}", **user}} for n in names],
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(tree))
    return path


NAMES = st.lists(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1),
    min_size=1,
    unique=True,
)


@given(names=NAMES, data=st.data())
def test_only_the_context_that_is_wanted_is_in_it(
    names: list[str], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    wanted = data.draw(st.sampled_from(names))
    path = kubeconfig(tmp_path_factory.getbasetemp() / "config", *names, current=names[0])
    found = single_context([path], wanted)
    tree = yaml.safe_load(found.text)
    assert (found.name, tree["current-context"]) == (wanted, wanted)
    assert found.server == f"https://config.{wanted}"
    assert [len(tree[kind]) for kind in ("contexts", "clusters", "users")] == [1, 1, 1]
    assert tree["users"][0]["user"]["token"] == f"secret of {wanted}"
    # Taken out once more it is the same, and it is the current one.
    path.write_text(found.text)
    assert single_context([path], "") == found


def test_of_several_kubeconfigs_the_first_that_defines_a_name_counts(tmp_path: Path) -> None:
    one = kubeconfig(tmp_path / "one", "shared")
    two = kubeconfig(tmp_path / "two", "shared", "own", current="shared")
    absent = tmp_path / "absent"
    assert single_context([absent, one, two], "").server == "https://one.shared"
    assert single_context([one, two, absent], "own").server == "https://two.own"


def test_files_and_programs_are_named_by_absolute_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    how = {"command": "./bin/token", "apiVersion": "client.authentication.k8s.io/v1"}
    path = kubeconfig(
        tmp_path / "a folder" / "config", "a", tokenFile="t", exec=how, **{"client-key": "/k"}
    )
    tree = yaml.safe_load(path.read_text())
    tree["clusters"][0]["cluster"]["certificate-authority"] = "../ca"
    path.write_text(yaml.safe_dump(tree))
    monkeypatch.chdir(tmp_path)
    text = single_context([Path("a folder/config")], "a").text
    user = yaml.safe_load(text)["users"][0]["user"]
    folder = tmp_path / "a folder"
    assert (user["tokenFile"], user["client-key"]) == (str(folder / "t"), "/k")
    assert user["exec"]["command"] == str(folder / "bin" / "token")
    authority = yaml.safe_load(text)["clusters"][0]["cluster"]["certificate-authority"]
    assert authority == str(folder / ".." / "ca")


@pytest.mark.parametrize(("wanted", "said"), [("thre", "context `thre`"), ("", "current context")])
def test_a_context_that_is_not_there_is_told_with_those_that_are(
    wanted: str, said: str, tmp_path: Path
) -> None:
    path = kubeconfig(tmp_path / "config", "one", "two")
    with pytest.raises(UsageError, match=f"has no {said}") as caught:
        single_context([path], wanted)
    assert caught.value.where == ("context: one", "context: two")
    assert caught.value.hint == "name one of these with `--context`"


@pytest.mark.parametrize("text", ["[", "- a", "clusters: 3", "users: [{user: [1]}]"])
def test_what_is_no_kubeconfig_is_told(text: str, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(UsageError, match="cannot be used"):
        single_context([path], "a")


def test_a_context_without_its_cluster_is_told(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config", "a")
    tree = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**tree, "clusters": []}))
    with pytest.raises(UsageError, match="has no cluster `a`"):
        single_context([path], "a")


def test_a_context_is_shown_without_what_is_in_it() -> None:
    assert "secret" not in repr(Context(name="a", server="s", text="token: secret"))
