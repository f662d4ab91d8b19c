"""Secrets that open nothing: made up for the tests, each anew."""

from __future__ import annotations

import base64
import random
import textwrap


def letters(count: int, *, seed: int) -> str:
    """Return `count` signs of base64 that nothing else holds."""
    return base64.b64encode(random.Random(seed).randbytes(count)).decode()[:count]


def pem(body: str, *, label: str = "PRIVATE KEY") -> str:
    lines = "\n".join(textwrap.wrap(body, 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"


def base64_of(text: str, *, columns: int = 0) -> str:
    encoded = base64.b64encode(text.encode()).decode()
    return "\n".join(textwrap.wrap(encoded, columns)) if columns else encoded


def jwt(*, seed: int) -> str:
    head = base64_of('{"alg":"RS256","kid":"test"}').rstrip("=")
    body = base64_of(f'{{"sub":"test","jti":"{seed}"}}').rstrip("=")
    return f"{head}.{body}.{letters(342, seed=seed).replace('+', '-').replace('/', '_')}"


def numbers(count: int, *, seed: int, size: int = 128) -> list[int]:
    """Return numbers as private keys have them."""
    return [
        int.from_bytes(b"\x9d" + random.Random(f"{seed}/{each}").randbytes(size - 1))
        for each in range(count)
    ]


def der(tag: int, *contents: bytes) -> bytes:
    content = b"".join(contents)
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(length)]) + length + content


def integer(value: int) -> bytes:
    return der(2, value.to_bytes(value.bit_length() // 8 + 1))


def rsa_key(values: list[int]) -> bytes:
    """Return PKCS#1 of a modulus and six private numbers."""
    modulus, *private = values
    return der(0x30, integer(0), integer(modulus), integer(65537), *map(integer, private))


def ec_key(value: int) -> bytes:
    """Return SEC1, with a public key beside the private one."""
    public = der(0xA1, der(3, b"\0\4" + bytes(range(64))))
    return der(0x30, integer(1), der(4, value.to_bytes(32)), public)


def pkcs8(key: bytes) -> bytes:
    return der(0x30, integer(0), der(0x30, der(6, b"\x2a\x86\x48"), der(5)), der(4, key))


def pem_of(data: bytes, *, label: str = "PRIVATE KEY") -> str:
    return pem(base64.b64encode(data).decode(), label=label)
