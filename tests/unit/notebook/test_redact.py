from __future__ import annotations

import base64
import json
import textwrap

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from istiolab.notebook.redact import redact, redact_tree

# What must not come out again. None of it opens anything: it was written for these tests.
CANARY = "Q2FuYXJ5Q2FuYXJ5Q2FuYXJ5"
KINDS_OF_KEY = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY"]
JWT = f"eyJhbGciOiJub25lIn0.eyJzdWIiOiJ0ZXN0In0.{CANARY}"


def pem(label: str = "PRIVATE KEY") -> str:
    return f"-----BEGIN {label}-----\nMIIE{CANARY}\n{CANARY}==\n-----END {label}-----"


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("label", KINDS_OF_KEY)
def test_a_private_key_is_replaced_and_what_stands_around_it_stays(label: str) -> None:
    assert redact(f"a\n{pem(label)}\nb") == "a\n[redacted: private key]\nb"


def test_a_key_within_json_is_replaced() -> None:
    assert (
        redact(json.dumps({"key": pem(), "a": 1})) == '{"key": "[redacted: private key]", "a": 1}'
    )


def test_a_key_that_was_cut_off_is_replaced() -> None:
    assert redact(f"a {pem()[:60]}") == "a [redacted: private key]"


def test_each_of_several_keys_is_replaced_alone() -> None:
    assert redact(f"{pem()}\nbetween\n{pem('EC PRIVATE KEY')}") == (
        "[redacted: private key]\nbetween\n[redacted: private key]"
    )


@pytest.mark.parametrize("label", KINDS_OF_KEY)
@pytest.mark.parametrize("cut", [0, 1, 2, 3, 5])
def test_a_key_in_base64_is_replaced_even_if_cut_off(label: str, cut: int) -> None:
    encoded = base64_of(pem(label) + "\n")
    found = redact(f"key: {encoded[: len(encoded) - cut]}")
    assert found.rstrip("=") == "key: [redacted: private key]"


@pytest.mark.parametrize("token", [JWT, JWT.removesuffix(CANARY)])
@pytest.mark.parametrize("form", ["{}", "a {} b", "'{}'", '{{"t": "{}"}}', "x={}\n", "<td>{}</td>"])
def test_a_json_web_token_is_replaced(token: str, form: str) -> None:
    assert redact(form.format(token)) == form.format("[redacted: token]")


@pytest.mark.parametrize(
    "before",
    [
        "Authorization: Bearer ",
        "authorization: bearer ",
        "> AUTHORIZATION:bearer  ",
        "{'Authorization': 'Bearer ",
        '"authorization" = "Bearer ',
    ],
)
def test_a_bearer_token_is_replaced_whatever_it_looks_like(before: str) -> None:
    assert redact(f"{before}abc.~+/-_1==") == f"{before}[redacted: bearer token]"
    assert redact(f"{before}{JWT}") == f"{before}[redacted: bearer token]"


@pytest.mark.parametrize(
    "field",
    [
        *("client-key-data", "client_key_data", "clientKeyData"),
        *("token", "id-token", "refresh-token", "password"),
    ],
)
@pytest.mark.parametrize(
    "form",
    ["    {}: {}\n", '    {}: "{}"\n', '{{"{}": "{}"}}', "{{'{}': '{}'}}", '\\"{}\\": \\"{}\\"'],
)
def test_a_secret_field_of_a_kubeconfig_is_replaced(field: str, form: str) -> None:
    assert redact(form.format(field, CANARY)) == form.format(field, f"[redacted: {field}]")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "HTTP/1.1 426 Upgrade Required\r\nupgrade: h2c\r\n",
        "the token: short",
        "token: 3 of 16",
        "client-certificate-data: " + base64_of("-----BEGIN CERTIFICATE-----\n" + CANARY),
        f"-----BEGIN CERTIFICATE-----\n{CANARY}\n-----END CERTIFICATE-----",
        f"-----BEGIN PUBLIC KEY-----\n{CANARY}\n-----END PUBLIC KEY-----",
        f"my-token: {CANARY}",
        f"tokens: {CANARY}",
        "authorization: Basic abc",
        "spiffe://cluster.local/ns/default/sa/eyJhbGci.default",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert redact(text) == text


PIECES = st.sampled_from(
    [
        *(pem(label) for label in KINDS_OF_KEY),
        *(base64_of(pem()), JWT, CANARY, pem()[:40], "-----END PRIVATE KEY-----"),
        *("Authorization: Bearer ", "token: ", '"token": "', "client-key-data: ", "password:"),
        *("[redacted: token]", "[redacted: private key]", "redacted: ", "[", "]"),
        *("\n", " ", '"', "'", ".", ":", "=", "-----", "\\", "eyJ", "LS0tLS1CRUdJTi"),
    ]
)


@settings(deadline=None)
@given(st.lists(PIECES | st.text(max_size=8), max_size=12).map("".join))
@example(f"token: {JWT}")
@example(f"Authorization: Bearer token: {CANARY}")
@example(f"client-key-data: {base64_of(pem())}")
def test_redacting_twice_is_redacting_once(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@settings(deadline=None)
@given(st.text(max_size=40), st.sampled_from([pem(), base64_of(pem()), JWT]), st.text(max_size=40))
def test_a_secret_does_not_survive_between_other_words(
    before: str, secret: str, after: str
) -> None:
    assert secret not in redact(f"{before} {secret} {after}")


def test_all_texts_of_a_tree_are_redacted_in_place_and_nothing_else() -> None:
    tree = {"a": [JWT, {"b": JWT, "c": 1}, [None, "text"]], "d": JWT, "e": True, "f": 0.5}
    mark = "[redacted: token]"
    assert redact_tree(tree) is tree
    assert tree == {
        "a": [mark, {"b": mark, "c": 1}, [None, "text"]],
        "d": mark,
        "e": True,
        "f": 0.5,
    }


def test_lines_of_a_yaml_text_keep_their_indentation() -> None:
    text = textwrap.dedent(f"""\
        users:
        - name: admin
          user:
            client-key-data: {base64_of(pem())}
            token: {CANARY}
        """)
    assert redact(text).splitlines() == [
        "users:",
        "- name: admin",
        "  user:",
        "    client-key-data: [redacted: private key]",
        "    token: [redacted: token]",
    ]
