from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from istiolab.cli import bench_verify_command as module
from istiolab.cli.bench_verify_command import comparable, parse_copies, parse_peers, versions_of
from istiolab.cli.main import cli
from istiolab.errors import UsageError
from istiolab.race.peers import PEERS


def test_copies_are_numbers_sorted_and_once_each() -> None:
    assert parse_copies("4, 1,2,4") == (1, 2, 4)
    for wrong in ("", "0", "1;2", "one", "-1", "1,"):
        with pytest.raises(UsageError, match="no list of numbers"):
            parse_copies(wrong)


def test_peers_are_named_or_none() -> None:
    assert parse_peers(",".join(peer.key for peer in PEERS)) == PEERS
    assert [peer.key for peer in parse_peers("papermill, nbmake,papermill")] == [
        "papermill",
        "nbmake",
    ]
    assert parse_peers("none") == ()
    with pytest.raises(UsageError, match="no peer `ploomber`") as caught:
        parse_peers("ploomber")
    assert "there is: nbmake" in caught.value.where


def test_every_peers_version_is_told() -> None:
    found = versions_of(PEERS)
    assert set(found) == {"istiolab", *(peer.distribution for peer in PEERS)}
    assert all(number[0].isdigit() for number in found.values())


def test_bench_without_a_command_still_measures_the_lab() -> None:
    shown = CliRunner().invoke(cli, ["bench", "--help"])
    assert shown.exit_code == 0
    for word in ("--runs", "--only", "--name", "--json", "verify"):
        assert word in shown.output


def test_a_wrong_call_is_refused_before_anything_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked: list[object] = []
    monkeypatch.setattr(module, "current", asked.append)
    done = CliRunner().invoke(cli, ["bench", "verify", "--copies", "none"])
    assert isinstance(done.exception, UsageError)
    assert asked == []


def test_what_the_other_tools_cannot_run_is_left_out(tmp_path: Path) -> None:
    def notebook(name: str, **said: object) -> Path:
        kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
        metadata = {"istiolab": said, "kernelspec": kernel}
        document = {"cells": [], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
        path = tmp_path / f"{name}.ipynb"
        path.write_text(json.dumps(document))
        return path

    own, bare = notebook("own"), notebook("bare", lab="bare")
    whole = notebook("whole", changes_mesh=True)
    assert comparable([bare, own, whole]) == (own,)
    with pytest.raises(UsageError, match="nothing to compare") as caught:
        comparable([bare, whole])
    assert caught.value.where == ("left out: bare.ipynb", "left out: whole.ipynb")
