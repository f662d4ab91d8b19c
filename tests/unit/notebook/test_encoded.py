"""What `redact` finds behind wraps and base64."""

from __future__ import annotations

import base64
import json
import pprint
import textwrap

import pytest

from istiolab.notebook.redact import redact
from tests.unit.notebook.secrets import base64_of, jwt, letters, pem

BODY = letters(1600, seed=1)
KEY = pem(BODY)
TOKEN = jwt(seed=2)
CERTIFICATE = pem(letters(1100, seed=3), label="CERTIFICATE")


def windows(secret: str, shown: str) -> list[str]:
    """Return the pieces of a secret that are still to be seen."""
    flat = "".join(shown.split())
    pieces = (secret[place : place + 24] for place in range(0, len(secret) - 24, 3))
    return [piece for piece in pieces if piece in flat]


@pytest.mark.parametrize("columns", [20, 64, 76, 120])
@pytest.mark.parametrize("wrapped", [KEY, TOKEN], ids=["key", "token"])
@pytest.mark.parametrize(
    "form",
    [
        lambda text: text,
        lambda text: textwrap.indent(text, "      "),
        lambda text: f"data:\n  tls.key: |\n{textwrap.indent(text, '    ')}\nkind: Secret\n",
        json.dumps,
        repr,
        lambda text: repr(text.encode()),
        lambda text: json.dumps(json.dumps({"key": text})),
        lambda text: json.dumps(text.split("\n"), indent=2),
        lambda text: pprint.pformat(text.split("\n")),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: f"<pre>{text.replace(chr(10), '<br>')}</pre>",
    ],
    ids=lambda form: getattr(form, "__name__", ""),
)
def test_base64_that_was_wrapped_is_replaced_as_a_whole(
    columns: int, wrapped: str, form: object
) -> None:
    assert callable(form)
    encoded = base64_of(wrapped)
    shown = redact(form(base64_of(wrapped, columns=columns)))
    assert "[redacted: " in shown
    assert windows(encoded, shown) == []


def test_a_token_that_was_wrapped_is_replaced() -> None:
    shown = redact(
        "\n".join(["before", *textwrap.wrap(TOKEN, 64, break_on_hyphens=False), "after it"])
    )
    assert shown == "before\n[redacted: token]\nafter it"


def test_each_of_two_tokens_one_below_the_other_is_replaced() -> None:
    assert redact(f"{TOKEN}\n{jwt(seed=5)}\n") == "[redacted: token]\n"


@pytest.mark.parametrize("between", ["", "x", "xy", "xyz"])
def test_a_key_is_found_wherever_in_a_text_in_base64_it_stands(between: str) -> None:
    text = f"{CERTIFICATE}{between}{KEY}the end of a text that is no secret at all\n"
    shown = redact(base64_of(text))
    assert windows(BODY, shown) == []
    assert shown.startswith(base64_of(CERTIFICATE)[:-4])
    assert shown.endswith(base64_of(text)[-40:])


def test_a_certificate_above_a_key_stays() -> None:
    lines = f"{base64_of(CERTIFICATE)}\n{base64_of(KEY)}\n"
    assert redact(lines) == f"{base64_of(CERTIFICATE)}\n[redacted: private key]\n"


def test_a_kubeconfig_in_base64_in_a_secret_shows_nothing() -> None:
    inner = f"users:\n- user:\n    client-key-data: {base64_of(KEY)}\n    token: {TOKEN}\n"
    shown = redact(f"value: {base64_of(inner)}")
    assert windows(base64_of(inner)[40:], shown) == []


@pytest.mark.parametrize(
    "head",
    [
        *("308204a40201000282010100", "308204be020100300d06092a864886f70d0101010500"),
        *("30770201010420", "308187020100301306072a8648ce3d0201", "302e020100300506032b6570"),
    ],
    ids=["PKCS1", "PKCS8", "SEC1", "PKCS8 EC", "Ed25519"],
)
def test_a_key_without_its_pem_lines_is_known_by_its_bytes(head: str) -> None:
    encoded = base64.b64encode(bytes.fromhex(head) + b"k" * 90).decode()
    assert redact(f"key {encoded} end") == "key [redacted: private key] end"


@pytest.mark.parametrize(
    "text",
    [
        # A public key, and the beginning of a certificate.
        "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAu1SU1LfVLPHCozMxH2Mo",
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9",
        "MIIC/TCCAeWgAwIBAgIRAP5sKqbXoyiHl4bH3V7WzXkwDQYJKoZIhvcNAQELBQAw",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "backend-76d9bf4d5c-x7k2p\nbackend-76d9bf4d5c-zz9qq\nfrontend-5f6d8b9c7d-aaaaa",
        base64_of("nothing but an ordinary text in base64, as a ConfigMap may show it"),
    ],
)
def test_what_is_public_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *("eyJ" * 60_000, "\\" * 200_000, "token" + " " * 200_000, "password <" * 20_000),
        *("-----BEGIN PRIVATE KEY" * 9_000, '"' * 200_000, "://a:" * 40_000),
        "\n".join(["x" * 76] * 2_600),
    ],
    ids=lambda text: text[:10],
)
@pytest.mark.timeout(20)
def test_no_output_takes_long(text: str) -> None:
    redact(text)
