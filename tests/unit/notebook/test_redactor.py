from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook, new_output

from istiolab.notebook.execution import Ending, Execution, Failure
from istiolab.notebook.known import Known
from istiolab.notebook.redactor import Redactor
from tests.unit.notebook.secrets import base64_of, letters, pem

PASSWORD = 'p"a<ss&w\\0rd é'
TOKEN = letters(60, seed=1)
KEY = letters(800, seed=2)
REDACTOR = Redactor(Known(secret=frozenset({PASSWORD, TOKEN, KEY})))


@pytest.mark.parametrize("secret", [PASSWORD, TOKEN, KEY], ids=["password", "token", "key"])
@pytest.mark.parametrize(
    "form",
    [
        str,
        repr,
        json.dumps,
        html.escape,
        lambda text: json.dumps(text, ensure_ascii=False),
        lambda text: json.dumps(json.dumps(json.dumps({"a": text}))),
        lambda text: html.escape(repr(text)),
        lambda text: quote(text, safe=""),
        base64_of,
        lambda text: base64_of(f"someone:{text}"),
        lambda text: base64_of(f"a{text}b"),
        lambda text: base64_of(base64_of(text)),
        lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
        lambda text: quote(base64_of(text), safe=""),
        lambda text: base64_of(text, columns=8),
    ],
)
def test_a_known_value_is_replaced_however_it_is_written(secret: str, form: object) -> None:
    assert callable(form)
    written = form(secret)
    shown = REDACTOR.text(f"before {written} after")
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert "[redacted: secret]" in shown
    # At the edges of base64 a sign may hold bits of both sides.
    assert len(shown) < len("before [redacted: secret] after") + 32


@pytest.mark.parametrize("width", [20, 30, 64])
def test_a_piece_of_a_long_value_is_replaced(width: int) -> None:
    for start in (0, 17, 400):
        piece = KEY[start : start + width]
        assert REDACTOR.text(f"| {piece}… |") == "| [redacted: secret]… |"


def test_a_short_piece_and_ordinary_text_stay() -> None:
    text = f"{KEY[:12]} istio-system 7b1ff8b8-2a5c-4b0e-9d4f-0c5c5a1f2b3d sha256:{'0' * 64}"
    assert REDACTOR.text(text) == text


def test_what_a_key_shares_with_its_certificate_stays_in_the_certificate() -> None:
    modulus = letters(344, seed=3)
    key, certificate = f"{letters(40, seed=4)}{modulus}{KEY}", f"{letters(80, seed=5)}{modulus}END="
    redactor = Redactor(Known(secret=frozenset({key}), public=frozenset({certificate})))
    shown = pem(certificate, label="CERTIFICATE")
    assert redactor.text(shown) == shown
    assert redactor.text(base64_of(shown)) == base64_of(shown)
    assert KEY[:24] not in redactor.text(key)


def test_the_algorithm_that_a_key_names_stays_in_a_public_key() -> None:
    private = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ" + KEY
    public = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA" + letters(300, seed=6)
    redactor = Redactor(Known(secret=frozenset({private})))
    assert redactor.text(public) == public


@settings(deadline=None)
@given(st.text(max_size=30), st.sampled_from([PASSWORD, TOKEN, KEY]), st.text(max_size=30))
def test_redacting_twice_is_redacting_once(before: str, secret: str, after: str) -> None:
    once = REDACTOR.text(before + secret + after)
    assert REDACTOR.text(once) == once


def test_all_of_a_run_is_without_secrets_and_its_code_as_it_was() -> None:
    cell = new_code_cell(f"ask({TOKEN!r})", id="a")  # type: ignore[no-untyped-call]
    lines = ["-----BEGIN PRIVATE KEY-----", letters(64, seed=8), "-----END PRIVATE KEY-----"]
    cell.outputs = [
        new_output("stream", name="stderr", text=f"x {TOKEN}"),  # type: ignore[no-untyped-call]
        new_output("error", ename="E", evalue=TOKEN, traceback=lines),  # type: ignore[no-untyped-call]
        new_output(  # type: ignore[no-untyped-call]
            "display_data", data={"text/html": f"<b>{TOKEN}</b>", "application/json": [TOKEN, 1]}
        ),
    ]
    document = new_notebook(cells=[cell])  # type: ignore[no-untyped-call]
    failure = Failure(ending=Ending.CELL_FAILED, index=0, name=None, message=TOKEN, traceback=TOKEN)
    run = Execution(
        document=document, cells=(), failure=failure, started_at="", seconds=1.0, log=TOKEN
    )
    clean = REDACTOR.execution(run)
    assert clean.document.cells[0].source == cell.source
    assert TOKEN not in str(clean).replace(cell.source, "")
    assert lines[1] not in str(clean)
    assert TOKEN in str(document.cells[0].outputs), "the run itself is not touched"
    assert REDACTOR.holders(document) == (0,)
    assert REDACTOR.holders(clean.document) == ()
