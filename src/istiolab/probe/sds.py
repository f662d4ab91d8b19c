"""What a sidecar was handed over SDS: its certificate and whom to trust.

Rule: nothing private is read: Envoy writes `[redacted]` for a key, and what it writes else is not
shown.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from istiolab.mesh.pods import LivePod
from istiolab.mesh.table import Listing
from istiolab.probe.certificate import fingerprints
from istiolab.probe.push import xds

_REDACTED = b"[redacted]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret that a sidecar holds, without what is secret in it."""

    name: str
    """Its name in SDS."""
    holds: str
    """`certificate and key`, or `trusted roots`."""
    private_key: str
    """`redacted by Envoy`, `not redacted`, or `-` if there is none."""
    sha256: tuple[str, ...]
    """The fingerprints of its certificates, in their order."""

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {
            "secret": self.name,
            "holds": self.holds,
            "private key": self.private_key,
            "SHA-256 of its first certificate": self.sha256[0] if self.sha256 else "-",
        }


def secrets(pod: LivePod) -> Listing[Secret]:
    """Return what a pod's sidecar was handed over SDS, without what is secret in it.

    Raises:
        ClusterError: the pod has no sidecar, or it does not answer.
    """
    held = xds(pod).resources
    return Listing(read_secret(each.name, each.body) for each in held if each.kind == "SDS")


def read_secret(name: str, body: Mapping[str, Any]) -> Secret:
    """Read a secret of a config dump (extensions.transport_sockets.tls.v3.Secret)."""
    if "tls_certificate" in body:
        certificate = body["tls_certificate"]
        key = _bytes(certificate.get("private_key", {}))
        return Secret(
            name=name,
            holds="certificate and key",
            private_key="redacted by Envoy" if key == _REDACTED else "not redacted" if key else "-",
            sha256=_prints(certificate.get("certificate_chain", {})),
        )
    trusted = body.get("validation_context", {}).get("trusted_ca", {})
    return Secret(name=name, holds="trusted roots", private_key="-", sha256=_prints(trusted))


def _prints(source: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(fingerprints(_bytes(source).decode("ascii", errors="replace")))


def _bytes(source: Mapping[str, Any]) -> bytes:
    return base64.b64decode(source.get("inline_bytes", ""))
