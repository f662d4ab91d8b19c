from __future__ import annotations

import json
from pathlib import Path

from istiolab.receipt.model import Receipt, WaitTime, read_waits
from istiolab.receipt.record import dump, parse
from tests.unit.notebook.build import code, text, write
from tests.unit.receipt.build import receipt


def test_a_receipt_comes_back_from_its_json(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1")
    made = receipt(write(tmp_path, code("1", "one")), "a.yaml", "./", "not-there")
    assert parse(dump(made), Receipt) == made
    assert made.versions["istio"] == "1.28.2"
    assert made.inputs.files.keys() == {"a.yaml", "./", "not-there"}


def test_a_receipt_holds_no_path_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1")
    assert str(tmp_path) not in dump(receipt(write(tmp_path, code("1")), "a.yaml"))


def test_each_cell_is_on_record_with_its_outputs_and_its_time(tmp_path: Path) -> None:
    output = {"output_type": "stream", "name": "stdout", "text": "1"}
    path = write(tmp_path, code("print(1)", "one", outputs=[output]), text("# Some"))
    one, prose = receipt(path).cells
    assert (one.index, one.id, one.name, one.seconds) == (0, "cell-0", "one", 0.25)
    assert one.outputs_sha256 is not None
    assert (prose.name, prose.seconds, prose.outputs_sha256) == (None, 0.0, None)


def test_waits_are_read_in_their_order(tmp_path: Path) -> None:
    record = tmp_path / "waits.jsonl"
    rows = [{"what": "a", "seconds": 0.5}, {"what": "b", "seconds": 2.0}]
    record.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert read_waits(record) == (
        WaitTime(what="a", seconds=0.5),
        WaitTime(what="b", seconds=2.0),
    )


def test_a_notebook_that_waited_for_nothing_has_no_waits(tmp_path: Path) -> None:
    assert read_waits(tmp_path / "none") == ()
