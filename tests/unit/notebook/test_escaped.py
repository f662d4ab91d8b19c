"""Known values in the encodings of other programs than ours."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import nbformat
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook, new_output

from istiolab.notebook.escaped import behind_escapes
from istiolab.notebook.known import Known
from istiolab.notebook.redactor import Redactor
from istiolab.notebook.spans import Span
from tests.unit.notebook.secrets import letters

Encode = Callable[[str], str]
GO = {"&": "\\u0026", "<": "\\u003c", ">": "\\u003e"}
MARK = "[redacted: secret]"


def lower(text: str) -> str:
    return re.sub(r"%..", lambda each: each[0].lower(), text)


def go_json(text: str) -> str:
    return "".join(GO.get(sign, sign) for sign in json.dumps(text, ensure_ascii=False)[1:-1])


def all_units(text: str, *, form: str = "\\u{:04X}") -> str:
    data = text.encode("utf-16-be")
    return "".join(form.format(int.from_bytes(data[at : at + 2])) for at in range(0, len(data), 2))


ENCODINGS: dict[str, Encode] = {
    "Go's JSON": go_json,
    "Go's JSON within JSON": lambda text: json.dumps(go_json(text))[1:-1],
    "Go's JSON within HTML": lambda text: html.escape(go_json(text)),
    "JSON, each sign": all_units,
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "hex among more": lambda text: f"a{text}b".encode().hex(),
    "base32": lambda text: base64.b32encode(text.encode()).decode(),
    "base32 at 1": lambda text: base64.b32encode(f"a{text}".encode()).decode(),
    "base32 among more": lambda text: base64.b32encode(f"abc{text}d".encode()).decode(),
    "URL": quote,
    "url": lambda text: lower(quote(text)),
    "url, each sign": lambda text: lower(quote(text, safe="")),
    "form": quote_plus,
    "form, small": lambda text: lower(quote_plus(text)),
    "URL within URL": lambda text: quote(lower(quote(text))),
    "bytes of Python": lambda text: "".join(f"\\x{each:02x}" for each in text.encode()),
    "entities": lambda text: "".join(f"&#{ord(sign)};" for sign in text),
    "Entities": lambda text: "".join(f"&#x{ord(sign):X};" for sign in text),
    "Go's HTML": lambda text: html.escape(text).replace("&#x27;", "&#39;").replace("+", "&#43;"),
    "entities within HTML": lambda text: html.escape(html.escape(text).replace("&#x27;", "&#39;")),
}
# No gaps, which the search leaves out, and a sign of each kind that some program escapes.
SECRETS = st.text("aZ09&<>%/+=~?#é漢\U0001f600", min_size=12, max_size=60).map("s'{}".format)


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
def test_a_known_value_is_replaced_in_the_encodings_of_others(encode: Encode) -> None:
    @settings(deadline=None, max_examples=40)
    @given(SECRETS)
    @example("Tr0ub4dor&3<xyz")
    @example("p\"a<ss&w0rd é/+'")
    @example(letters(800, seed=1))
    def check(secret: str) -> None:
        written = encode(secret)
        shown = Redactor(Known(secret=frozenset({secret}))).text(f"| {written} |")
        assert shown.startswith("| ")
        assert shown.endswith(" |")
        assert MARK in shown
        # At the edges of an encoding a sign may hold bits of both sides.
        assert len(shown) < len(f"| {MARK} |") + 20

    check()


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
@given(at=st.integers(0, 700))
@settings(deadline=None, max_examples=20)
def test_a_piece_of_a_long_value_is_replaced_in_the_encodings_of_others(
    encode: Encode, at: int
) -> None:
    value = letters(800, seed=1)
    written = encode(value)
    redactor = REDACTORS.setdefault(value, Redactor(Known(secret=frozenset({value}))))
    place = at * len(written) // 800
    # Eight signs may be one that is escaped.
    shown = redactor.text(f"| {written[place : place + 8 * 24]} |")
    assert MARK in shown
    assert len(shown) < len(f"| {MARK} |") + 24


REDACTORS: dict[str, Redactor] = {}
PLAIN = Redactor(Known(secret=frozenset({letters(800, seed=1), "Tr0ub4dor&3<xyz"})))


@settings(deadline=None)
@given(st.text() | st.text("\\%&#;ux0aF "))
def test_text_without_a_secret_stays_however_it_is_written(text: str) -> None:
    for encode in ENCODINGS.values():
        written = encode(text.encode(errors="replace").decode())
        assert PLAIN.text(written) == written


@settings(deadline=None)
@given(st.text("\\%&#;uxdD8c0aF\n "), st.text("a%&\\;"))
def test_what_is_found_behind_escapes_has_a_place_in_the_text(before: str, after: str) -> None:
    def find(text: str) -> list[Span]:
        return [Span(each.start(), each.end(), "x") for each in re.finditer("<secret>", text)]

    text = f"{before}~&lt;secret%3e~{after}"
    spans = {(each.start, each.end) for each in behind_escapes(text, find)}
    assert (len(before) + 1, len(before) + 1 + len("&lt;secret%3e")) in spans


@pytest.mark.parametrize("rows", ["\\" * 50_000, "%" * 50_000, "&" * 50_000, "&#x" * 20_000])
@pytest.mark.timeout(20)
def test_a_long_row_of_signs_is_read_in_no_time(rows: str) -> None:
    assert behind_escapes(rows, lambda _text: []) == []


def test_a_secret_that_names_something_in_json_is_replaced_and_nothing_is_lost() -> None:
    one, two = letters(30, seed=2), letters(30, seed=3)
    tree = {one: 1, "plain": {two: [{one: "a"}], 7: two}, two: 2}
    output = new_output("display_data", data={"application/json": tree})  # type: ignore[no-untyped-call]
    document = new_notebook(cells=[new_code_cell("", outputs=[output])])  # type: ignore[no-untyped-call]
    redactor = Redactor(Known(secret=frozenset({one, two})))
    assert redactor.holders(document) == (0,)
    clean = redactor.outputs(document)
    assert clean.cells[0].outputs[0].data["application/json"] == {
        MARK: 1,
        "plain": {MARK: [{MARK: "a"}], 7: MARK},
        f"{MARK} 2": 2,
    }
    assert redactor.holders(clean) == ()
    nbformat.validate(clean)
    assert list(document.cells[0].outputs[0].data["application/json"]) == [one, "plain", two]


def test_a_value_that_is_no_unicode_is_one_like_any_other() -> None:
    value = "Tr0ub4dor\udc80xyz"
    assert Redactor(Known(secret=frozenset({value}))).text(f"a {value}") == f"a {MARK}"
