"""An environment, a kubeconfig, a cluster's Secrets in; which values must not get out, out.

A value counts by what it is called, and if it is no common word: paths, times and names such as
`istio-system` would blacken pages that have nothing to hide.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_SECRET_WORD = re.compile(
    r".*(?:secret|token|password|passwd|passphrase|credential|key)s?|pass|pat|pwd"
)
_LAST_SECRET_WORD = re.compile(r"auth")
_PUBLIC_WORDS = frozenset({"public", "pub", "cert", "certs", "certificate", "crt", "fingerprint"})
# The working folders, what lies beside a secret without being one, and names of files.
_PLAIN_NAMES = frozenset(
    {"PWD", "OLDPWD", "description", "expiration", "host", "name", "namespace", "type"}
    | {"user", "username", "client-key", "tokenFile"}
)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_URL_PASSWORD = re.compile(r"://[^\s/:@\"'<>]*:([^\s/@\"'<>]+)@")
_PEM = re.compile(
    r"-----BEGIN (?P<label>[A-Z0-9 ]+)-----(?P<body>.*?)-----END (?P=label)-----", re.DOTALL
)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z|[+-][\d:]+)?")
_NAMES = re.compile(r"[a-z]+(?:[-./_:][a-z]+)*")
_SIGNS = tuple(re.compile(each) for each in (r"[a-z]", r"[A-Z]", r"[0-9]", r"[^\w./:-]"))
_SHORTEST = 8
_SHORTEST_ALIKE = 12
_SHORTEST_NAMES = 20
# Longer values are archives or documents, of which every line would be hidden.
_LONGEST = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Values that were found where secrets are kept."""

    secret: frozenset[str] = frozenset()
    """What must not get out."""
    public: frozenset[str] = frozenset()
    """What lies beside it and may get out: the certificate of a key holds a part of the key."""

    def __or__(self, other: Known) -> Known:
        return Known(secret=self.secret | other.secret, public=self.public | other.public)


def from_environment(
    environment: Mapping[str, str], *, is_path: Callable[[str], bool] = lambda _value: False
) -> Known:
    """Return the secrets in environment variables.

    Args:
        environment: the variables.
        is_path: tells whether a value names a file that is there, and so is no secret itself.
    """
    return _sum(values_of(name, value) for name, value in environment.items() if not is_path(value))


def from_kubeconfig(text: str) -> Known:
    """Return the secrets in a kubeconfig; none if it is no YAML."""
    return _in_document(text)


def from_secret(data: Mapping[str, str]) -> Known:
    """Return the secrets in the decoded data of a Kubernetes Secret."""
    return _sum(values_of(name, value, kept_secret=True) for name, value in data.items())


def uses_plugin(kubeconfig: str) -> bool:
    """Tell whether a kubeconfig has a user whose credentials a program fetches."""
    return any("exec" in each or "auth-provider" in each for each in _mappings(_load(kubeconfig)))


def file_names(kubeconfig: str) -> Iterator[tuple[str, str]]:
    """Yield the field and the name of each file that a kubeconfig keeps keys or tokens in."""
    fields = {"client-key": "key", "tokenFile": "token", "client-certificate": "certificate"}
    for table in _mappings(_load(kubeconfig)):
        for field, called in fields.items():
            if isinstance(name := table.get(field), str):
                yield called, name


def values_of(name: str, value: str, *, kept_secret: bool = False) -> Known:
    """Return the secrets in a value, and what is public in it.

    Args:
        name: what the value is called.
        value: a text, a document, or either in base64.
        kept_secret: it lies where nothing but secrets should.
    """
    inner = _decoded(value)
    if inner is not None and (_PEM.search(inner) or _mappings(_load(inner))):
        return _in_document(inner)
    if "\n" in value.strip() or value.lstrip().startswith("{") or _PEM.search(value):
        return _in_document(value)
    if _URL.match(value):
        return Known(secret=frozenset(_URL_PASSWORD.findall(value)))
    words = [word.lower() for word in _WORD.findall(name)]
    alone = value.strip()
    if not (kept_secret or _is_secret_name(words)) or not _PUBLIC_WORDS.isdisjoint(words):
        return Known()
    if name in _PLAIN_NAMES or not _is_telling(words, alone):
        return Known()
    return Known(secret=frozenset({alone}))


def _is_secret_name(words: list[str]) -> bool:
    named = any(_SECRET_WORD.fullmatch(word) for word in words)
    return named or bool(words and _LAST_SECRET_WORD.fullmatch(words[-1]))


def _is_telling(words: list[str], value: str) -> bool:
    """Tell whether a value is one that stands nowhere by chance."""
    if not _SHORTEST <= len(value) <= _LONGEST or _TIME.fullmatch(value):
        return False
    if _NAMES.fullmatch(value):
        # A pass phrase may be made of words; the last word of its name says that it is one.
        named = bool(words and words[-1] != "key" and _SECRET_WORD.fullmatch(words[-1]))
        shortest = _SHORTEST_ALIKE if named else _SHORTEST_NAMES
        return _is_secret_name(words) and len(value) >= shortest
    return len(value) >= _SHORTEST_ALIKE or sum(bool(e.search(value)) for e in _SIGNS) >= 2


def _in_document(text: str) -> Known:
    """Return the secrets in PEM, YAML or JSON."""
    found = [
        Known(secret=frozenset({pem["body"].strip()}))
        if "PRIVATE KEY" in pem["label"]
        else Known(public=frozenset({pem["body"].strip()}))
        for pem in _PEM.finditer(text)
    ]
    found += [
        values_of(str(name), value)
        for table in _mappings(_load(text))
        for name, value in _fields(table)
        if isinstance(value, str)
    ]
    return _sum(found)


def _fields(table: Mapping[Any, Any]) -> Iterator[tuple[Any, Any]]:
    """Yield names and values; a variable of a plugin is told by its own name."""
    if table.keys() == {"name", "value"}:
        yield table["name"], table["value"]
    else:
        yield from table.items()


def _load(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):  # the latter from a date that is none
        return None


def _mappings(tree: Any) -> list[Mapping[Any, Any]]:
    """Return all mappings in a tree."""
    if isinstance(tree, Mapping):
        return [tree, *(found for each in tree.values() for found in _mappings(each))]
    if isinstance(tree, list):
        return [found for each in tree for found in _mappings(each)]
    return []


def _decoded(value: str) -> str | None:
    try:
        return base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def _sum(found: Iterable[Known]) -> Known:
    listed = list(found)
    return Known(
        secret=frozenset().union(*(each.secret for each in listed)),
        public=frozenset().union(*(each.public for each in listed)),
    )
