from __future__ import annotations

import os
from pathlib import Path

import pytest

from istiolab.race.peers import PEERS, Lineup, Peer
from istiolab.system.timed import Timed

BY_KEY = {peer.key: peer for peer in PEERS}
THREE = [Path(f"/course/notebooks/{name}.ipynb") for name in "abc"]


def done(code: int | None = 0, stdout: str = "") -> Timed:
    return Timed(exit_code=code, seconds=1.0, first_line_seconds=None, stdout=stdout)


def words(lineup: Lineup) -> str:
    return " ".join(word for argv in lineup.commands for word in argv)


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.key)
def test_every_peer_is_given_every_notebook_and_the_python_of_its_layer(peer: Peer) -> None:
    lineup = peer.line_up("/layer/python", THREE, 2)
    given = [word for argv in (*lineup.prepare, *lineup.commands) for word in argv]
    assert {path.name for path in THREE} <= set(given)
    assert {argv[0] for argv in (*lineup.prepare, *lineup.commands)} == {"/layer/python"}
    assert 1 <= lineup.at_once <= 3
    assert 1 <= lineup.width <= 3


@pytest.mark.parametrize("key", ["nbconvert", "papermill"])
def test_who_cannot_run_side_by_side_is_started_once_for_each(key: str) -> None:
    lineup = BY_KEY[key].line_up("python", THREE, 2)
    assert (len(lineup.commands), lineup.at_once, lineup.width) == (3, 2, 2)
    assert BY_KEY[key].line_up("python", THREE[:1], 4).width == 1


def test_nbmake_runs_as_many_as_we_do_and_one_without_workers() -> None:
    assert "-n 3" in words(BY_KEY["nbmake"].line_up("python", THREE, 16))
    assert "-n 2" in words(BY_KEY["nbmake"].line_up("python", THREE, 2))
    assert "-n" not in BY_KEY["nbmake"].line_up("python", THREE[:1], 16).commands[0]


def test_jupyter_cache_runs_as_many_as_there_are_cores() -> None:
    lineup = BY_KEY["jupyter-cache"].line_up("python", THREE * 20, 1)
    assert lineup.width == os.cpu_count()
    assert len(lineup.commands) == 1


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.key)
def test_who_did_not_end_well_has_failed(peer: Peer) -> None:
    assert peer.failed(done(1, "excepted: []\nerrored: []"))
    assert peer.failed(done(None))


def test_jupyter_cache_has_failed_unless_both_its_lists_are_empty() -> None:
    failed = BY_KEY["jupyter-cache"].failed
    assert not failed(done(0, "succeeded:\n- /a.ipynb\nexcepted: []\nerrored: []\n"))
    assert failed(done(0, "succeeded: []\nexcepted:\n- /a.ipynb\nerrored: []\n"))
    assert failed(done(0, "succeeded: []\nexcepted: []\nerrored:\n- /a.ipynb\n"))
    assert failed(done(0, ""))
    assert not BY_KEY["papermill"].failed(done(0, ""))
