"""What counts of Secrets and variables that are neither one word nor a document."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.notebook.known import from_environment, from_secret
from istiolab.notebook.redactor import Redactor
from tests.unit.notebook.secrets import letters, pem

WEBHOOK = "https://hooks.slack.com/services/T0/B0/xyz"
TOKEN = letters(40, seed=1).replace("/", "_")
SCRIPT = """\
#!/bin/bash
# keeps the pods of istio-system company
set -euo pipefail
kubectl get pods --namespace istio-system --output wide
[default]
<server>
if true; then
  kubectl delete pod --namespace istio-system --all
fi
"""


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("Tr0ub4dor9xyz\nc0rrecth0rse\n", {"Tr0ub4dor9xyz", "c0rrecth0rse"}),
        ("correct horse 9\nbattery staple 7", {"correct horse 9", "battery staple 7"}),
        ("Tr0ub=4dor9xyz\nx", {"Tr0ub=4dor9xyz"}),
        ("DB_PASSWORD=Tr0ub4dor9xyz\nLOG_LEVEL=info\nPORT=8080\n", {"Tr0ub4dor9xyz"}),
        ("# ours\nexport SALT='s4lt-and-p3pper'\nUSER=me", {"s4lt-and-p3pper"}),
        ("db.url = 0123-4567-89ab\r\nname = postgres\r\n", {"0123-4567-89ab"}),
        ("KEY=Tr0ub4dor9xyz\nCERT_FINGERPRINT=ab:cd:ef:01:23:45:67\n", {"Tr0ub4dor9xyz"}),
        (f"WEBHOOK={WEBHOOK}\nDEBUG=true", {WEBHOOK}),
        (
            "me:$apr1$9Cv/OMGj$ZomWQzuQL.3TRCS81A1g/\nyou:Sesame-7\n",
            {
                *(
                    "me:$apr1$9Cv/OMGj$ZomWQzuQL.3TRCS81A1g/",
                    "$apr1$9Cv/OMGj$ZomWQzuQL.3TRCS81A1g/",
                ),
                *("you:Sesame-7", "Sesame-7"),
            },
        ),
        ("{Tr0ub4dor", {"{Tr0ub4dor"}),
        ("{Tr0ub4dor}", {"{Tr0ub4dor}"}),
        ("{Tr0ub4dor\n[c0rrecth0rse", {"{Tr0ub4dor", "[c0rrecth0rse"}),
        ("DB_PASSWORD=Tr0ub4dor9xyz", {"DB_PASSWORD=Tr0ub4dor9xyz", "Tr0ub4dor9xyz"}),
    ],
)
def test_of_the_lines_of_a_secret_each_counts_and_of_an_assignment_its_value(
    value: str, wanted: set[str]
) -> None:
    assert from_secret({"file": value}).secret == wanted


@pytest.mark.parametrize(
    "value", [SCRIPT, SCRIPT * 400, "postgres\nistio-system\n", "a: 1\nb: x-7"]
)
def test_what_a_secret_shares_with_any_page_is_no_secret(value: str) -> None:
    assert from_secret({"file": value}) == from_secret({})


def test_lines_of_what_is_public_stay() -> None:
    assert from_secret({"ca.crt": f"{letters(64, seed=1)}\n{letters(64, seed=2)}"}).secret == set()


def test_a_key_is_still_found_in_a_text_that_says_more() -> None:
    key = letters(40, seed=1)
    assert from_secret({"file": f"some words\n{pem(key)}"}).secret == {key}


def test_of_the_lines_of_a_variable_those_count_that_say_so() -> None:
    lines = "REGION=eu-west-1a\nDB_PASSWORD=Tr0ub4dor9xyz\n0123-4567-89ab-cdef\n"
    assert from_environment({"SETTINGS": lines}).secret == {"Tr0ub4dor9xyz"}
    assert "0123-4567-89ab-cdef" in from_environment({"OUR_SECRETS": lines}).secret


@pytest.mark.parametrize(
    ("url", "own"),
    [
        (WEBHOOK, "T0"),
        ("https://hooks.example.org/?code=c0rrect-h0rse", "c0"),
        ("https://ghp-0123456789ab@example.org/istio/istio.git", "ghp-"),
        (f"https://example.org/v1/{TOKEN}", TOKEN[:4]),
    ],
)
def test_a_url_that_is_kept_secret_counts_whole_and_its_place_stays(url: str, own: str) -> None:
    known = from_secret({"url": url})
    assert url in known.secret
    place = "https://hooks.slack.com/services/ and https://example.org/istio/istio.git"
    shown = Redactor(known).text(f"at {url} and {place}")
    assert shown.endswith(f" and {place}")
    assert "[redacted: secret]" in shown
    assert own not in shown
    assert from_environment({"SOME_URL": url}).secret == set()


@pytest.mark.parametrize(
    "url",
    [
        "https://198.51.100.2:6443",
        "https://github.com/istio/istio.git",
        "https://git@github.com/istio/istio",
        "https://istio-release.storage.googleapis.com/charts/",
        "https://example.org/realms/master/protocol/openid-connect/token",
    ],
)
def test_a_url_of_common_words_is_no_secret_wherever_it_lies(url: str) -> None:
    assert from_secret({"token-url": url}).secret == set()


def test_the_password_in_a_url_of_a_secret_counts_alone() -> None:
    assert "pypi-Zm9v" in from_secret({"a": "https://me:pypi-Zm9v@example.org/simple"}).secret


PASSWORDS = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#="), min_size=12
).filter(lambda text: any(each.isdigit() for each in text.strip("\"',;()<>[]{}!/\\:")[:12]))


@given(st.lists(PASSWORDS.map(lambda text: f"0{text}9"), min_size=2, max_size=9, unique=True))
def test_no_password_is_lost_among_others(passwords: list[str]) -> None:
    """They begin and end with a number, so that no YAML or JSON is among them."""
    assert {*passwords} <= from_secret({"file": "\n".join(passwords)}).secret


@given(st.text(), st.booleans())
def test_any_text_can_be_looked_into(text: str, variable: bool) -> None:  # noqa: FBT001 - drawn
    known = from_environment({"A": text}) if variable else from_secret({"a": text})
    assert all(len(each) > 2 for each in known.secret)
