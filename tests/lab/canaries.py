"""Secrets that open nothing, planted where secrets are; and the search for them, however written.

The search shares no line with what takes secrets out: what both get wrong, neither would find.
"""

from __future__ import annotations

import base64
import html
import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

# The shortest piece of a long secret that is searched for.
_PIECE = 40
# A token with a head and a body, whoever has made it.
_JWT = re.compile(r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.")
_THEME = frozenset({"javascripts", "stylesheets"})
_NO_SIGNS = re.compile(r"\\+[nrt]|[\s\\\"',]+|<br\s*/?>")


def _random(count: int) -> str:
    return base64.b64encode(secrets.token_bytes(count)).decode()[:count]


def _pem(label: str, body: str) -> str:
    lines = [body[place : place + 64] for place in range(0, len(body), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])


@dataclass(frozen=True, kw_only=True)
class Canaries:
    """One of each kind."""

    key: str = field(default_factory=lambda: _random(1600))
    certificate: str = field(default_factory=lambda: _random(1100))
    kubeconfig_key: str = field(default_factory=lambda: _random(300))
    kubeconfig_token: str = field(default_factory=lambda: f"canary-{secrets.token_hex(16)}")
    password: str = field(default_factory=lambda: f'canary "{secrets.token_hex(6)}" <&é')
    pin: str = field(default_factory=lambda: f"z{secrets.token_hex(3)}q")
    token: str = field(default_factory=lambda: f"canary.{secrets.token_urlsafe(40)}")
    docker: str = field(default_factory=lambda: f"canary-{secrets.token_hex(8)}")
    variable_token: str = field(default_factory=lambda: f"ghp_{secrets.token_hex(18)}")
    url_password: str = field(default_factory=lambda: f"canary{secrets.token_hex(8)}")
    access_key: str = field(default_factory=lambda: _random(40))
    own: str = field(default_factory=lambda: f"canary-{secrets.token_hex(8)}")

    @property
    def environment(self) -> dict[str, str]:
        return {
            "GITHUB_TOKEN": self.variable_token,
            "PIP_INDEX_URL": f"https://someone:{self.url_password}@127.0.0.1:9/simple",
            "AWS_SECRET_ACCESS_KEY": self.access_key,
            "ISTIOLAB_CANARY_PASSWORD": self.own,
        }

    @property
    def kubeconfig(self) -> str:
        data = base64.b64encode(_pem("EC PRIVATE KEY", self.kubeconfig_key).encode()).decode()
        return (
            "apiVersion: v1\nkind: Config\nusers:\n- name: canary\n  user:\n"
            f"    client-key-data: {data}\n    token: {self.kubeconfig_token}\n"
        )

    def manifest(self, namespace: str) -> str:
        """Return the objects that hold the canaries of the cluster, as JSON."""
        docker = {"auths": {"registry.invalid": {"username": "someone", "password": self.docker}}}
        data = {
            "tls": {
                "tls.key": _pem("PRIVATE KEY", self.key),
                "tls.crt": _pem("CERTIFICATE", self.certificate),
            },
            "basic": {"username": "someone", "password": self.password, "pin": self.pin},
            "opaque": {"token": self.token, "config": self.kubeconfig},
            "docker": {".dockerconfigjson": json.dumps(docker)},
        }
        place = {"namespace": namespace}
        items = [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "canary", **place}},
        ]
        items += [
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": name, **place},
                "stringData": own,
            }
            for name, own in data.items()
        ]
        return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})

    def secret(self) -> dict[str, str]:
        """Return what must be nowhere."""
        return {name: text for name, text in vars(self).items() if name != "certificate"}


def found_in(text: str, wanted: Mapping[str, str]) -> list[str]:
    """Return which secrets are in a text, and in which form; any token that can be read as well."""
    flat = _NO_SIGNS.sub("", text)
    found = [
        f"{name} ({form}): {piece[:12]}…"
        for name, secret in wanted.items()
        for form, written in _forms(secret)
        for piece in _pieces(_NO_SIGNS.sub("", written))
        if piece in flat
    ]
    return found + [f"a token: {each[0][:20]}…" for each in _JWT.finditer(flat)]


def published(folders: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """Yield every file below folders as text, but for the theme's, which hold nothing of a run."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and _THEME.isdisjoint(path.parts):
                yield path, path.read_bytes().decode("latin-1")


def _pieces(written: str) -> list[str]:
    if len(written) <= _PIECE:
        return [written] if len(written) >= 6 else []
    return [written[at : at + _PIECE] for at in range(0, len(written) - _PIECE + 1, 13)]


def _escaped(secret: str, form: str, *, only: str) -> str:
    return "".join(form.format(ord(sign)) if sign in only else sign for sign in secret)


def _forms(secret: str) -> Iterator[tuple[str, str]]:
    yield "as it is", secret
    yield "JSON", json.dumps(secret)[1:-1]
    yield "HTML", html.escape(secret)
    yield "JSON of Go", _escaped(secret, "\\u{:04x}", only="&<>")
    yield "JSON of others", _escaped(secret, "\\u{:04X}", only="&<>+'\"")
    yield "HTML in numbers", _escaped(secret, "&#{};", only="&<>'\"")
    yield "HTML of Go", html.escape(secret).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")
    for safe in ("", "/"):
        written = quote(secret, safe=safe)
        yield f"URL but for '{safe}'", written
        yield f"url but for '{safe}'", re.sub("%..", lambda each: each[0].lower(), written)
    yield "hex", secret.encode().hex()
    yield "HEX", secret.encode().hex().upper()
    # A file that is not ASCII is searched byte for byte.
    yield "UTF-8", secret.encode().decode("latin-1")
    for before in range(3):
        inner = base64.b64encode(b"x" * before + secret.encode()).decode()
        part = inner[4 if before else 0 : len(inner) // 4 * 4 - 4]
        yield f"base64 at {before}", part
        yield f"base64 at {before}, URL", quote(part, safe="")
        yield f"base64url at {before}", part.replace("+", "-").replace("/", "_")
        yield f"base64 twice at {before}", base64.b64encode(inner.encode()).decode()[:-4]
    for before in range(5):
        inner = base64.b32encode(b"x" * before + secret.encode()).decode()
        yield f"base32 at {before}", inner[8 if before else 0 : len(inner) // 8 * 8 - 8]
