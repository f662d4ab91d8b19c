from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path
from threading import Event
from time import sleep

import pytest

from istiolab.errors import SilentError
from istiolab.mesh.client import Json
from istiolab.mesh.secret_data import SECRETS, SERVICES, SecretData, SecretWatch, decode
from tests.unit.mesh.fakes import FakeCluster, Said, an_object, listed


def secret(name: str, *, version: str = "1", **data: bytes) -> Json:
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    metadata = {"resourceVersion": version}
    return an_object(name, namespace="demo", metadata=metadata, data=encoded)


def event(kind: str, found: Json) -> str:
    return json.dumps({"type": kind, "object": found}) + "\n"


@pytest.fixture
def watching(monkeypatch: pytest.MonkeyPatch) -> Callable[[Iterator[Said]], SecretWatch]:
    """Watch a cluster with one Secret, whose further answers are given one after the other."""

    def watch(answers: Iterator[Said]) -> SecretWatch:
        cluster = FakeCluster(
            {
                "/api/v1/namespaces": listed(an_object("demo")),
                SERVICES: listed(an_object("web", namespace="demo")),
                f"{SECRETS}": {
                    "metadata": {"resourceVersion": "7"},
                    **listed(secret("old", password=b"sesame", archive=b"\x1f\xff")),
                },
            }
        )
        for version in range(7, 12):
            query = f"watch=true&resourceVersion={version}&timeoutSeconds=1"
            cluster.answers[f"{SECRETS}?{query}"] = lambda: next(answers, "")
        monkeypatch.setattr("istiolab.mesh.secret_data.open_cluster", lambda _, **_how: cluster)
        return SecretWatch(Path("nowhere"))

    return watch


def found(watch: SecretWatch) -> list[str]:
    return [each.called for each in watch.take()]


def test_the_secrets_that_are_there_are_known_at_once_and_given_once(
    watching: Callable[[Iterator[Said]], SecretWatch],
) -> None:
    watch = watching(iter(()))
    assert watch.take() == (
        SecretData(called="demo/old", data={"password": b"sesame", "archive": b"\x1f\xff"}),
    )
    assert watch.take() == ()
    assert watch.names == {"demo", "web"}


def test_a_secret_that_is_made_and_deleted_meanwhile_is_known_also_if_it_is_right_before_the_end(
    watching: Callable[[Iterator[Said]], SecretWatch],
) -> None:
    begun = Event()

    def answers() -> Iterator[Said]:
        brief = secret("brief", version="8", a=b"1")
        yield event("ADDED", brief) + event("DELETED", brief)
        begun.set()
        sleep(0.2)  # the end comes while this answer is under way
        yield ""
        yield event("ADDED", secret("last", version="9"))

    with watching(answers()) as watch:
        assert begun.wait(10)
    assert {*found(watch)} == {"demo/old", "demo/brief", "demo/last"}
    assert watch.error is None


def test_a_change_that_was_cut_off_is_asked_for_again(
    watching: Callable[[Iterator[Said]], SecretWatch],
) -> None:
    whole = event("ADDED", secret("late", version="8"))
    again = Event()

    def answers() -> Iterator[Said]:
        yield whole[:40]
        yield whole
        again.set()

    with watching(answers()) as watch:
        assert again.wait(10)
    assert "demo/late" in found(watch)


def test_all_are_listed_anew_where_the_server_has_forgotten_the_changes(
    watching: Callable[[Iterator[Said]], SecretWatch],
) -> None:
    watch = watching(iter([event("ERROR", {"code": 410})]))
    assert found(watch) == ["demo/old"]
    with watch:
        pass
    assert "demo/old" in found(watch)


def test_a_cluster_that_is_away_for_a_moment_is_asked_again_and_one_that_stays_away_is_told(
    watching: Callable[[Iterator[Said]], SecretWatch],
) -> None:
    again = Event()

    def answers() -> Iterator[Said]:
        yield SilentError("away")
        again.set()

    with watching(answers()) as back:
        assert again.wait(10)
    with watching(repeat(SilentError("gone"))) as gone:
        pass
    assert back.error is None
    assert isinstance(gone.error, SilentError)


def test_a_secret_without_data_has_none() -> None:
    assert decode({"metadata": {"name": "empty"}}) == {}
