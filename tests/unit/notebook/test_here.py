from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from istiolab.notebook.here import handed_on, known_here
from tests.unit.notebook.secrets import letters, pem

KEY = letters(400, seed=1)
OURS = {
    "HOME": "/root",
    "GITHUB_TOKEN": "ghs_16C7e42F292c6912E7710c838347Ae178B4a",
    "PIP_INDEX_URL": "https://someone:pypi-Zm9v@example.org/simple",
    "HTTPS_PROXY": "http://someone:Sesame-7@proxy.example.org:3128",
    "PYTHONPATH": "src",
}


def kubeconfig(folder: Path, user: Mapping[str, object]) -> Path:
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump({"users": [{"name": "a", "user": user}]}))
    return path


def test_secrets_of_the_environment_the_kubeconfig_and_the_files_that_it_names_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.key").write_text(pem(KEY))
    (tmp_path / "token").write_text("t0ken-in-a-file\n")
    user = {"client-key": "a.key", "tokenFile": str(tmp_path / "token"), "password": "Sesame-7"}
    monkeypatch.setenv("SOME_TOKEN", "t0ken-in-a-variable")
    monkeypatch.setenv("SOME_CREDENTIALS", str(tmp_path / "token"))
    known = known_here(kubeconfig(tmp_path, user))
    flat = {b"".join(each.data.split()).decode() for each in known}
    assert {KEY, "t0ken-in-a-file", "t0ken-in-a-variable", "Sesame-7"} <= flat
    assert str(tmp_path / "token") not in flat


def test_files_that_are_not_there_are_somebody_elses_error(tmp_path: Path) -> None:
    assert known_here(tmp_path / "none") == known_here()
    assert known_here(kubeconfig(tmp_path, {"client-key": "none"})) == known_here()


def test_a_kernel_gets_our_variables_but_no_secret(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, {"token": "t0ken-of-a-user"})
    for each in (None, path):
        got = handed_on(OURS, each, {"KUBECONFIG": "theirs"})
        assert {name for name in OURS if got.get(name) == OURS[name]} == {"HOME", "HTTPS_PROXY"}
        assert got["KUBECONFIG"] == "theirs"


def test_a_kernel_whose_kubeconfig_starts_a_program_gets_what_that_may_need(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, {"exec": {"command": "aws"}})
    got = handed_on(OURS, path, {})
    assert {name for name in OURS if got.get(name) == OURS[name]} == {
        "HOME",
        "GITHUB_TOKEN",
        "HTTPS_PROXY",
    }
