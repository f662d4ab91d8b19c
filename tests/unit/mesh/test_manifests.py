from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from istiolab.errors import ClusterError, UsageError
from istiolab.mesh.manifests import (
    DEFAULT_IMAGE,
    LAST_RANK,
    RANK,
    Applied,
    apply_objects,
    fill,
    parse,
    read_source,
)
from istiolab.mesh.refusals import MissingError
from tests.unit.mesh.fakes import FakeCluster

# What else lies there are patches for kubectl.
MANIFESTS = sorted(
    path
    for path in (Path(__file__).parents[3] / "notebooks/manifests").glob("*/*.yaml")
    if "apiVersion:" in path.read_text(encoding="utf-8")
)
NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{0,8}", fullmatch=True)
KINDS = st.sampled_from([*RANK, *LAST_RANK, "PeerAuthentication", "EnvoyFilter"])


def thing(kind: str, name: str = "a", version: str = "v1", **rest: object) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **rest}


@given(NAMES, st.text())
def test_a_value_is_put_in_as_it_is(name: str, value: str) -> None:
    assert fill(f"a: ${{{name}}}, b: ${{{name}}}", {name: value}) == f"a: {value}, b: {value}"


def test_a_value_that_looks_like_a_name_is_not_filled_again() -> None:
    assert fill("${A}", {"A": "${B}", "B": "no"}) == "${B}"


@given(st.text().filter(lambda text: "${" not in text))
def test_text_without_names_stays(text: str) -> None:
    assert fill(text, {}) == text


@pytest.mark.parametrize("text", ["$host", "${host}", "$HOST", "$ {HOST}", "${}", "${1A}"])
def test_nginxs_variables_and_half_names_stay(text: str) -> None:
    assert fill(text, {}) == text


def test_all_lacking_values_are_named_at_once_with_the_call_that_helps() -> None:
    with pytest.raises(UsageError) as caught:
        fill("${MODE} ${A} ${MODE} ${GIVEN}", {"GIVEN": ""})
    assert caught.value.message == "the manifest asks for `A`, `MODE`"
    assert caught.value.hint == "hand it in: `apply(…, A=…)`"


def test_the_workloads_image_is_handed_in_or_the_environments_or_the_labs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ISTIOLAB_WORKLOAD_IMAGE", "mine:1")
    assert fill("${WORKLOAD_IMAGE}", {}) == "mine:1"
    assert fill("${WORKLOAD_IMAGE}", {"WORKLOAD_IMAGE": "other:2"}) == "other:2"
    monkeypatch.setenv("ISTIOLAB_WORKLOAD_IMAGE", "")
    assert fill("${WORKLOAD_IMAGE}", {}) == DEFAULT_IMAGE


def test_a_source_is_a_text_of_several_lines_or_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("kind: é\n", encoding="utf-8")
    assert read_source("kind: A\n") == "kind: A\n"
    assert read_source(path) == read_source(str(path)) == "kind: é\n"


def test_a_file_that_is_not_there_is_named_with_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"the manifest `a\.yaml` is not there") as caught:
        read_source("a.yaml")
    assert caught.value.where == (f"looked in: {tmp_path}",)


@settings(max_examples=30)
@given(st.lists(KINDS, max_size=12))
def test_objects_keep_their_number_and_come_in_the_order_of_rank(kinds: list[str]) -> None:
    text = yaml.safe_dump_all([thing(kind, f"n{place}") for place, kind in enumerate(kinds)])
    found = parse(text)
    assert sorted(item["kind"] for item in found) == sorted(kinds)
    ranks = [LAST_RANK.get(item["kind"], RANK.get(item["kind"], 5)) for item in found]
    assert ranks == sorted(ranks)


@settings(max_examples=30)
@given(st.lists(st.sampled_from(["Service", "Deployment"]), max_size=12))
def test_objects_of_a_kind_keep_the_manifests_order(kinds: list[str]) -> None:
    text = yaml.safe_dump_all([thing(kind, f"{place:02}") for place, kind in enumerate(kinds)])
    for kind in ("Service", "Deployment"):
        names = [item["metadata"]["name"] for item in parse(text) if item["kind"] == kind]
        assert names == sorted(names)


def test_what_others_refer_to_comes_first_and_workloads_last() -> None:
    kinds = ["Deployment", "PeerAuthentication", "Service", "ConfigMap", "Namespace"]
    found = parse(yaml.safe_dump_all([thing(kind) for kind in kinds]))
    assert [item["kind"] for item in found] == kinds[::-1]


def test_empty_documents_are_passed_over() -> None:
    assert [item["kind"] for item in parse("---\n---\n" + yaml.safe_dump(thing("A")))] == ["A"]
    assert parse("") == []


