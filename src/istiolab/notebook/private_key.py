"""A private key in, the numbers of it that are secret out: a key's public half holds the others."""

from __future__ import annotations

import re
from collections.abc import Iterator

PEM = re.compile(
    r"-----BEGIN (?P<label>[A-Z0-9 ]+)-----(?P<body>.*?)-----END (?P=label)-----", re.DOTALL
)
_INTEGER, _OCTETS, _CONSTRUCTED = 0x02, 0x04, 0x20
_LEAST_BYTES = 16


def private_numbers(der: bytes) -> tuple[bytes, ...]:
    """Return the private numbers of a key in DER, without zeros before them; none if it is no key.

    PKCS#1 (RFC 8017 §A.1.2), SEC1 (RFC 5915 §3), and both in PKCS#8 (RFC 5208 §5). RSA's numbers
    are integers, the modulus first, which is public; those of elliptic curves are octets.
    """
    try:
        leaves = list(_leaves(der))
    except (ValueError, IndexError):
        return ()
    if not leaves or leaves[0] not in ((_INTEGER, b"\x00"), (_INTEGER, b"\x01")):
        return ()  # a key begins with its version; no certificate and no public key does
    long = [(tag, value.lstrip(b"\0")) for tag, value in leaves if len(value) >= _LEAST_BYTES]
    integers = [value for tag, value in long if tag == _INTEGER]
    octets = [value for tag, value in long if tag == _OCTETS]
    return (*integers[1:], *octets)


def _leaves(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the tags and contents of the values in DER that hold no others (ITU-T X.690 §8.1)."""
    at = 0
    while at < len(der):
        tag, size = der[at], der[at + 1]
        at += 2
        if size & 0x80:
            count = size & 0x7F
            size = int.from_bytes(der[at : at + count])
            at += count
        content = der[at : at + size]
        at += size
        if at > len(der):
            raise ValueError("cut off")
        inner = list(_inside(tag, content))
        yield from inner or [(tag, content)]


def _inside(tag: int, content: bytes) -> Iterator[tuple[int, bytes]]:
    if tag & _CONSTRUCTED:
        yield from _leaves(content)
    elif tag == _OCTETS and content[:1] in (b"\x30", b"\x04"):  # as PKCS#8 wraps a key
        try:
            yield from list(_leaves(content))
        except (ValueError, IndexError):
            return
