"""Outputs with a secret in them, in every representation, and what is kept of them."""

from __future__ import annotations

import base64
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from istiolab.notebook.document import load_document, serialize
from istiolab.notebook.execution import Ending, Execution, Failure
from istiolab.notebook.known import SecretValue
from istiolab.notebook.scanner import SecretScanner
from istiolab.notebook.withhold import find_in_cell, withhold, without_secrets
from tests.unit.notebook.build import code, write

PASSWORD = "Tr0ub4dor9xyz"
SCANNER = SecretScanner(
    [SecretValue(source="a value of Secret a/b, key c", data=PASSWORD.encode())]
)
FAILED = Failure(ending=Ending.CELL_FAILED, index=1, name="ask", message="E: no", traceback="no")


def stream(words: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": words}


def display(kind: str, value: object, **metadata: object) -> dict[str, Any]:
    return {"output_type": "display_data", "data": {kind: value}, "metadata": metadata}


def picture(kind: bytes, said: bytes) -> str:
    """Return a PNG with a text in its metadata (ISO 15948, 11.3.4)."""
    chunks = ((kind, said), (b"IEND", b""))
    parts = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    ]
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(parts)).decode()


SAID = PASSWORD.encode()
OUTPUTS = {
    "stream": [stream(f"pw {PASSWORD}\n")],
    "colours": [stream("".join(f"\x1b[3{n % 8}m{sign}\x1b[0m" for n, sign in enumerate(PASSWORD)))],
    "pieces": [stream(PASSWORD[:6]), stream(PASSWORD[6:], "stderr")],
    "displays": [display("text/plain", sign) for sign in PASSWORD],
    "html": [display("text/html", f"<td>{PASSWORD[:5]}<wbr>{PASSWORD[5:]}</td>")],
    "json": [display("application/json", {"a": [1, {PASSWORD: None}]})],
    "metadata": [display("text/plain", "x", note=PASSWORD)],
    "result": [
        {**display("text/plain", repr(PASSWORD)), "output_type": "execute_result"}
        | {"execution_count": 1}
    ],
    "error": [
        {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["x", f"E: {PASSWORD}"]}
    ],
    "drawing": [display("image/svg+xml", f"<svg><!-- {PASSWORD} --></svg>")],
    "tEXt": [display("image/png", picture(b"tEXt", b"Comment\0" + SAID))],
    "zTXt": [display("image/png", picture(b"zTXt", b"Comment\0\0" + zlib.compress(SAID)))],
    "iTXt": [display("image/png", picture(b"iTXt", b"C\0\1\0en\0C\0" + zlib.compress(SAID)))],
}


def execution(folder: Path, outputs: list[dict[str, Any]], failure: Failure | None) -> Execution:
    path = write(folder, code("1", outputs=[stream("fine\n")]), code("2", "ask", outputs=outputs))
    return Execution(
        document=load_document(path),
        cells=(),
        failure=failure,
        started_at="",
        seconds=1.0,
        log=f"warning: {PASSWORD}\n",
    )


@pytest.mark.parametrize("kind", OUTPUTS)
@pytest.mark.parametrize("failure", [None, FAILED])
def test_a_secret_in_any_representation_fails_the_cell_and_nothing_of_it_is_kept(
    tmp_path: Path, kind: str, failure: Failure | None
) -> None:
    clean = without_secrets(execution(tmp_path, OUTPUTS[kind], failure), SCANNER)
    assert clean.failure is not None
    assert clean.failure.ending is Ending.EXPOSED
    assert clean.failure.label == "cell 2 `ask`"
    assert clean.failure.message == (
        "it put out a value of Secret a/b, key c; nothing of its outputs is kept"
    )
    assert PASSWORD not in repr(clean)
    first, second = clean.document.cells
    assert first.outputs == [stream("fine\n")]
    assert [each.text for each in second.outputs] == [
        "[istiolab: withheld, since it holds a value of Secret a/b, key c]\n"
    ]
    assert clean.log == second.outputs[0].text


def test_what_holds_no_secret_stays_as_it_is(tmp_path: Path) -> None:
    run = replace(execution(tmp_path, [stream("fine, too\n")], FAILED), log="fine")
    assert without_secrets(run, SCANNER) == run


def test_a_secret_in_the_code_that_a_traceback_shows_is_put_out_as_well(tmp_path: Path) -> None:
    failure = replace(FAILED, traceback=f"login('{PASSWORD}')\nE: no")
    clean = without_secrets(execution(tmp_path, [], failure), SCANNER)
    assert clean.failure is not None
    assert clean.failure.ending is Ending.EXPOSED
    assert PASSWORD not in repr(clean.failure)


def test_a_document_is_withheld_from_by_cell_and_withholding_twice_is_withholding_once(
    tmp_path: Path,
) -> None:
    document = execution(tmp_path, OUTPUTS["stream"], None).document
    before = serialize(document)
    clean, found = withhold(document, SCANNER)
    assert found == {1: "a value of Secret a/b, key c"}
    assert withhold(clean, SCANNER) == (clean, {})
    assert serialize(document) == before


def test_a_cell_without_outputs_holds_nothing(tmp_path: Path) -> None:
    document = load_document(write(tmp_path, code(PASSWORD)))
    assert find_in_cell(document.cells[0], SCANNER) is None
