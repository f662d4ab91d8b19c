"""An environment, a kubeconfig, a cluster's Secrets in; which values must not get out, out.

What a value is called, and whether it is a common word, is told by `telling.py`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from istiolab.notebook.lines import alone, assigned
from istiolab.notebook.telling import is_hidden, is_telling, words_of

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_URL_PASSWORD = re.compile(r"://[^\s/:@\"'<>]*:([^\s/@\"'<>]+)@")
# A user of his own, and the place: a host, and folders that are words, of which any page may tell.
_URL_PARTS = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?:(?P<user>[^\s/?#@]*)@)?"
    r"(?P<place>[^\s/?#@]*(?:/[a-z]+(?:[-._][a-z]+)*(?=/|$))*/?)"
)
_PEM = re.compile(
    r"-----BEGIN (?P<label>[A-Z0-9 ]+)-----(?P<body>.*?)-----END (?P=label)-----", re.DOTALL
)


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
    return _in_document(text) or Known()


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
    if (document := _as_document(value)) is not None:
        return document
    hidden = is_hidden(name, kept_secret=kept_secret)
    found = [_of_one(name, line, kept_secret=kept_secret) for line in alone(name, value)]
    found += [_of_one(called, each, kept_secret=hidden) for called, each in assigned(value)]
    return _sum(found)


def _as_document(value: str) -> Known | None:
    """Return the secrets in a document, or in one in base64; None if the value is neither."""
    inner = _decoded(value)
    if inner is not None and (found := _in_document(inner)) is not None:
        return found
    if "\n" in value.strip() or value.lstrip().startswith("{") or _PEM.search(value):
        return _in_document(value)
    return None


def _of_one(name: str, value: str, *, kept_secret: bool) -> Known:
    """Return the secrets in one line."""
    if (document := _as_document(value)) is not None:
        return document
    hidden = is_hidden(name, kept_secret=kept_secret)
    if _URL.match(value):
        known = Known(secret=frozenset(_URL_PASSWORD.findall(value)))
        return known | _of_url(value) if hidden and kept_secret else known
    if not hidden or not is_telling(words_of(name), value):
        return Known()
    return Known(secret=frozenset({value}))


def _of_url(url: str) -> Known:
    """Return a URL that is kept secret, unless it says no more than a place of common words."""
    parts = _URL_PARTS.match(url)
    if parts is None:
        return Known()
    own = [each for each in (parts["user"] or "", url[parts.end() :]) if is_telling((), each)]
    if not own:
        return Known()
    # Without what is public here, no page could name the place.
    users = {parts["user"]} & {*own}
    return Known(
        secret=frozenset({url, *users}), public=frozenset({parts["scheme"] + parts["place"]})
    )


def _in_document(text: str) -> Known | None:
    """Return the secrets in PEM, YAML or JSON; None if it is none of them."""
    keys = list(_PEM.finditer(text))
    tables = _mappings(_load(text))
    # YAML takes any word in braces for the name of nothing: `{Sesame-7}`.
    if not keys and not any(each is not None for table in tables for each in table.values()):
        return None
    found = [
        Known(secret=frozenset({pem["body"].strip()}))
        if "PRIVATE KEY" in pem["label"]
        else Known(public=frozenset({pem["body"].strip()}))
        for pem in keys
    ]
    found += [
        values_of(str(name), value)
        for table in tables
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
