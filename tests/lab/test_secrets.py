"""Secrets planted in the cluster and in the environment, looked for in all that is published."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

import pytest
import yaml

from istiolab.lab.spec import Lab
from istiolab.page.words import LANGUAGES
from tests.lab import leaking
from tests.lab.canaries import Canaries, found_in, published
from tests.lab.command import istiolab

ROOT = Path(__file__).parents[2]
NAV = "\nnav:\n  - index.md\n" + "".join(
    f"  - notebooks/{name}.ipynb\n" for name in ("passing", "failing", "unproven")
)
PAGE = "# Leaks {{ #leaks }}\n\n<!-- receipt: passing -->\n\n{}\n"


@dataclass(frozen=True, kw_only=True)
class Published:
    """All that came of notebooks that leak."""

    folder: Path
    canaries: Canaries
    real: dict[str, str]
    """Secrets that the lab itself holds."""
    said: dict[str, str]
    """What each command printed."""


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
def everything(
    lab: Lab, canaries: tuple[Canaries, str], tmp_path_factory: pytest.TempPathFactory
) -> Published:
    """Run notebooks that leak, and publish what can be published of them."""
    planted, namespace = canaries
    folder = tmp_path_factory.mktemp("leaks")
    (folder / "notebooks").mkdir()
    for write in (leaking.passing, leaking.failing, leaking.unproven):
        write(folder / "notebooks")
    environment = {**os.environ, **planted.environment, "ISTIOLAB_CANARIES": namespace}
    said = {}
    for name, code, arguments in (
        ("update", 1, ("--update", "passing", "failing", "--junit", "j.xml", "--html", "h.html")),
        ("json", 1, ("--json", "failing")),
        ("ablate", 0, ("--ablate", "unproven")),
    ):
        done = istiolab(
            *("verify", *arguments),
            environment={**environment, "GITHUB_ACTIONS": "true"},
            folder=folder,
        )
        assert done.returncode == code, done.stdout[-3000:] + done.stderr[-3000:]
        said[name] = done.stdout + done.stderr
    said["build"] = _build(folder, environment)
    return Published(folder=folder, canaries=planted, real=_real(lab), said=said)


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


def _build(folder: Path, environment: dict[str, str]) -> str:
    for name in ("mkdocs.yml", "mkdocs.zh-TW.yml"):
        settings, *_ = (ROOT / name).read_text(encoding="utf-8").split("\nnav:\n")
        (folder / name).write_text(settings + NAV, encoding="utf-8")
    shutil.copytree(ROOT / "docs", folder / "docs", ignore=shutil.ignore_patterns("en", "zh-TW"))
    cells = "\n\n".join(f"<!-- cell: passing/{name} -->" for name in leaking.SHOWN)
    for language in LANGUAGES:
        (folder / "docs" / language).mkdir()
        (folder / "docs" / language / "index.md").write_text(PAGE.format(cells))
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict"],
        cwd=folder,
        env={**environment, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_no_canary_is_in_anything_that_is_published(everything: Published) -> None:
    wanted = {**everything.canaries.secret(), **everything.real}
    places = [(Path(name), text) for name, text in everything.said.items()]
    places += published([everything.folder])
    found = {str(path): found_in(text, wanted) for path, text in places}
    assert "\n".join(f"{path}: {what[:3]}" for path, what in found.items() if what) == ""


def test_what_was_searched_is_all_that_is_published(everything: Published) -> None:
    folder = everything.folder
    for name in ("failure.txt", "executed.ipynb", "cluster.txt", "kernel.log"):
        assert (folder / "reports" / "failing" / name).read_text().count("[redacted: ") > 3, name
    for name in ("passing.json", "failing.failing.json", "unproven.proof.json"):
        assert "[redacted: " in (folder / "notebooks" / "receipts" / name).read_text(), name
    for name in ("j.xml", "h.html"):
        assert "[redacted: " in (folder / name).read_text(), name
    for language in LANGUAGES:
        for name in ("index.html", "notebooks/passing/index.html", "downloads/passing.ipynb"):
            assert "[redacted: " in (folder / "site" / language / name).read_text(), name
    for name in ("update", "json", "ablate"):
        assert "[redacted: " in everything.said[name], name
    assert "::error " in everything.said["update"]


def test_what_is_public_stays(everything: Published) -> None:
    text = (everything.folder / "notebooks" / "passing.ipynb").read_text()
    certificate = everything.canaries.certificate
    for line in (
        certificate[:64],
        certificate[64:128],
        base64.b64encode(certificate[:63].encode()).decode()[:-4],
    ):
        assert line in text
    told = istiolab(
        *("kubectl", "get", "secret", "istio-ca-secret", "-n", "istio-system"),
        *("-o", "jsonpath={.data.ca-cert\\.pem}"),
    ).stdout
    assert told in text
    for line in base64.b64decode(told).decode().splitlines():
        assert line in text


def test_the_search_finds_what_is_there() -> None:
    canaries = Canaries()
    wanted = canaries.secret()
    for name, secret in wanted.items():
        for written in (secret, base64.b64encode(f"ab{secret}cd".encode()).decode()):
            broken = "\\n".join(written[at : at + 64] for at in range(0, len(written), 64))
            assert any(each.startswith(name) for each in found_in(f"x {broken} y", wanted)), name
    assert found_in(canaries.certificate, wanted) == []
