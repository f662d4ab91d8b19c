"""Which texts hold a secret: every value in every form at every width, and nothing else."""

from __future__ import annotations

import base64
import html
import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.notebook.document import load_document
from istiolab.notebook.known import SecretValue, from_secret
from istiolab.notebook.scanner import SecretScanner
from istiolab.notebook.withhold import withhold
from tests.unit.notebook.secrets import (
    base64_of,
    ec_key,
    jwt,
    letters,
    numbers,
    pem,
    pem_of,
    pkcs8,
    rsa_key,
)

NOTEBOOKS = Path(__file__).parents[3] / "notebooks"
PUBLIC, *PRIVATE = RSA = numbers(7, seed=1)
EC = numbers(1, seed=2, size=32)[0]
TOKEN = letters(60, seed=3)

WRITTEN: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "base64": base64_of,
    "base64 for URLs": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
    "base64 within more": lambda value: base64_of(f"x: {value} <"),
    "base64 twice": lambda value: base64_of(base64_of(f"ab{value}")),
    "base32": lambda value: base64.b32encode(f"abc{value}".encode()).decode(),
    "hex": lambda value: value.encode().hex(),
    "hex with colons": lambda value: value.encode().hex(":").upper(),
    "URL": lambda value: quote(value, safe=""),
    "decimal": lambda value: f"{int.from_bytes(value.encode()):,}",
    "bytes": lambda value: str([*value.encode()]),
}
ESCAPED: dict[str, Callable[[str], str]] = {
    "JSON": json.dumps,
    "JSON in JSON": lambda value: json.dumps(json.dumps({"a": value})),
    "JSON of Go": lambda value: (
        json.dumps(value, ensure_ascii=False).replace("&", "\\u0026").replace("<", "\\u003c")
    ),
    "Python": repr,
    "bytes of Python": lambda value: repr(value.encode()),
    "HTML": html.escape,
    "HTML in numbers": lambda value: "".join(f"&#{ord(sign)};" for sign in value),
    "URL in JSON": lambda value: json.dumps({"url": quote(value)}),
}
ENDS = ("\n", "\n    ", "\\n", "\\\\n", "' \n b'", '",\n  "', "<br>\n")

# Enough letters and digits that they tell wherever they stand.
values = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=8).filter(
    lambda value: sum(each.isalnum() for each in value) >= 16 and len(set(value)) > 8
)
# What would make an escape of what follows is left out.
around = st.text(st.characters(codec="utf-8", exclude_characters="\\%&"))


def scanner_of(value: str, key: str = "password") -> SecretScanner:
    return SecretScanner(from_secret("a/b", {key: value.encode()}))


@given(values, st.sampled_from(sorted(WRITTEN)), around, around, st.integers(1, 90), st.data())
def test_a_value_in_any_form_is_found_wrapped_at_any_width_inside_any_text(
    value: str, form: str, before: str, after: str, width: int, data: st.DataObject
) -> None:
    scanner = SecretScanner([SecretValue(source="it", data=value.encode())])
    written = WRITTEN[form](value)
    end = data.draw(st.sampled_from(ENDS))
    wrapped = end.join(written[at : at + width] for at in range(0, len(written), width))
    text = f"{before}{wrapped}{after}"
    assert scanner.find(text) == "it"
    assert value not in scanner.text(text)


@given(values, st.sampled_from(sorted(ESCAPED)), around, around)
def test_an_escaped_value_is_found_inside_any_text(
    value: str, form: str, before: str, after: str
) -> None:
    scanner = SecretScanner([SecretValue(source="it", data=value.encode())])
    assert scanner.find(f"{before}{ESCAPED[form](value)}{after}") == "it"


@given(st.text())
def test_random_text_holds_no_secret(text: str) -> None:
    scanner = SecretScanner(
        from_secret(
            "a/b",
            {
                "key": pem_of(rsa_key(RSA)).encode(),
                "ec": pem_of(ec_key(EC)).encode(),
                "token": TOKEN.encode(),
                "password": b"hunter2",
            },
        )
    )
    assert scanner.find(text) is None
    assert scanner.text(text) == text


@given(st.integers(0, 80))
def test_a_piece_of_a_long_value_is_found(start: int) -> None:
    token = TOKEN.encode().hex()
    scanner = scanner_of(token)
    assert scanner.find(f"| {token[start : start + 40]}… |") is not None
    assert scanner.find(f"| {token[start : start + 12]}… |") is None


