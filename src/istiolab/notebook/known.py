"""Values that are secret: those of an environment, of a kubeconfig, and of a cluster's Secrets.

Rule 1: what a Secret holds is secret, whatever it looks like: from 6 characters on, from 4 if its
key is called `password` or the like. A word of letters alone needs 8 of them, or 6.
Rule 2: no secret is what stands on any page: ordinary words (`true`, `default`), names of
namespaces and services, numbers, times, versions, hosts and URLs without a password; and what the
key calls public or a name (`ca.crt`, `username`, `host`).
Rule 3: of a private key those numbers are secret that its public key does not hold.
Rule 4: elsewhere a value is secret if its name says so, from 8 characters on, words from 12; words
that are called a key from 20.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from istiolab.notebook.private_key import PEM, private_numbers

# Longer texts are archives, not documents to be read.
_LONGEST = 20_000

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_SECRET_WORD = re.compile(
    r".*(?:secret|token|password|passwd|passphrase|credential|key)s?|pass|pat|pwd|pin"
)
_KEY_WORD = re.compile(r".*keys?")
_PUBLIC_WORD = re.compile(r".*public.*|pub|certs?|certificates?|crt|fingerprint")
# The last word of a key whose value is a name, or anything else that pages tell.
_PLAIN_WORD = re.compile(
    r"database|db|description|email|endpoint|expiration|groups|host|hostname|id|mode|name|namespace"
    r"|port|region|server|type|user|username"
)
_PLAIN_NAMES = frozenset({"PWD", "OLDPWD", "client-key", "tokenFile"})
_ORDINARY = re.compile(
    r"admin|administrator|changeme|cluster|default|development|disabled|enabled|example|false"
    r"|guest|info|istio|istiod|kubernetes|localhost|mongodb|mysql|nginx|none|null|opaque|optional"
    r"|password|permissive|postgres|postgresql|production|redis|required|root|secret|service"
    r"|staging|strict|system|token|true|unknown|username|warning",
    re.IGNORECASE,
)
_CASED = r"(?:[A-Z]?[a-z]+|[A-Z]+)"
_WORDS = re.compile(rf"{_CASED}(?:[-./_: ]{_CASED})*")
# Also versions, addresses, quantities and times.
_NUMBER = re.compile(r"v?[0-9][0-9.,:/_+TZ -]*(?:[A-Za-z]{1,2})?")
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::[0-9]+)?/?")
# Of a registry, with a tag or without.
_IMAGE = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::[0-9]+)?(?:/[a-z0-9._-]+)+(?::[\w.-]+)?")

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_URL_PASSWORD = re.compile(r"://[^\s/:@\"'<>]*:([^\s/@\"'<>]+)@")
_PLACE = re.compile(rf"{_URL.pattern}[^\s/?#@]*(?:/{_CASED}(?:[-._]{_CASED})*)*/?")
# As in `.env` files, and in those of `htpasswd`.
_ASSIGNED = re.compile(
    r"(?:export\s+)?(?P<name>[A-Z_][A-Z0-9_]*|[a-z_][A-Za-z0-9_.-]*)\s*=\s*(?P<value>[^=\s].*)"
)
_OF_USER = re.compile(r"[^\s:/]+:(?P<value>[^\s:/]\S{5,})")
_QUOTES = "\"',;"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretValue:
    """A value that must not get out."""

    source: str
    """What it is: `a value of Secret istio-system/istio-ca-secret, key ca-key.pem`."""
    data: bytes = field(repr=False)
    """The value."""
    whole: bool = False
    """Pieces of it may well stand elsewhere; only all of it tells."""


def from_environment(
    environment: Mapping[str, str], *, is_path: Callable[[str], bool] = lambda _value: False
) -> frozenset[SecretValue]:
    """Return the secrets in environment variables.

    Args:
        environment: the variables.
        is_path: tells whether a value names a file that is there, and so is no secret itself.
    """
    return frozenset(
        found
        for name, value in environment.items()
        if not is_path(value)
        for found in _Reader(f"a value of the environment variable {name}").read(
            name, value.encode(errors="surrogateescape")
        )
    )


def from_file(name: str, text: str) -> frozenset[SecretValue]:
    """Return the secrets in a kubeconfig, or in a file that it names.

    Args:
        name: what the file holds, such as `token`; nothing for the kubeconfig itself.
        text: what is in it.
    """
    return frozenset(_Reader("a credential of the kubeconfig").read(name, text.encode()))


def from_secret(
    called: str, data: Mapping[str, bytes], names: frozenset[str] = frozenset()
) -> frozenset[SecretValue]:
    """Return what is secret in the decoded data of a Secret.

    Args:
        called: its namespace and name.
        data: its values by key.
        names: names that the cluster gives openly; they are no secrets.
    """
    readers = {
        key: _Reader(f"a value of Secret {called}, key {key}", kept_secret=True, names=names)
        for key in data
    }
    return frozenset(found for key in data for found in readers[key].read(key, data[key]))


def uses_plugin(kubeconfig: str) -> bool:
    """Tell whether a kubeconfig has a user whose credentials a program fetches."""
    return any("exec" in each or "auth-provider" in each for each in _mappings(_load(kubeconfig)))


def file_names(kubeconfig: str) -> Iterator[tuple[str, str]]:
    """Yield the field and the name of each file that a kubeconfig keeps keys or tokens in."""
    fields = {"client-key": "key", "tokenFile": "token"}
    for table in _mappings(_load(kubeconfig)):
        for called, kind in fields.items():
            if isinstance(name := table.get(called), str):
                yield kind, name


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads what is secret out of the values of one place."""

    source: str
    kept_secret: bool = False
    """It lies where nothing but secrets should."""
    names: frozenset[str] = frozenset()

    def read(self, name: str, data: bytes) -> Iterator[SecretValue]:
        """Yield what is secret in a text, a document, a private key, or any of them in base64."""
        text = _text(data)
        if text is None:
            yield from self._binary(name, data)
            return
        for pem in PEM.finditer(text):
            if "PRIVATE KEY" in pem["label"]:
                yield from self._key(pem["label"], pem["body"])
        rest = PEM.sub("", text).strip()
        inner = _decoded(rest)
        if leaves := list(_leaves(rest)):
            for called, value in leaves:
                yield from self.read(called, value.encode())
        elif inner is not None and _is_document(inner):
            yield from self.read(name, inner)
        else:
            yield from self._lines(name, rest)

    def _key(self, label: str, body: str) -> Iterator[SecretValue]:
        """Yield the private numbers of a key, or all of one that is encrypted or no DER."""
        numbers = private_numbers(_decoded(body) or b"")
        yield from (SecretValue(source=self.source, data=each) for each in numbers)
        if not numbers and body.strip():
            # In the forms of SSH and PGP the public key is in it as well.
            whole = "OPENSSH" in label or "PGP" in label
            yield SecretValue(source=self.source, data=body.strip().encode(), whole=whole)

    def _binary(self, name: str, data: bytes) -> Iterator[SecretValue]:
        numbers = private_numbers(data)
        yield from (SecretValue(source=self.source, data=each) for each in numbers)
        if not numbers and len(data) >= 8 and self.kept_secret and not _is_public(name):
            yield SecretValue(source=self.source, data=data, whole=True)

    def _lines(self, name: str, text: str) -> Iterator[SecretValue]:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        for line in lines if len(text) <= _LONGEST else ():
            assigned = _ASSIGNED.fullmatch(line)
            if assigned:
                yield from self._one(assigned["name"], assigned["value"].strip(_QUOTES))
            elif of_user := _OF_USER.fullmatch(line):
                yield from self._one(name, of_user["value"])
            if assigned and len(lines) == 1:
                return  # the value counts; the whole is a label or a variable
            if len(lines) > 1 and not assigned and " " not in line:
                yield from self._one(name, line)
        if text:
            yield from self._one(name, text, whole=len(lines) > 1)

    def _one(self, name: str, value: str, *, whole: bool = False) -> Iterator[SecretValue]:
        if _URL.match(value):
            for password in _URL_PASSWORD.findall(value):
                yield SecretValue(source=self.source, data=password.encode())
            if not self.kept_secret or _PLACE.fullmatch(value):
                return
            whole = True
        if self._is_secret(name, value):
            data = value.encode(errors="surrogateescape")
            yield SecretValue(source=self.source, data=data, whole=whole)

    def _is_secret(self, name: str, value: str) -> bool:
        """Tell whether a value is one that stands nowhere by chance."""
        words = _words(name)
        named = _is_secretive(words)
        if name in _PLAIN_NAMES or _is_plain(name) or _is_public(name):
            return False
        if not named and (
            not self.kept_secret or _HOST.fullmatch(value) or _IMAGE.fullmatch(value)
        ):
            return False
        if value in self.names or _ORDINARY.fullmatch(value) or len(set(value)) < 3:
            return False
        if _NUMBER.fullmatch(value):
            return named and value.isdigit() and len(value) >= 6
        shortest, shortest_word = (4, 6) if named else (6, 8)
        if not self.kept_secret:
            shortest, shortest_word = 8, 20 if _KEY_WORD.fullmatch(words[-1]) else 12
        return len(value) >= (shortest_word if _WORDS.fullmatch(value) else shortest)


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]


