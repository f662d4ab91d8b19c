"""Text in, the same text without anything that opens a door out.

Rule 1: what is replaced is named by its kind, so that a reader sees that something was there.
Rule 2: redacting twice is redacting once: the mark itself matches no pattern.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import TypeVar

Replace = Callable[[re.Match[str]], str]
Tree = TypeVar("Tree")

# RFC 7468 §2: the label of the END line is that of the BEGIN line. A key that was cut off is a
# key as well, so the end of the text ends it, too. JSON shows its line ends as `\n`.
_PEM_KEY = re.compile(
    r"-----BEGIN (?P<label>[A-Z0-9 ]*PRIVATE KEY)-----"
    r".*?(?:-----END (?P=label)-----|\Z)",
    re.DOTALL,
)

# RFC 7519 §3: three base64url parts joined by dots; the first is a JSON object, and `{"` is
# written `eyJ`. Without its signature (RFC 7519 §6) a token is still no reader's business.
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*")

# RFC 6750 §2.1: the token's alphabet is that of `b64token`.
_BEARER = re.compile(
    r"(?P<before>\bauthorization\b[\"']?\s*[:=]\s*[\"']?bearer\s+)(?P<value>[A-Za-z0-9._~+/-]+=*)",
    re.IGNORECASE,
)

# The secret fields of a kubeconfig (client.authentication, `AuthInfo`), as YAML, as JSON or as
# Python shows a mapping. The value begins with no `[`, so that the mark is left alone.
_KUBECONFIG_FIELD = re.compile(
    r"(?P<before>(?<![A-Za-z0-9_-])(?P<quote>\\?[\"']?)"
    r"(?P<field>client-key-data|client_key_data|clientKeyData|token|id-token|refresh-token"
    r"|password)"
    r"(?P=quote)\s*:[ \t]*)(?P<open>\\?[\"']?)(?P<value>[A-Za-z0-9._~+/=-]{16,})"
)

# Base64 text of some length: what a Secret or a kubeconfig holds a PEM text in.
_BASE64 = re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/]{16,}={0,2}")


def redact(text: str) -> str:
    """Return `text` with tokens and private keys replaced by `[redacted: kind]`."""
    for pattern, replace in _RULES:
        text = pattern.sub(replace, text)
    return text


def redact_tree(value: Tree) -> Tree:
    """Redact every text in a tree of mappings and lists, in place; return the tree."""
    if isinstance(value, dict):
        for key, each in value.items():
            value[key] = redact(each) if isinstance(each, str) else redact_tree(each)
    elif isinstance(value, list):
        value[:] = [redact(each) if isinstance(each, str) else redact_tree(each) for each in value]
    return value


def _mark(kind: str) -> str:
    return f"[redacted: {kind}]"


def _key_in_base64(found: re.Match[str]) -> str:
    text = found.group(0)
    # A text that was cut off may end within a group of four.
    whole = text.rstrip("=")
    whole = whole[: len(whole) // 4 * 4]
    try:
        decoded = base64.b64decode(whole, validate=True)
    except binascii.Error:
        return text
    return _mark("private key") if b"PRIVATE KEY-----" in decoded else text


_RULES: tuple[tuple[re.Pattern[str], Replace], ...] = (
    (_PEM_KEY, lambda _: _mark("private key")),
    (_BASE64, _key_in_base64),
    (_BEARER, lambda found: found["before"] + _mark("bearer token")),
    (_JWT, lambda _: _mark("token")),
    (_KUBECONFIG_FIELD, lambda found: found["before"] + found["open"] + _mark(found["field"])),
)
"""The patterns, and what takes the place of a match; a wider pattern comes before a narrower."""