@pytest.mark.parametrize(
    "value", ["hunter2", "Pa55", "s3same", "swordfish", "124578", "opensesame"]
)
def test_a_short_password_is_found_where_it_stands_alone(value: str) -> None:
    scanner = scanner_of(value)
    for text in (
        value,
        f"password: {value}\n",
        f"| user | {value} |",
        f"<td>{value}</td>",
        json.dumps({"a": f"\n{value}\t"}),
        base64_of(value),
        base64_of(f"someone:{value}"),
        base64_of(json.dumps({"password": base64_of(value)})),
        value.encode().hex(":"),
        "\n".join(textwrap.wrap(value, 3)),
    ):
        assert scanner.find(text) == "a value of Secret a/b, key password", text
    for text in (f"{value}s", f"x{value}", value[:-1], value.upper() + "X"):
        assert scanner.find(text) is None, text


@pytest.mark.parametrize("wrap", [bytes, pkcs8])
@pytest.mark.parametrize("key", [rsa_key(RSA), ec_key(EC)])
def test_a_private_key_is_found_by_its_numbers_and_not_by_its_public_one(
    wrap: type[bytes], key: bytes
) -> None:
    data = pem_of(wrap(key), label="RSA PRIVATE KEY")
    number = PRIVATE[2] if key == rsa_key(RSA) else EC
    scanner = scanner_of(data, key="ca-key.pem")
    digits = number.to_bytes((number.bit_length() + 7) // 8).hex(":")
    for text in (
        *(base64.b64encode(wrap(key)).decode(), wrap(key).hex(), base64_of(data, columns=10)),
        *(str(number), f"{number:_}", hex(number), f"{number:X}"),
        "prime:\n" + textwrap.indent("\n".join(textwrap.wrap(f"00:{digits}", 45)), "    "),
        "\n".join(textwrap.wrap(str(number), 20)),
    ):
        assert scanner.find(text) == "a value of Secret a/b, key ca-key.pem", text
    public = f"{PUBLIC}\n{PUBLIC:x}\n{bytes(range(64)).hex(':')}"
    assert scanner.find(public) is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (pem(letters(100, seed=4)), "a private key"),
        (pem(letters(100, seed=4), label="EC PRIVATE KEY")[:40], "a private key"),
        (json.dumps({"key": pem("QUJD")}), "a private key"),
        (base64_of(pem("QUJD", label="RSA PRIVATE KEY"), columns=10), "a private key"),
        ("    privateExponent:\n        00:aa:bb:cc:dd:ee:ff:01:02:\n", "a private key"),
        ("priv:\n    0a:bb:cc:dd:ee:ff:01:02:\n    03", "a private key"),
        (jwt(seed=5), "a JSON Web Token"),
        (textwrap.fill(jwt(seed=5), 10, break_on_hyphens=False), "a JSON Web Token"),
        (base64_of(f"token: {jwt(seed=5)}"), "a JSON Web Token"),
        ("authorization: Bearer abcdefgh12345678", "a bearer token"),
        ('{"Authorization": "Bearer abcdefgh-12345678"}', "a bearer token"),
        ("ghp_" + letters(60, seed=6).replace("+", "").replace("/", "")[:36], "a token of GitHub"),
        ("key AKIAIOSFODNN7ABCDEFG", "an access key of AWS"),
    ],
)
def test_what_can_only_be_a_credential_is_found_though_nobody_knows_it(
    text: str, kind: str
) -> None:
    assert SecretScanner().find(f"before {text} after") == kind


@pytest.mark.parametrize(
    "text",
    [
        pem(letters(900, seed=7), label="CERTIFICATE"),
        pem(letters(300, seed=7), label="PUBLIC KEY"),
        base64_of(pem(letters(900, seed=7), label="CERTIFICATE")),
        "sha256:" + letters(48, seed=8).encode().hex(),
        "Authorization: Bearer $TOKEN\nauthorization: bearer <token-of-the-service>",
        "no Bearer token, no private key; eyJhbGciOiJIUzI1NiJ9 is a header alone",
        "https://example.org/a?token=none",
        "AKIA GHP_ glpat- xoxb-",
    ],
)
def test_what_is_public_is_no_secret(text: str) -> None:
    assert SecretScanner().find(text) is None


@pytest.mark.timeout(20)
def test_a_text_of_blanks_alone_is_read_once() -> None:
    assert SecretScanner().find("a" + " " * 200_000 + "b") is None


def test_no_published_notebook_holds_what_a_secret_may_say_besides() -> None:
    ordinary = {
        "enabled": "true",
        "namespace": "istio-system",
        "where": "default",
        "server": "https://kubernetes.default.svc:443",
        "host": "productpage",
        "port": "9080",
        "address": "127.0.0.1",
        "version": "1.22.0",
        "mode": "STRICT",
        "user": "admin",
        "password": "password",
        "expiration": "2026-11-24T00:00:00Z",
    }
    data = {key: value.encode() for key, value in ordinary.items()}
    scanner = SecretScanner(from_secret("a/b", data))
    paths = sorted(NOTEBOOKS.glob("*.ipynb"))
    assert len(paths) > 3
    assert {path.name: withhold(load_document(path), scanner)[1] for path in paths} == {
        path.name: {} for path in paths
    }
