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
