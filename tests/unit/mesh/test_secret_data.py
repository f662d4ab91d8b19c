from __future__ import annotations

import base64
from pathlib import Path

import pytest

from istiolab.mesh.secret_data import read
from tests.unit.mesh.fakes import FakeCluster, listed


def secret(**data: bytes) -> dict[str, object]:
    return {"data": {name: base64.b64encode(value).decode() for name, value in data.items()}}


def test_data_is_decoded_and_what_is_no_text_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    items = (secret(password=b"sesame", archive=b"\x1f\x8b\xff"), {"metadata": {"name": "empty"}})
    cluster = FakeCluster({"/api/v1/secrets": listed(*items)})
    monkeypatch.setattr("istiolab.mesh.secret_data.open_cluster", lambda _, **_how: cluster)
    assert read(Path("nowhere")) == ({"password": "sesame"}, {})
    assert cluster.closed == 1
