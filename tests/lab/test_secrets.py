"""Secrets planted in the cluster and in the environment, looked for in all that is kept of runs."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
import yaml

from istiolab.lab.spec import Lab
from tests.lab import leaking
from tests.lab.canaries import Canaries, found_in, published
from tests.lab.command import istiolab


@dataclass(frozen=True, kw_only=True)
class Kept:
    """All that came of notebooks that leak."""

    folder: Path
    wanted: dict[str, str]
    """The secrets that must be nowhere."""
    said: dict[str, str]
    """What each command printed."""
    rows: dict[str, dict[str, Any]]
    """What came of each notebook, by its name."""


@pytest.fixture(scope="module")
def canaries(lab: Lab) -> Iterator[tuple[Canaries, str]]:
    assert lab.name
    planted, namespace = Canaries(), f"canaries-{token_hex(3)}"
    done = istiolab("kubectl", "create", "-f", "-", text=planted.manifest(namespace))
    assert done.returncode == 0, done.stderr
    yield planted, namespace
    gone = istiolab("kubectl", "delete", "namespace", namespace)
    assert gone.returncode == 0, gone.stderr


@pytest.fixture(scope="module")
def kept(
    lab: Lab, canaries: tuple[Canaries, str], tmp_path_factory: pytest.TempPathFactory
) -> Kept:
    """Run notebooks that leak, and have all reports written."""
    planted, namespace = canaries
    folder = tmp_path_factory.mktemp("leaks")
    (folder / "notebooks").mkdir()
    for name in leaking.WAYS:
        leaking.leak(folder / "notebooks", name)
    for write in (leaking.passing, leaking.failing, leaking.unproven):
        write(folder / "notebooks")
    environment = {**os.environ, **planted.environment, "ISTIOLAB_CANARIES": namespace}
    environment["GITHUB_ACTIONS"] = "true"
    said, rows = {}, {}
    for name, code, arguments in (
        ("verify", 1, ("--update", "--json", "--junit", "j.xml", "--html", "h.html")),
        ("text", 1, ("short",)),
        ("ablate", 5, ("--ablate", "unproven")),
    ):
        done = istiolab("verify", *arguments, environment=environment, folder=folder)
        assert done.returncode == code, done.stdout[-3000:] + done.stderr[-3000:]
        said[name] = done.stdout + done.stderr
        if name == "verify":
            rows = {Path(row["notebook"]).stem: row for row in json.loads(done.stdout)}
    return Kept(folder=folder, wanted={**planted.secret(), **_real(lab)}, said=said, rows=rows)


def _real(lab: Lab) -> dict[str, str]:
    """Return the secrets that the lab itself holds, without the lines around them."""
    user = yaml.safe_load(lab.kubeconfig.read_text())["users"][0]["user"]
    path = "jsonpath={.data.ca-key\\.pem}"
    told = istiolab("kubectl", "get", "secret", "istio-ca-secret", "-n", "istio-system", "-o", path)
    keys = {"the lab's key": user["client-key-data"], "the mesh's key": told.stdout}
    return {
        name: "".join(base64.b64decode(key).decode().splitlines()[1:-1])
        for name, key in keys.items()
    }


@pytest.mark.parametrize("way", leaking.WAYS)
def test_a_cell_that_puts_out_a_secret_ends_the_run_and_is_named(kept: Kept, way: str) -> None:
    row = kept.rows[way]
    assert row["outcome"] == "secret put out", row
    assert row["failure"]["cell"] == 1, row
    assert leaking.WAYS[way][1] in row["failure"]["message"]


def test_no_secret_is_in_anything_that_is_kept(kept: Kept) -> None:
    places = [(Path(name), text) for name, text in kept.said.items()]
    places += published([kept.folder])
    names = {path.name for path, _ in places}
    assert names >= {"executed.ipynb", "failure.txt", "short.failing.json", "j.xml", "h.html"}
    found = {str(path): found_in(text, kept.wanted) for path, text in places}
    assert "\n".join(f"{path}: {what[:3]}" for path, what in found.items() if what) == ""


def test_logs_evidence_and_waits_that_hold_secrets_are_withheld(kept: Kept) -> None:
    assert kept.rows["failing"]["outcome"] == "untrue"
    for name in ("cluster.txt", "kernel.log"):
        text = (kept.folder / "reports" / "failing" / name).read_text()
        assert text.startswith("[istiolab: withheld, since it holds a value of Secret "), name
    receipt = (kept.folder / "notebooks" / "receipts" / "passing.json").read_text()
    assert "[istiolab: withheld, since it holds a value of Secret " in receipt


def test_what_is_public_stays(kept: Kept, canaries: tuple[Canaries, str]) -> None:
    assert kept.rows["passing"]["outcome"] == "updated"
    assert (
        canaries[0].certificate[64:128] in (kept.folder / "notebooks" / "passing.ipynb").read_text()
    )


def test_the_search_finds_what_is_there() -> None:
    canaries = Canaries()
    wanted = canaries.secret()
    for name, secret in wanted.items():
        for written in (secret, base64.b64encode(f"ab{secret}cd".encode()).decode()):
            broken = "\\n".join(written[at : at + 64] for at in range(0, len(written), 64))
            assert any(each.startswith(name) for each in found_in(f"x {broken} y", wanted)), name
    assert found_in(canaries.certificate, wanted) == []