@pytest.mark.parametrize("text", ["a: [", "a: b: c", "\tx", "when: 2001-99-99\n", "\x00"])
def test_what_is_no_yaml_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="the manifest is not YAML") as caught:
        parse(text)
    assert caught.value.where


@pytest.mark.parametrize(
    "item",
    [
        "text",
        ["list"],
        {"kind": "A", "metadata": {"name": "a"}},
        {"apiVersion": "v1", "metadata": {"name": "a"}},
        {"apiVersion": "v1", "kind": "A"},
        {"apiVersion": "v1", "kind": "A", "metadata": None},
        {"apiVersion": "v1", "kind": "A", "metadata": "a"},
        {"apiVersion": "v1", "kind": "A", "metadata": {"name": ""}},
        {"apiVersion": "v1", "kind": ["A"], "metadata": {"name": "a"}},
    ],
)
def test_an_object_without_version_kind_or_name_is_a_usage_error(item: object) -> None:
    with pytest.raises(UsageError, match="lacks `apiVersion`, `kind` or a name"):
        parse(yaml.safe_dump(item))


@given(st.text(alphabet="abk:{}[]-,&*!|>'\"#%@? \n\t0129.") | st.text())
def test_any_text_is_parsed_or_refused_as_usage(text: str) -> None:
    try:
        found = parse(text)
    except UsageError:
        return
    assert all(item["kind"] and item["metadata"]["name"] for item in found)


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: str(path.name))
def test_our_own_manifests_are_manifests_without_a_namespace(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    values = dict.fromkeys(re.findall(r"\$\{([A-Z_]+)\}", text), "value")
    objects = parse(fill(text, values))
    assert objects
    assert [item for item in objects if "namespace" in item["metadata"]] == []


def api() -> FakeCluster:
    core = [
        {"name": "pods", "kind": "Pod", "namespaced": True},
        {"name": "namespaces", "kind": "Namespace", "namespaced": False},
        {"name": "configmaps/fake", "kind": "ConfigMap", "namespaced": True},
        {"name": "configmaps", "kind": "ConfigMap", "namespaced": True},
    ]
    apps = [{"name": "deployments", "kind": "Deployment", "namespaced": True}]
    return FakeCluster({"/api/v1": {"resources": core}, "/apis/apps/v1": {"resources": apps}})


def test_objects_are_applied_in_order_by_server_side_apply_in_our_namespace() -> None:
    cluster = api()
    objects = [thing("Namespace", "n"), thing("ConfigMap"), thing("Deployment", version="apps/v1")]
    apply_objects(cluster, "demo", objects)
    patches = cluster.made("PATCH")
    assert [call.path for call in patches] == [
        "/api/v1/namespaces/n",
        "/api/v1/namespaces/demo/configmaps/a",
        "/apis/apps/v1/namespaces/demo/deployments/a",
    ]
    assert [call.body for call in patches] == objects
    assert {call.content_type for call in patches} == {"application/apply-patch+yaml"}
    assert [dict(call.query) for call in patches] == [
        {"fieldManager": "istiolab", "force": "true"}
    ] * 3


def test_applying_again_tells_changed_from_unchanged() -> None:
    cluster = api()

    def outcomes(value: str) -> list[str]:
        objects = [thing("ConfigMap", data={"a": value}), thing("ConfigMap", "b")]
        return [applied.outcome for applied in apply_objects(cluster, "demo", objects)]

    assert outcomes("1") == ["created", "created"]
    assert outcomes("1") == ["unchanged", "unchanged"]
    assert outcomes("2") == ["changed", "unchanged"]


def test_a_change_of_status_alone_is_no_change() -> None:
    path = "/apis/apps/v1/namespaces/demo/deployments/a"
    looks = iter("12")
    cluster = api()
    cluster.answers[path] = lambda: {"metadata": {"generation": 4, "resourceVersion": next(looks)}}
    applied = apply_objects(cluster, "demo", [thing("Deployment", version="apps/v1")])
    assert applied == (Applied(kind="Deployment", name="a", outcome="unchanged"),)
    assert applied[0].row() == {"kind": "Deployment", "name": "a", "outcome": "unchanged"}


def test_a_kind_that_the_cluster_does_not_know_is_named() -> None:
    with pytest.raises(MissingError, match="knows no kind `Gateway` in `v1`") as caught:
        apply_objects(api(), "demo", [thing("Gateway")])
    assert caught.value.hint == "is Istio there? `istioctl version`"


def test_a_version_that_the_cluster_does_not_know_is_an_error() -> None:
    with pytest.raises(ClusterError):
        apply_objects(api(), "demo", [thing("Gateway", version="networking.istio.io/v1")])
