from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from istiolab.errors import KernelError
from istiolab.notebook.cells import read_notebook
from istiolab.notebook.settings import Settings, Split, read_settings
from istiolab.verdict.kinds import KINDS
from tests.unit.notebook.build import code, text, write

SPLIT = {
    "column": "version",
    "count": "requests",
    "expected": {"v1": 0.9, "v2": 0.1},
    "significance": 0.001,
}


def read(table: object) -> Settings:
    return read_settings({"istiolab": table}, cell="cell 3")


def test_a_cell_that_says_nothing_has_the_defaults() -> None:
    assert read_settings({}, cell="cell 3") == read({}) == Settings()
    assert Settings().timeout_seconds is None
    assert Settings().columns == {}
    assert Settings().split is None


def test_metadata_of_other_tools_is_no_business_of_ours() -> None:
    assert read_settings({"tags": ["a"], "jupyter": 3}, cell="cell 3") == Settings()


@pytest.mark.parametrize("seconds", [1, 0.5, 3600])
def test_a_timeout_is_read(seconds: float) -> None:
    assert read({"timeout_seconds": seconds}).timeout_seconds == seconds


def test_columns_are_read() -> None:
    columns = {"pushes": "counter", "since": "age", "took": "duration"}
    assert read({"columns": columns}).columns == columns


def test_every_kind_that_a_column_may_have_can_be_masked() -> None:
    columns = {kind: kind for kind in KINDS}
    assert read({"columns": columns}).columns == columns


def test_a_split_is_read() -> None:
    assert read({"split": SPLIT}).split == Split(
        column="version", count="requests", expected={"v1": 0.9, "v2": 0.1}, significance=0.001
    )


def test_shares_that_add_up_but_for_rounding_are_sound() -> None:
    expected = {"a": 0.1, "b": 0.2, "c": 0.7}
    assert read({"split": {**SPLIT, "expected": expected}}).split is not None


@pytest.mark.parametrize(
    "table",
    [
        None,
        [],
        "columns",
        {"timeout": 3},
        {"timeout_seconds": 0},
        {"timeout_seconds": -1},
        {"timeout_seconds": True},
        {"timeout_seconds": "30"},
        {"timeout_seconds": float("nan")},
        {"columns": None},
        {"columns": ["age"]},
        {"columns": {"x": "anything"}},
        {"columns": {"x": None}},
        {"columns": {"x": ["age"]}},
        {"columns": {"x": {}}},
        {"split": None},
        {"split": []},
        {"split": {}},
        {"split": {**SPLIT, "more": 1}},
        {"split": {**SPLIT, "column": 3}},
        {"split": {**SPLIT, "count": None}},
        {"split": {**SPLIT, "expected": {}}},
        {"split": {**SPLIT, "expected": [0.9, 0.1]}},
        {"split": {**SPLIT, "expected": {"v1": 0.9}}},
        {"split": {**SPLIT, "expected": {"v1": 1.5, "v2": -0.5}}},
        {"split": {**SPLIT, "expected": {"v1": "0.9", "v2": "0.1"}}},
        {"split": {**SPLIT, "expected": {"v1": None}}},
        {"split": {**SPLIT, "significance": 0}},
        {"split": {**SPLIT, "significance": 1}},
        {"split": {**SPLIT, "significance": "0.001"}},
        {"split": {**SPLIT, "significance": None}},
    ],
)
def test_what_makes_no_sense_is_refused_with_the_cell_and_the_reason(table: object) -> None:
    with pytest.raises(KernelError) as raised:
        read(table)
    assert raised.value.message == "cell 3 has metadata `istiolab` that makes no sense"
    assert len(raised.value.where) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["column", "v1", "expected"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {}, optional={"timeout_seconds": JSON, "columns": JSON, "split": JSON, "else": JSON}
    )
    | st.builds(
        lambda name, value: {"split": {**SPLIT, name: value}}, st.sampled_from(list(SPLIT)), JSON
    )
)
def test_any_json_is_read_or_refused(table: dict[str, Any]) -> None:
    try:
        found = read(table)
    except KernelError:
        return
    assert isinstance(found, Settings)


def test_a_notebooks_cells_carry_their_settings(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        text("# A page"),
        code("send()", metadata={"istiolab": {"timeout_seconds": 30, "split": SPLIT}}),
        code("send()"),
    )
    cells = read_notebook(path).cells
    assert cells[1].settings == read({"timeout_seconds": 30, "split": SPLIT})
    assert cells[0].settings == cells[2].settings == Settings()


def test_a_notebook_with_a_wrong_setting_is_refused_by_its_cells_number(tmp_path: Path) -> None:
    path = write(tmp_path, text("# A page"), code("send()", metadata={"istiolab": {"colums": {}}}))
    with pytest.raises(KernelError, match=r"^cell 2 has metadata") as raised:
        read_notebook(path)
    assert raised.value.where == ("it may hold columns, split, timeout_seconds, and nothing else",)
