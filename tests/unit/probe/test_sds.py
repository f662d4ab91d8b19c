from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from istiolab.probe.certificate import fingerprints
from istiolab.probe.sds import read_secret, secrets
from tests.unit.mesh.fakes import FakeCluster, executed
from tests.unit.probe.authority import Signed, make_authority
from tests.unit.probe.build import live
from tests.unit.probe.told import in_base64, told


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    return make_authority(tmp_path_factory.mktemp("authority"))


def workload(chain: Path, **rest: Any) -> Any:
    certificate = {"certificate_chain": in_base64(chain.read_text()), **rest}
    return {"name": "default", "tls_certificate": certificate}


def test_what_a_sidecar_was_handed_is_told_without_the_key(signed: Signed) -> None:
    trusted = {"name": "ROOTCA", "validation_context": {"trusted_ca": in_base64(signed.root)}}
    own = workload(signed.chain, private_key=in_base64("[redacted]"))
    cluster = FakeCluster()
    cluster.run = lambda *_: executed(told(secrets=[own, trusted]).encode())
    root, leaf = secrets(live(cluster, "client"))
    assert root.sha256 == tuple(fingerprints(signed.root))
    assert (root.holds, root.private_key) == ("trusted roots", "-")
    assert len(leaf.sha256) == 2
    assert leaf.row() == {
        "secret": "default",
        "holds": "certificate and key",
        "private key": "redacted by Envoy",
        "SHA-256 of its first certificate": next(fingerprints(signed.chain.read_text())),
    }


def test_a_key_that_envoy_does_hand_out_is_not_shown(signed: Signed) -> None:
    found = read_secret(
        "default", workload(signed.chain, private_key=in_base64(signed.key.read_text()))
    )
    assert found.private_key == "not redacted"
    assert "PRIVATE KEY" not in repr(found)


def test_a_secret_may_hold_nothing_yet(signed: Signed) -> None:
    assert read_secret("ROOTCA", {}).row()["SHA-256 of its first certificate"] == "-"
    assert read_secret("default", workload(signed.chain)).private_key == "-"
