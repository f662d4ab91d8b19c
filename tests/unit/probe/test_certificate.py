from __future__ import annotations

import hashlib
import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest

from istiolab.errors import ClusterError, UsageError
from istiolab.probe.certificate import (
    Certificate,
    Root,
    fingerprints,
    read_certificate,
    shake_hands,
    trusted_root,
)
from tests.unit.mesh.fakes import FakeCluster
from tests.unit.probe.authority import SPIFFE, Signed, make_authority, sidecar_of
from tests.unit.probe.build import live

CONFIG_MAP = "/api/v1/namespaces/demo/configmaps/istio-ca-root-cert"


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    return make_authority(tmp_path_factory.mktemp("authority"))


def root_of(signed: Signed, *, called: str = "istio-ca-root-cert") -> Root:
    return Root(config_map=called, pem=signed.root, sha256=tuple(fingerprints(signed.root)))


def digest(pem: str) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


def test_a_certificate_is_verified_by_the_root_that_signed_it(signed: Signed) -> None:
    with sidecar_of(signed) as url:
        found = shake_hands(url, root=root_of(signed))
    assert (found.verified, found.version, found.trusting) == (
        True, "TLSv1.3", "istio-ca-root-cert",
    )  # fmt: skip
    assert found.certificate is not None
    assert found.certificate.uris == (SPIFFE,)
    assert found.certificate.issuer == "organizationName=cluster.local"
    assert found.certificate.hours == 24
    leaf = signed.chain.read_text().partition("-----END CERTIFICATE-----")[0]
    assert found.certificate.sha256 == digest(f"{leaf}-----END CERTIFICATE-----\n")


def test_a_client_without_a_certificate_is_then_turned_away(signed: Signed) -> None:
    with sidecar_of(signed) as url:
        found = shake_hands(url, root=root_of(signed))
    assert found.said == "it hangs up: tlsv13 alert certificate required"
    assert found.row() == {
        "we trust": "istio-ca-root-cert",
        "its certificate is": "verified",
        "TLS": "TLSv1.3",
        "and then": found.said,
    }


def test_a_root_of_the_same_name_that_did_not_sign_it_refuses_it(
    signed: Signed, tmp_path: Path
) -> None:
    other = make_authority(tmp_path)
    with sidecar_of(signed) as url:
        found = shake_hands(url, root=root_of(other, called="other"))
    assert (found.verified, found.certificate, found.version) == (False, None, "")
    assert found.said
    assert found.row()["its certificate is"] == "refused"


def test_what_speaks_no_tls_is_an_error_and_no_refusal(signed: Signed) -> None:
    def answer(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=answer, args=(listener,), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(ClusterError, match="no TLS handshake with"):
            shake_hands(url, root=root_of(signed))
        thread.join(5)


def test_a_url_without_a_port_is_refused(signed: Signed) -> None:
    with pytest.raises(UsageError, match="has no host and port"):
        shake_hands("http://backend", root=root_of(signed))


def test_a_root_is_read_from_the_config_map_of_the_pods_namespace(signed: Signed) -> None:
    cluster = FakeCluster({CONFIG_MAP: {"data": {"root-cert.pem": signed.root}}})
    found = trusted_root(live(cluster, "client"), "istio-ca-root-cert")
    assert (found.pem, found.sha256) == (signed.root, (digest(signed.root),))


@pytest.mark.parametrize("data", [{}, {"data": {}}, {"data": {"a": "no certificate"}}])
def test_a_config_map_without_a_certificate_is_an_error(data: dict[str, object]) -> None:
    with pytest.raises(ClusterError, match="`istio-ca-root-cert` of `demo` holds no certificate"):
        trusted_root(live(FakeCluster({CONFIG_MAP: data}), "client"), "istio-ca-root-cert")


def test_fingerprints_come_in_the_order_of_the_certificates(signed: Signed) -> None:
    leaf, root = fingerprints(signed.chain.read_text())
    assert root == digest(signed.root)
    assert leaf != root


def test_a_certificate_shows_its_fields_line_by_line() -> None:
    found = read_certificate(
        {
            "subject": (),
            "issuer": ((("organizationName", "cluster.local"),), (("commonName", "root"),)),
            "notBefore": "Nov 24 09:27:11 2026 GMT",
            "notAfter": "Nov 25 09:29:11 2026 GMT",
            "subjectAltName": (("DNS", "istiod"), ("URI", SPIFFE)),
        },
        b"bytes",
    )
    assert found == Certificate(
        uris=(SPIFFE,),
        subject="",
        issuer="organizationName=cluster.local, commonName=root",
        not_before=datetime(2026, 11, 24, 9, 27, 11, tzinfo=UTC),
        not_after=datetime(2026, 11, 25, 9, 29, 11, tzinfo=UTC),
        sha256=hashlib.sha256(b"bytes").hexdigest(),
    )
    assert [tuple(line.row().values()) for line in found.lines] == [
        ("URI (SPIFFE id)", SPIFFE),
        ("subject", "(none)"),
        ("issuer", "organizationName=cluster.local, commonName=root"),
        ("not before", "2026-11-24T09:27:11Z"),
        ("not after", "2026-11-25T09:29:11Z"),
        ("lifetime", "24.03 hours"),
        ("SHA-256", found.sha256),
    ]
