"""Text in, the same text without anything that opens a door out: what a secret looks like.

Rule 1: what is replaced is named by its kind, so that a reader sees that something was there.
Rule 2: redacting twice is redacting once: the mark itself matches no pattern.
Rule 3: what is public stays: certificates, public keys, digests, ids.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Container, Iterator
from itertools import chain, count
from typing import Any, TypeVar

from nbformat import NotebookNode

from istiolab.notebook.encoded import behind_base64, behind_wraps
from istiolab.notebook.spans import Span, replace_all

Tree = TypeVar("Tree")

# How deep base64 is looked into: a Secret shows a kubeconfig in it, which holds a key in it.
_DEPTH = 3

# A space as it stands in URLs and in HTML, too.
_SPACE = r"(?: |%20|\+|&nbsp;|&\#32;)"
# RFC 7468 §2: the label of the END line is that of the BEGIN line. A key that was cut off is a
# key as well, so the end of the text ends it, too. JSON shows its line ends as `\n`.
_PEM_KEY = re.compile(
    rf"-----BEGIN(?P<label>(?:{_SPACE}[A-Z0-9]+)*{_SPACE}PRIVATE{_SPACE}KEY(?:{_SPACE}BLOCK)?)-----"
    r".*?(?:-----END(?P=label)-----|\Z)",
    re.DOTALL,
)

# The bytes of a private key, as they come out of base64 that lacks the PEM lines around it: a
# sequence whose first element is the version, 0 or 1 (RFC 5208 §5, RFC 8017 §A.1.2, RFC 5915 §3).
# A certificate and a public key begin with another sequence, or with a long number.
_DER_KEY = re.compile(
    r"\A0(?:\x82..|\x81.|[\x20-\x7f])\x02\x01(?:\x00[0\x02]|\x01\x04).*", re.DOTALL
)

# RFC 7519 §3: three base64url parts joined by dots; the first is a JSON object, and `{"` is
# written `eyJ`. Without its signature (RFC 7519 §6) a token is still no reader's business.
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{5,1500}\.eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*")

# RFC 6750 §2.1: the token's alphabet is that of `b64token`.
_BEARER = re.compile(
    r"(?:\bauthorization\b(?:[\"']|&quot;)?\s*[:=,]\s*(?:[\"']|&quot;)?bearer\s+"
    r"(?P<value>[A-Za-z0-9._~+/-]+=*))"
    r"|\bbearer\s+(?P<bare>[A-Za-z0-9._~+/-]{20,}=*)",
    re.IGNORECASE,
)
# RFC 7617 §2: user and password joined by a colon, in base64.
_BASIC = re.compile(r"\bbasic\s+(?P<value>[A-Za-z0-9+/]{8,}={0,2})", re.IGNORECASE)
# RFC 3986 §3.2.1: what stands before the `@`, after the user's name and a colon.
_URL = re.compile(r"://[^\s/:@\"'<>]*:(?P<value>[^\s/@\"'<>\[]{3,})@")

# The secret fields of a kubeconfig (client.authentication, `AuthInfo`) and of their kind, as YAML,
# as JSON, as Python shows a mapping or an object, each in HTML as well, and as a table's row. The
# value begins with no `[`, so that the mark is left alone.
# The bounds keep a long row of spaces or backslashes from being looked at again and again.
_TAGS = r"(?:[ \t]|<[^<>\n]{0,80}>){0,20}"
_QUOTE = r"(?:\\{0,8}[\"']|&quot;|&\#(?:x27|34|39);)"
_KUBECONFIG_FIELD = re.compile(
    r"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt]))"
    rf"(?P<quote>{_QUOTE}|)"
    r"(?P<field>client[_-]?key[_-]?data|clientKeyData|token|(?:id|access|refresh)[_-]token"
    r"|client[_-]secret|password)"
    rf"(?P=quote)(?:{_TAGS}\s{{0,20}}[:=]{_TAGS}|</t[dh]>\s{{0,20}}<t[dh][^<>]{{0,80}}>)"
    rf"{_QUOTE}?"
    r"(?P<value>[A-Za-z0-9._~+/=-]{16,})"
)


def redact(text: str) -> str:
    """Return `text` with tokens and private keys replaced by `[redacted: kind]`."""
    return replace_all(text, find)


def redact_tree(value: Tree, change: Callable[[str], str] = redact) -> Tree:
    """Change every text in a tree of mappings and lists, in place; return the tree.

    Names in mappings are texts, too; two that come out the same are told apart by a number.
    """
    if isinstance(value, dict):
        changed: dict[Any, Any] = {}
        for key, each in value.items():
            name = change(key) if isinstance(key, str) else key
            changed[_unused(name, changed)] = _changed(each, change)
        value.clear()
        value.update(changed)
    elif isinstance(value, list):
        value[:] = [_changed(each, change) for each in value]
    return value


def _changed(value: Tree, change: Callable[[str], str]) -> Tree | str:
    return change(value) if isinstance(value, str) else redact_tree(value, change)


def _unused(name: str, names: Container[str]) -> str:
    numbered = (f"{name} {number}" for number in count(2))
    return next(each for each in chain((name,), numbered) if each not in names)


def redact_output(output: NotebookNode, change: Callable[[str], str] = redact) -> None:
    """Change every text of a cell's output, in place."""
    if "traceback" in output:
        # Line by line, a key that runs over several would not look like one.
        whole = "\n".join(output.traceback)
        if (clean := change(whole)) != whole:
            output.traceback = clean.split("\n")
    redact_tree(output, change)


def find(text: str, *, depth: int = _DEPTH) -> list[Span]:
    """Return where secrets stand in `text`, told by what they look like.

    Args:
        text: any text.
        depth: how often base64 within base64 is looked into.
    """
    found = [*_plain(text), *_words(text, depth)]
    found += behind_wraps(text, lambda flat: list(_words(flat, depth)))
    found += (_value(each, each["field"]) for each in _KUBECONFIG_FIELD.finditer(text))
    return found


def _plain(text: str) -> Iterator[Span]:
    for pattern in (_PEM_KEY, _DER_KEY):
        yield from (Span(*each.span(), "private key") for each in pattern.finditer(text))
    for each in _BEARER.finditer(text):
        yield _value(each, "bearer token", "value" if each["value"] else "bare")
    for each in _BASIC.finditer(text):
        if _is_user_and_password(each["value"]):
            yield _value(each, "basic credentials")
    yield from (_value(each, "password") for each in _URL.finditer(text))


def _words(text: str, depth: int) -> Iterator[Span]:
    """Yield the secrets that are one long word each."""
    yield from (Span(*each.span(), "token") for each in _JWT.finditer(text))
    if depth:
        yield from behind_base64(text, lambda decoded: find(decoded, depth=depth - 1))


def _value(found: re.Match[str], kind: str, group: str = "value") -> Span:
    return Span(*found.span(group), kind)


def _is_user_and_password(text: str) -> bool:
    try:
        return b":" in base64.b64decode(text, validate=True)
    except binascii.Error:
        return False
