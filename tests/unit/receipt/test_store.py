from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import HostError, IstiolabError
from istiolab.receipt import record
from istiolab.receipt.failing import Failing, record_failure
from istiolab.receipt.model import Receipt
from istiolab.receipt.proof import Proof
from istiolab.receipt.record import Record, dump, parse, record_path, save_record
from istiolab.receipt.store import (
    State,
    last_seconds,
    load_receipt,
    receipt_path,
    status,
    write_receipt,
)
from tests.unit.notebook.build import code, write
from tests.unit.page.build import proof
from tests.unit.receipt.build import receipt as make_receipt


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "a.yaml").write_text("kind: A")
    return write(tmp_path, code("place.apply('manifests/a.yaml')"))


def test_a_receipt_comes_back_as_it_was_written(notebook: Path) -> None:
    receipt = make_receipt(notebook)
    written = write_receipt(notebook, receipt)
    assert written == notebook.parent / "receipts" / "some.json"
    assert load_receipt(notebook) == receipt


def test_how_long_it_took_last_is_known_from_a_receipt_that_can_be_believed(notebook: Path) -> None:
    assert last_seconds(notebook) is None
    written = write_receipt(notebook, make_receipt(notebook))
    assert last_seconds(notebook) == 1.5
    written.write_text(written.read_text().replace("1.5", "0.5"))
    assert last_seconds(notebook) is None


def test_status_is_verified_while_nothing_changed(notebook: Path) -> None:
    receipt = make_receipt(notebook)
    write_receipt(notebook, receipt)
    found = status(notebook)
    assert found.state is State.VERIFIED
    assert found.receipt == receipt


def test_status_without_a_receipt_is_missing(notebook: Path) -> None:
    assert load_receipt(notebook) is None
    assert status(notebook).state is State.MISSING


def test_a_receipt_of_an_older_version_is_stale_and_says_so(notebook: Path) -> None:
    path = write_receipt(notebook, make_receipt(notebook))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": 3}))
    found = status(notebook)
    assert found.state is State.STALE
    assert found.reason == "the receipt was made by an older version of istiolab"
    assert last_seconds(notebook) is None


def test_status_is_stale_when_the_run_is_too_long_ago(notebook: Path) -> None:
    receipt = make_receipt(notebook)
    write_receipt(notebook, receipt)
    a_week_later = receipt.started + timedelta(days=7)
    assert status(notebook, now=a_week_later, longest_days=8).state is State.VERIFIED
    found = status(notebook, now=a_week_later, longest_days=6)
    assert (found.state, found.reason[-10:]) == (State.STALE, "7 days old")


@pytest.mark.parametrize(
    "edit",
    [
        ('"2026-01-02T03:04:05Z"', '"2026-02-02T03:04:05Z"'),
        ('"1.28.2"', '"1.28.3"'),
        ('"seconds": 0.25', '"seconds": 0.24'),
    ],
)
def test_a_receipt_edited_by_hand_is_not_believed(notebook: Path, edit: tuple[str, str]) -> None:
    path = write_receipt(notebook, make_receipt(notebook))
    text = path.read_text()
    assert edit[0] in text
    path.write_text(text.replace(*edit))
    with pytest.raises(IstiolabError, match="changed after it was written"):
        load_receipt(notebook)
    found = status(notebook)
    assert found.state is State.FAILED
    assert "changed after it was written" in found.reason
    assert found.receipt is None


NASTY = [r'"\ud800"', "9" * 5000, "[" * 100_000, "[" * 900 + "]" * 900, "NaN", "1e999", '"\0"']


@pytest.mark.parametrize("value", NASTY, ids=lambda value: value[:8])
@pytest.mark.parametrize("field", ["attempts", "schema", "provider", "versions", "other", "digest"])
@pytest.mark.parametrize("kind", [Receipt, Proof, Failing])
def test_whatever_a_hand_writes_into_a_record_it_is_not_believed(
    notebook: Path, kind: type[Record], field: str, value: str
) -> None:
    write_receipt(notebook, make_receipt(notebook))
    save_record(notebook, proof())
    record_failure(
        notebook, started_at="2026-01-02T03:04:05Z", outcome="untrue", what="no", versions={}
    )
    path = record_path(notebook, kind)
    table = json.loads(path.read_text())
    path.write_text(json.dumps(table | {field: "HERE"}).replace('"HERE"', value))
    found = status(notebook)
    assert found.state is State.FAILED
    assert found.reason


@given(text=st.text() | st.builds(lambda inner: f'{{"schema": 4, "digest": {inner}}}', st.text()))
def test_no_text_is_a_receipt_and_none_is_more_than_an_error(text: str) -> None:
    with pytest.raises(IstiolabError):
        parse(text, Receipt)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"schema": 4}', '{"schema": 5}', '{"schema": -1}']
)
def test_what_is_no_receipt_is_not_believed(notebook: Path, text: str) -> None:
    path = receipt_path(notebook)
    path.parent.mkdir()
    path.write_text(text)
    assert status(notebook).state is State.FAILED


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"extra": 1}, "extra: Unexpected"),
        ({"provider": None}, "provider: Input should be a valid string"),
        ({"versions": {"istio": 1}}, "versions.istio: Input should be a valid string"),
        ({"duration_seconds": True}, "duration_seconds: Input should be a valid number"),
        ({"cells": [{"index": 0}]}, "cells.0.id: Field required"),
        ({"cells": "none"}, "cells: Input should be a valid array"),
        ({"waits": [{"what": 1, "seconds": 2}]}, "waits.0.what: Input should be a valid string"),
        ({"started_at": "2026-01-02T03:04:05"}, "started_at: Value error, a time without a zone"),
        ({"started_at": "yesterday"}, "started_at: Value error"),
    ],
)
def test_a_wrong_shape_is_refused_even_with_a_right_digest(
    notebook: Path, change: dict[str, object], message: str
) -> None:
    table = json.loads(dump(make_receipt(notebook)))
    del table["digest"]
    table |= change
    table["digest"] = record._digest(table)
    with pytest.raises(IstiolabError, match="other fields than it must have") as caught:
        parse(json.dumps(table), Receipt)
    assert any(line.startswith(message) for line in caught.value.where), caught.value.where


def test_a_folder_that_cannot_be_written_is_a_host_error(notebook: Path) -> None:
    (notebook.parent / "receipts").write_text("a file in the way")
    with pytest.raises(HostError, match="could not be written"):
        write_receipt(notebook, make_receipt(notebook))
