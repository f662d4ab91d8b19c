from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import LabError
from istiolab.lab import workload
from istiolab.lab.oci import Image, Layer, image_config, image_digest, image_manifest
from istiolab.lab.spec import Lab
from istiolab.lab.workload import image_id, listed_digest, workload_digest
from istiolab.system.command import Completed

NAME = "docker.io/istiolab/nginx:1.22"
LAB = Lab(
    name="mine", provider="embedded", kubeconfig=Path("/k"), context="", fingerprint="f", pid=7
)
GIVEN = replace(LAB, provider="existing", pid=0)
# As ctr 2.2.3 prints it.
HEAD = "REF TYPE DIGEST SIZE PLATFORMS LABELS \n"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DIGESTS = st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True)


def row(name: str, digest: str) -> str:
    return f"{name} {MANIFEST} {digest} 10.6 KiB linux/amd64 io.cri-containerd.image=managed \n"


def built(layer: str) -> Image:
    bottom = Layer(path=Path("/l"), digest=layer, size_bytes=1)
    return Image(name=NAME, layers=(bottom,), entrypoint=(), user="")


class Node:
    """A node whose store holds images by their names."""

    def __init__(self, *images: Image) -> None:
        self.images = {image.name: image for image in images}
        self.asked: list[tuple[int, str]] = []
        self.broken = False

    def run(self, pid: int, argv: list[str], *, path: str) -> Completed:
        self.asked.append((pid, path))
        assert argv[:3] == ["ctr", "--namespace", "k8s.io"]
        if self.broken:
            said = "ctr: cannot connect"
            return Completed(argv=tuple(argv), exit_code=1, stdout="", stderr=said)
        match argv[3:]:
            case ["images", "list", condition]:
                names = [name for name in self.images if condition == f'name=="{name}"']
                out = HEAD + "".join(row(name, image_digest(self.images[name])) for name in names)
            case ["content", "get", digest]:
                manifests = {
                    image_digest(image): image_manifest(image).decode()
                    for image in self.images.values()
                }
                out = manifests[digest]
            case _:
                raise AssertionError(f"nobody asks for {argv}")
        return Completed(argv=tuple(argv), exit_code=0, stdout=out, stderr="")


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Node:
    monkeypatch.setenv("ISTIOLAB_STATE", str(tmp_path))
    node = Node(built("sha256:aa"))
    monkeypatch.setattr(workload, "in_node", node.run)
    return node


def test_an_image_is_known_by_its_id_in_the_nodes_store(node: Node, tmp_path: Path) -> None:
    config = json.loads(image_manifest(built("sha256:aa")))["config"]["digest"]
    assert image_config(built("sha256:aa"))
    assert workload_digest(LAB, NAME) == config
    assert {pid for pid, _ in node.asked} == {7}
    # The lab's own programs, before any of the machine's.
    assert {path.split(":")[0] for _, path in node.asked} == {str(tmp_path / "mine" / "bin")}


def test_one_that_was_built_anew_under_its_name_is_another(node: Node) -> None:
    before = workload_digest(LAB, NAME)
    node.images = {NAME: built("sha256:bb")}
    assert workload_digest(LAB, NAME) not in (before, NAME)


@pytest.mark.parametrize(
    ("image", "known"),
    [
        ("my/nginx:1", "my/nginx:1"),
        ("my/nginx@sha256:cc", "sha256:cc"),
        ("my/nginx:1@sha256:cc", "sha256:cc"),
    ],
)
@pytest.mark.parametrize("lab", [LAB, GIVEN], ids=["own", "given"])
def test_where_just_the_name_is_known_the_name_stands_for_it(
    lab: Lab, image: str, known: str, node: Node
) -> None:
    assert workload_digest(lab, image) == known
    assert bool(node.asked) == (lab is LAB)


def test_a_node_that_does_not_answer_is_an_error_with_a_way_out(node: Node) -> None:
    node.broken = True
    with pytest.raises(LabError, match="does not tell which image") as caught:
        workload_digest(LAB, NAME)
    assert "| ctr: cannot connect" in caught.value.where
    assert "istiolab down --name mine" in (caught.value.hint or "")


@given(
    digest=DIGESTS, others=st.lists(st.tuples(st.from_regex(r"[a-z]+", fullmatch=True), DIGESTS))
)
def test_an_image_is_found_among_any_others(digest: str, others: list[tuple[str, str]]) -> None:
    rows = [row(f"docker.io/{name}:1", other) for name, other in others]
    assert listed_digest(HEAD + "".join(rows) + row(NAME, digest), NAME) == digest
    assert listed_digest(HEAD + "".join(rows), NAME) is None


@given(st.text())
def test_any_text_is_read_without_a_failure(text: str) -> None:
    assert listed_digest(text, NAME) is None
    assert image_id(text, "sha256:dd") == "sha256:dd"


def test_an_image_for_several_platforms_is_known_by_its_index() -> None:
    index = json.dumps({"schemaVersion": 2, "manifests": [{"digest": "sha256:aa"}]})
    assert image_id(index, "sha256:dd") == "sha256:dd"
