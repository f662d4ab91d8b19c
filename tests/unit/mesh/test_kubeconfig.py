from __future__ import annotations

import base64
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client.rest import should_bypass_proxies

from istiolab.errors import ClusterError
from istiolab.mesh.kubeconfig import read_kubeconfig

PARTS = {"ca": b"-- authority --", "cert": b"-- certificate --", "key": b"-- key --"}


def write(folder: Path, *, cluster: dict[str, str], user: dict[str, Any]) -> Path:
    path = folder / "kubeconfig"
    tree = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1", **cluster}}],
        "users": [{"name": "u", "user": user}],
    }
    path.write_text(yaml.safe_dump(tree))
    return path


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_keys_in_a_kubeconfig_are_in_no_file_but_in_memory(tmp_path: Path, temporary: Path) -> None:
    path = write(
        tmp_path,
        cluster={"certificate-authority-data": encoded(PARTS["ca"])},
        user={
            "client-certificate-data": encoded(PARTS["cert"]),
            "client-key-data": encoded(PARTS["key"]),
        },
    )
    with ExitStack() as held:
        found = read_kubeconfig(path, held)
        named = (found.ssl_ca_cert, found.cert_file, found.key_file)
        # As often as somebody connects.
        for _ in range(2):
            assert [Path(str(each)).read_bytes() for each in named] == list(PARTS.values())
        assert list(temporary.iterdir()) == []
        assert all(Path(str(each)).readlink().name.startswith("memfd:") for each in named)
    assert not any(Path(str(each)).exists() for each in named)


def test_files_that_a_kubeconfig_names_are_looked_for_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keys").mkdir()
    for name, content in PARTS.items():
        (tmp_path / "keys" / name).write_bytes(content)
    path = write(
        tmp_path,
        cluster={"certificate-authority": "keys/ca"},
        user={"client-certificate": str(tmp_path / "keys" / "cert"), "client-key": "keys/key"},
    )
    monkeypatch.chdir("/")
    with ExitStack() as held:
        found = read_kubeconfig(path, held)
    keys = tmp_path / "keys"
    named = (found.ssl_ca_cert, found.cert_file, found.key_file)
    assert named == (str(keys / "ca"), str(keys / "cert"), str(keys / "key"))


def test_a_program_that_a_kubeconfig_names_is_looked_for_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "give-token"
    credential = '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",'
    program.write_text(f'#!/bin/sh\necho \'{credential} "status": {{"token": "abc"}}}}\'\n')
    program.chmod(0o755)
    how = {"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never"}
    path = write(tmp_path, cluster={}, user={"exec": {**how, "command": "./give-token"}})
    monkeypatch.chdir("/")
    with ExitStack() as held:
        found = read_kubeconfig(path, held)
    assert found.get_api_key_with_prefix("BearerToken") == "Bearer abc"


@pytest.mark.parametrize("data", ["x", 3])
def test_what_is_no_key_is_told_and_nothing_is_held(tmp_path: Path, data: str | int) -> None:
    path = write(
        tmp_path,
        cluster={"certificate-authority-data": encoded(PARTS["ca"])},
        user={"client-key-data": data},
    )
    before = len(list(Path("/proc/self/fd").iterdir()))
    with ExitStack() as held, pytest.raises(ClusterError, match="cannot be used"):
        read_kubeconfig(path, held)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_labs_nodes_are_reached_without_the_environments_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with ExitStack() as held:
        node = write(tmp_path, cluster={"server": "https://198.51.100.2:6443"}, user={})
        found = read_kubeconfig(node, held)
        assert should_bypass_proxies(found.host, found.no_proxy or "")
        other = write(tmp_path, cluster={"server": "https://10.96.0.1:6443"}, user={})
        found = read_kubeconfig(other, held)
        assert not should_bypass_proxies(found.host, found.no_proxy or "")
        assert found.proxy == "http://127.0.0.1:9"


def test_a_proxy_that_the_kubeconfig_names_is_used_whatever_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    with ExitStack() as held:
        path = write(tmp_path, cluster={"proxy-url": "http://127.0.0.1:8"}, user={})
        found = read_kubeconfig(path, held)
    assert found.proxy == "http://127.0.0.1:8"
    assert not should_bypass_proxies(found.host, found.no_proxy or "")
