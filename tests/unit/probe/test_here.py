from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from istiolab.errors import HostError
from istiolab.probe.converse import converse
from istiolab.probe.here import python_server, run_here

ASKED = "GET /a.txt HTTP/1.1\nHost: a"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text("hello\n")
    return tmp_path


def test_pythons_server_answers_in_1_0_and_closes_unless_told_otherwise(folder: Path) -> None:
    with python_server(folder) as url:
        found = converse(url, ASKED, ASKED)
    assert (found.answered, found.answers[0].http_version) == (1, "1.0")
    assert found.answers[0].text == "hello"
    with python_server(folder, protocol="HTTP/1.1") as url:
        found = converse(url, ASKED, ASKED)
    assert [answer.http_version for answer in found.answers] == ["1.1", "1.1"]


def test_it_is_gone_afterwards_even_if_a_client_stays(folder: Path) -> None:
    with python_server(folder, protocol="HTTP/1.1") as url:
        port = int(url.rpartition(":")[2])
        staying = socket.create_connection(("127.0.0.1", port))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1.0)
    staying.close()


def test_it_writes_no_log(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with python_server(folder) as url:
        converse(url, ASKED)
    assert capfd.readouterr() == ("", "")


def test_a_program_of_this_machine_is_run_and_its_output_kept() -> None:
    assert run_here(f"{sys.executable} -c 'print(1)'").stdout == "1\n"


def test_a_program_that_ends_badly_is_an_error_with_its_last_lines() -> None:
    with pytest.raises(HostError, match="ended with 3"):
        run_here(f"{sys.executable} -c 'import sys; sys.exit(3)'")


@pytest.mark.parametrize(
    ("line", "package"), [("ab -n 1 x", "apache2-utils"), ("no-such-program", "no-such-program")]
)
def test_a_program_that_is_not_there_is_an_error_that_names_its_package(
    line: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(HostError, match="is not on this machine") as caught:
        run_here(line)
    assert (caught.value.hint or "").endswith(f"{package}`")
