from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import LabError, UsageError
from istiolab.lab.network import choose_link
from istiolab.lab.spec import Lab, NodePaths, NodeSpec, demand_provider, link_fields, read_lab

TEXT = st.text()
SECONDS = st.floats(min_value=0, max_value=1e12)
LABS = st.builds(
    Lab,
    name=TEXT,
    provider=st.sampled_from(["embedded", "existing"]),
    kubeconfig=TEXT.map(lambda name: Path("/etc") / name.strip("/")),
    context=TEXT,
    fingerprint=TEXT,
    pid=st.integers(min_value=0),
    pid_started=SECONDS,
    link=st.none() | st.dictionaries(TEXT, TEXT | st.integers()),
    seconds=st.none() | st.dictionaries(TEXT, SECONDS),
    bare=st.booleans(),
)
LAB = Lab(
    name="lab", provider="embedded", kubeconfig=Path("/k"), context="", fingerprint="f", pid=7
)


@given(group=TEXT, state=TEXT, keep=st.lists(TEXT).map(tuple), address=TEXT)
def test_node_spec_comes_back_as_it_was_written(
    group: str, state: str, keep: tuple[str, ...], address: str
) -> None:
    spec = NodeSpec(group=group, state=state, keep=keep, node_address=address)
    assert NodeSpec.from_json(spec.to_json()) == spec


@given(lab=LABS)
def test_lab_comes_back_as_it_was_recorded(
    tmp_path_factory: pytest.TempPathFactory, lab: Lab
) -> None:
    record = tmp_path_factory.getbasetemp() / "lab.json"
    record.write_text(lab.to_json())
    assert read_lab(record) == lab


def test_a_record_from_before_there_were_bare_labs_is_of_one_with_a_mesh(tmp_path: Path) -> None:
    table = json.loads(LAB.to_json())
    del table["bare"]
    (tmp_path / "lab.json").write_text(json.dumps(table))
    assert read_lab(tmp_path / "lab.json") == LAB


def test_absent_record_is_no_lab(tmp_path: Path) -> None:
    assert read_lab(tmp_path / "lab.json") is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        LAB.to_json()[:40].encode(),
        b"\xff",
        b"[]",
        b"null",
        b"{}",
        b'{"name": "lab", "kubeconfig": "/k"}',
        LAB.to_json().replace('"pid"', '"pit"').encode(),
        LAB.to_json().replace('"/k"', "5").encode(),
    ],
)
def test_broken_record_is_an_error_that_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    record = tmp_path / "lab.json"
    record.write_bytes(content)
    with pytest.raises(LabError, match="the lab's record cannot be read") as caught:
        read_lab(record)
    assert caught.value.where == (f"record: {record}",)
    assert caught.value.hint is not None


def test_name_in_use_with_another_provider_is_refused(tmp_path: Path) -> None:
    record = tmp_path / "lab.json"
    record.write_text(LAB.to_json())
    with pytest.raises(UsageError, match="`lab` is in use with the provider `embedded`") as caught:
        demand_provider(record, "existing")
    assert caught.value.hint is not None
    assert "`istiolab down --name lab`" in caught.value.hint


def test_same_provider_or_none_may_use_the_name(tmp_path: Path) -> None:
    record = tmp_path / "lab.json"
    demand_provider(record, "existing")
    record.write_text(LAB.to_json())
    demand_provider(record, "embedded")


def test_everything_of_a_node_lies_apart_below_its_state_folder() -> None:
    paths = NodePaths(root=Path("/state/lab"))
    names = [name for name, kind in vars(NodePaths).items() if isinstance(kind, property)]
    places = {getattr(paths, name) for name in names}
    assert len(places) == len(names) > 5
    assert all(place.is_relative_to(paths.root) and place != paths.root for place in places)


def test_link_is_recorded_with_the_fields_that_status_shows() -> None:
    link = choose_link("lab", [])
    assert link_fields(link)["node_address"] == link.node_address
    assert link_fields(link)["interface"] == link.interface
