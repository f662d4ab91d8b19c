from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.notebook.private_key import private_numbers
from tests.unit.notebook.secrets import der, ec_key, integer, numbers, pkcs8, rsa_key

RSA = numbers(7, seed=1)
EC = numbers(1, seed=2, size=32)[0]


def as_bytes(values: list[int]) -> list[bytes]:
    return [value.to_bytes((value.bit_length() + 7) // 8) for value in values]


@pytest.mark.parametrize("wrap", [bytes, pkcs8])
def test_of_an_rsa_key_all_numbers_are_private_but_the_modulus(wrap: type[bytes]) -> None:
    assert [*private_numbers(wrap(rsa_key(RSA)))] == as_bytes(RSA[1:])


@pytest.mark.parametrize("wrap", [bytes, pkcs8])
def test_of_an_elliptic_key_the_octets_are_private(wrap: type[bytes]) -> None:
    assert [*private_numbers(wrap(ec_key(EC)))] == as_bytes([EC])


def test_an_edwards_key_is_octets_in_octets() -> None:
    assert [*private_numbers(pkcs8(der(4, *as_bytes([EC]))))] == as_bytes([EC])


def test_certificates_and_public_keys_have_no_private_number() -> None:
    public = der(0x30, integer(RSA[0]), integer(65537))
    body = der(0x30, der(0xA0, integer(2)), integer(RSA[1]), der(3, b"\0" + public))
    for data in (public, der(0x30, der(0x30, der(6, b"\x2a")), der(3, public)), der(0x30, body)):
        assert private_numbers(data) == ()


@given(st.binary(max_size=80) | st.integers(0, 600).map(lambda at: rsa_key(RSA)[:at]))
def test_what_is_no_whole_key_has_no_numbers_and_does_no_harm(data: bytes) -> None:
    assert private_numbers(data) == () or data[:2] == b"\x02\x01"