def _is_secretive(words: list[str]) -> bool:
    return any(_SECRET_WORD.fullmatch(word) for word in words) or words[-1:] == ["auth"]


def _is_public(name: str) -> bool:
    """Tell whether a name is that of something public; a certificate's password is not."""
    words = _words(name)
    last = words[-1] if words else ""
    if _SECRET_WORD.fullmatch(last) and not _KEY_WORD.fullmatch(last):
        return False
    return any(_PUBLIC_WORD.fullmatch(word) for word in words)


def _is_plain(name: str) -> bool:
    return bool((words := _words(name)) and _PLAIN_WORD.fullmatch(words[-1]))


def _is_document(data: bytes) -> bool:
    text = _text(data)
    if text is None:
        return bool(private_numbers(data))
    return bool(PEM.search(text) or next(_leaves(text), None))


def _leaves(text: str) -> Iterator[tuple[str, str]]:
    """Yield names and values of a document in YAML or JSON; nothing if the text is none."""
    for table in _mappings(_load(text)):
        # A variable of a plugin is told by its own name.
        variable = table.keys() == {"name", "value"}
        for name, value in ((table["name"], table["value"]),) if variable else table.items():
            if isinstance(value, str | int) and not isinstance(value, bool):
                yield str(name), str(value)


def _load(text: str) -> Any:
    if len(text) > _LONGEST or ":" not in text:
        return None
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, RecursionError):
        return None  # the others from tags on values that do not fit them, and from deep nesting


def _mappings(tree: Any) -> Iterator[Mapping[Any, Any]]:
    """Yield all mappings in a tree, in which an alias may lead back to where it stands."""
    pending, seen = [tree], set[int]()
    while pending:
        each = pending.pop(0)
        if id(each) in seen:
            continue
        if isinstance(each, Mapping):
            yield each
        if isinstance(each, Mapping | list):
            seen.add(id(each))
            pending += each.values() if isinstance(each, Mapping) else each


def _text(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
