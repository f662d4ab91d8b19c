from __future__ import annotations

import configparser
import json
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from supervisor.options import ClientOptions, ServerOptions

from istiolab.lab.network import choose_link
from istiolab.lab.node import find_inits, search_path, write_configuration
from istiolab.lab.pins import load_pins
from istiolab.lab.spec import CLUSTER_POD_SUBNET, NodePaths

PROGRAMS = {"cni": Path("/cache/cni-1"), "runc": Path("/cache/runc-2")}


@pytest.fixture
def paths(tmp_path: Path) -> NodePaths:
    paths = NodePaths(root=tmp_path / "state")
    write_configuration(paths, pins=load_pins(), link=choose_link("lab", []), programs=PROGRAMS)
    return paths


def test_built_programs_come_before_the_machines_own() -> None:
    places = search_path(PROGRAMS).split(":")
    assert places[:2] == ["/cache/cni-1", "/cache/runc-2"]
    assert {"/usr/sbin", "/usr/bin", "/sbin", "/bin"} <= set(places[2:])


def test_no_blank_is_left_in_the_configuration(paths: NodePaths) -> None:
    written = [path for path in paths.config.rglob("*") if path.is_file()]
    assert len(written) >= 4
    assert [path.name for path in written if "@" in path.read_text()] == []


def test_writing_the_configuration_again_gives_the_same(paths: NodePaths) -> None:
    before = {path: path.read_bytes() for path in paths.config.rglob("*") if path.is_file()}
    write_configuration(paths, pins=load_pins(), link=choose_link("lab", []), programs=PROGRAMS)
    assert before == {p: p.read_bytes() for p in paths.config.rglob("*") if p.is_file()}


def test_folders_that_the_node_mounts_are_there(paths: NodePaths) -> None:
    assert paths.kubelet.is_dir()
    assert paths.log.is_dir()


def test_containerd_is_told_its_store_and_where_the_network_plugins_are(paths: NodePaths) -> None:
    table = tomllib.loads((paths.config / "containerd.toml").read_text())
    assert table["root"] == str(paths.containerd)
    cni = table["plugins"]["io.containerd.cri.v1.runtime"]["cni"]
    assert cni["bin_dirs"] == ["/cache/cni-1"]
    assert cni["conf_dir"] == str(paths.config / "cni")


def test_sandbox_image_is_one_of_the_pinned_ones(paths: NodePaths) -> None:
    table = tomllib.loads((paths.config / "containerd.toml").read_text())
    sandbox = table["plugins"]["io.containerd.cri.v1.images"]["pinned_images"]["sandbox"]
    assert sandbox in {image.name for image in load_pins().images}


def test_pods_get_addresses_of_the_clusters_pod_subnet(paths: NodePaths) -> None:
    (file,) = (paths.config / "cni").iterdir()
    plugin = json.loads(file.read_text())["plugins"][0]
    subnet = ip_network(plugin["ipam"]["ranges"][0][0]["subnet"])
    assert subnet.subnet_of(ip_network(CLUSTER_POD_SUBNET))  # type: ignore[arg-type]


def test_network_plugins_that_are_called_are_built(paths: NodePaths) -> None:
    (file,) = (paths.config / "cni").iterdir()
    plugin = json.loads(file.read_text())["plugins"][0]
    cni = next(component for component in load_pins().go if component.name == "cni")
    built = {package.rpartition("/")[2] for package in cni.packages}
    assert {plugin["type"], plugin["ipam"]["type"]} <= built


def test_names_from_outside_are_asked_where_nobody_answers(paths: NodePaths) -> None:
    assert (paths.config / "resolv.conf").read_text() == "nameserver 198.51.100.1\n"


def test_supervisor_starts_containerd_and_kubelet_on_the_labs_path(paths: NodePaths) -> None:
    config = configparser.ConfigParser(interpolation=None)
    config.read_string((paths.config / "supervisord.conf").read_text())
    assert {"program:containerd", "program:kubelet"} <= set(config.sections())
    assert config["supervisord"]["environment"] == f'PATH="{search_path(PROGRAMS)}"'
    assert config["unix_http_server"]["file"] == str(paths.socket)
    assert config["supervisorctl"]["serverurl"] == f"unix://{paths.socket}"
    named = config["program:containerd"]["command"].split()[-1]
    assert named == str(paths.config / "containerd.toml")


def test_paths_with_spaces_and_other_letters_are_read_as_they_are(tmp_path: Path) -> None:
    # Each file by the parser of its reader.
    programs = {"cni": tmp_path / "it's" / "cni", "runc": Path("/檔案 é/runc")}
    paths = NodePaths(root=tmp_path / "my 檔案 é")
    write_configuration(paths, pins=load_pins(), link=choose_link("lab", []), programs=programs)
    table = tomllib.loads((paths.config / "containerd.toml").read_text(encoding="utf-8"))
    assert table["root"] == str(paths.containerd)
    cni = table["plugins"]["io.containerd.cri.v1.runtime"]["cni"]
    assert cni["bin_dirs"] == [str(programs["cni"])]

    file = str(paths.config / "supervisord.conf")
    server = ServerOptions()
    server.realize(["--configuration", file, "--nodaemon"])
    section = server.configroot.supervisord
    assert section.environment == {"PATH": search_path(programs)}
    commands = {
        each.name: each.process_configs[0].command for each in section.process_group_configs
    }
    toml = str(paths.config / "containerd.toml")
    assert shlex.split(commands["containerd"]) == ["containerd", "--config", toml]
    client = ClientOptions()
    client.realize(["--configuration", file])
    assert section.server_configs[0]["file"] == str(paths.socket)
    assert client.serverurl == f"unix://{paths.socket}"


@pytest.fixture
def looks_like_an_init(tmp_path: Path) -> Iterator[int]:
    mark = str(tmp_path / "config" / "node.json")
    with subprocess.Popen(
        ["sh", "-c", "echo up; read line", mark],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        yield process.pid
        process.kill()


@pytest.mark.usefixtures("looks_like_an_init")
def test_process_that_only_names_the_state_folder_is_not_taken_for_the_node(
    tmp_path: Path,
) -> None:
    # An editor with node.json open must survive `istiolab down`.
    assert find_inits(tmp_path) == []
