"""A workload's certificate as its sidecar shows it on the wire, and who signed it.

Rule: who signed a certificate is found by verifying the signature, which OpenSSL does in a real
TLS handshake; a name is never compared for it.
"""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from istiolab.errors import ClusterError, UsageError
from istiolab.mesh.pods import LivePod
from istiolab.mesh.table import Listing
from istiolab.system.deadlines import scaled

# RFC 7468, 5.1.
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
# The sidecar's listener tells the mesh's own TLS from an application's by this name (ALPN).
ALPN = ("istio",)
HANDSHAKE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a table of two columns."""

    name: str
    """What it is."""
    value: str
    """What it says."""

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {"field": self.name, "value": self.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What a certificate says (RFC 5280)."""

    uris: tuple[str, ...]
    """The URIs among its subject alternative names; a SPIFFE id is one."""
    subject: str
    """Its subject; empty if it has none."""
    issuer: str
    """The name of who signed it."""
    not_before: datetime
    """From when on it holds, in UTC."""
    not_after: datetime
    """Until when it holds, in UTC."""
    sha256: str
    """Its fingerprint."""

    @property
    def hours(self) -> float:
        """Return how long it holds altogether, in hours."""
        return (self.not_after - self.not_before).total_seconds() / 3600

    @property
    def lines(self) -> Listing[Line]:
        """Return it as a table, a line for each field."""
        return Listing(
            Line(name=name, value=value)
            for name, value in (
                ("URI (SPIFFE id)", ", ".join(self.uris)),
                ("subject", self.subject or "(none)"),
                ("issuer", self.issuer),
                ("not before", f"{self.not_before:%Y-%m-%dT%H:%M:%SZ}"),
                ("not after", f"{self.not_after:%Y-%m-%dT%H:%M:%SZ}"),
                ("lifetime", f"{self.hours:.2f} hours"),
                ("SHA-256", self.sha256),
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """Certificates that someone trusts, as a ConfigMap hands them to every namespace."""

    config_map: str
    """The ConfigMap's name."""
    pem: str
    """The certificates."""
    sha256: tuple[str, ...]
    """Their fingerprints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """A TLS handshake with a sidecar, of a client that trusts one root and has no certificate."""

    trusting: str
    """The ConfigMap that the root is from."""
    verified: bool
    """Whether the sidecar's certificate was signed by that root, and it holds the key to it."""
    version: str
    """The version of TLS; empty if there was no handshake."""
    said: str
    """Why OpenSSL refused it; else how the sidecar took it that the client has none."""
    certificate: Certificate | None
    """The sidecar's certificate; None if it was refused."""

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {
            "we trust": self.trusting,
            "its certificate is": "verified" if self.verified else "refused",
            "TLS": self.version or "-",
            "and then": self.said,
        }


def trusted_root(pod: LivePod, config_map: str) -> Root:
    """Read the certificates in a ConfigMap of a pod's namespace.

    `istio-ca-root-cert` holds the mesh's, put there by istiod; `kube-root-ca.crt` the API server's.

    Raises:
        ClusterError: there is no such ConfigMap, or it holds no certificate.
    """
    path = f"/api/v1/namespaces/{pod.pod.namespace}/configmaps/{config_map}"
    text = "\n".join(pod.cluster.get(path).get("data", {}).values())
    found = tuple(fingerprints(text))
    if not found:
        raise ClusterError(
            f"the ConfigMap `{config_map}` of `{pod.pod.namespace}` holds no certificate"
        )
    return Root(config_map=config_map, pem=text, sha256=found)


def shake_hands(url: str, *, root: Root) -> Handshake:
    """Begin TLS with the sidecar behind a URL as one of the mesh would, but without a certificate.

    In TLS 1.3 the client is done before the server looks at the client's certificate (RFC 8446, 2),
    so the sidecar's own is seen and verified even though it then turns us away.

    Args:
        url: `http://host:port`, as `Namespace.url` gives it.
        root: whom to trust.

    Raises:
        UsageError: the URL has no host and port.
        ClusterError: no connection comes about, or what answers speaks no TLS.
    """
    parts = urlsplit(url)
    if not parts.hostname or not parts.port:
        raise UsageError(f"`{url}` has no host and port")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # A SPIFFE certificate has no host name; what is asked here is who signed it.
    context.check_hostname = False
    context.load_verify_locations(cadata=root.pem)
    context.set_alpn_protocols(ALPN)
    address = (parts.hostname, parts.port)
    try:
        with (
            socket.create_connection(address, timeout=scaled(HANDSHAKE_SECONDS)) as plain,
            context.wrap_socket(plain) as connection,
        ):
            return Handshake(
                trusting=root.config_map,
                verified=True,
                version=connection.version() or "",
                certificate=read_certificate(
                    connection.getpeercert() or {}, connection.getpeercert(binary_form=True) or b""
                ),
                said=_farewell(connection),
            )
    except ssl.SSLCertVerificationError as refused:
        return Handshake(
            trusting=root.config_map,
            verified=False,
            version="",
            said=refused.verify_message,
            certificate=None,
        )
    except OSError as error:
        raise ClusterError(
            f"no TLS handshake with `{parts.netloc}` came about", where=(str(error),)
        ) from error


def read_certificate(fields: Mapping[str, Any], der: bytes) -> Certificate:
    """Read a certificate from what `ssl.SSLSocket.getpeercert` says of it, and from its bytes."""
    return Certificate(
        uris=tuple(value for kind, value in fields.get("subjectAltName", ()) if kind == "URI"),
        subject=_name(fields.get("subject", ())),
        issuer=_name(fields.get("issuer", ())),
        not_before=_time(fields["notBefore"]),
        not_after=_time(fields["notAfter"]),
        sha256=hashlib.sha256(der).hexdigest(),
    )


def fingerprints(pem: str) -> Iterator[str]:
    """Yield the SHA-256 fingerprint of each certificate in a PEM text, in their order."""
    for found in _PEM.findall(pem):
        yield hashlib.sha256(ssl.PEM_cert_to_DER_cert(found)).hexdigest()


def _farewell(connection: ssl.SSLSocket) -> str:
    """Return what the server says to a client that showed no certificate."""
    try:
        received = connection.recv(1)
    except ssl.SSLError as alert:
        return f"it hangs up: {(alert.reason or str(alert)).replace('_', ' ').lower()}"
    return "it sends on" if received else "it hangs up"


def _name(parts: Sequence[Sequence[tuple[str, str]]]) -> str:
    return ", ".join(f"{key}={value}" for part in parts for key, value in part)


def _time(text: str) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), tz=UTC)
