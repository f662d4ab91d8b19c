"""`istiolab notebook`: JupyterLab on the lab, a kernel in it, and the end of both."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from istiolab.lab.spec import Lab
from istiolab.mesh.namespaces import NAMESPACES
from istiolab.mesh.session import Mesh
from istiolab.system.deadlines import scaled
from istiolab.system.retry import SYSTEM_CLOCK, Answer, wait_until
from tests.lab.command import PROGRAM
from tests.unit.notebook.build import code, write

TOKEN = "a-token-of-this-test"


@dataclass(frozen=True, kw_only=True)
class Server:
    """A JupyterLab that answers."""

    url: str
    folder: Path
    runtime: Path
    process: subprocess.Popen[bytes]

    def request(self, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"token {TOKEN}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}{path}", data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=scaled(30)) as answer:
            return json.load(answer)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def server(lab: Lab, tmp_path: Path) -> Iterator[Server]:
    assert lab.name
    (tmp_path / "notebooks").mkdir()
    output = {"output_type": "stream", "name": "stdout", "text": "published"}
    write(tmp_path / "notebooks", code("from istiolab import connect", outputs=[output]))
    port, runtime = _free_port(), tmp_path / "r"
    environment = {**os.environ, "JUPYTER_TOKEN": TOKEN, "JUPYTER_RUNTIME_DIR": str(runtime)}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(PROGRAM), "notebook", "--port", str(port)],
            cwd=tmp_path,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    found = Server(
        url=f"http://127.0.0.1:{port}",
        folder=tmp_path / "my-notebooks",
        runtime=runtime,
        process=process,
    )
    try:
        _until(lambda: _answers(found), (tmp_path / "log").read_text)
        yield found
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(timeout=scaled(90))


def _until(is_so: Any, said: Any = lambda: "") -> None:
    waited = wait_until(
        lambda: Answer(done=is_so()), timeout_seconds=60, delay_seconds=0.2, clock=SYSTEM_CLOCK
    )
    assert waited.done, said()


def _answers(server: Server) -> bool:
    assert server.process.poll() is None, "the server ended"
    try:
        return bool(server.request("/api")["version"])
    except (urllib.error.URLError, ConnectionError):
        return False


def _is_there(mesh: Mesh, name: str) -> bool:
    found = mesh.cluster.items(NAMESPACES)
    return any(
        item["metadata"]["name"] == name and item["status"]["phase"] == "Active" for item in found
    )


def _is_ready(client: BlockingKernelClient) -> bool:
    """Tell whether a kernel answers; one that takes a second to begin is called dead by the client.

    It knows no process, only that the kernel's heart does not beat yet.
    """
    try:
        client.wait_for_ready(timeout=scaled(10))
    except RuntimeError:
        return False
    return True


def test_a_notebook_opens_without_outputs_and_its_namespaces_go_with_the_server(
    server: Server, mesh: Mesh
) -> None:
    copy = server.request("/api/contents/some.ipynb")["content"]
    assert [cell["outputs"] for cell in copy["cells"]] == [[]]
    session = {"path": "some.ipynb", "type": "notebook", "name": "", "kernel": {"name": "python3"}}
    kernel = server.request("/api/sessions", session)["kernel"]["id"]
    client = BlockingKernelClient(connection_file=str(server.runtime / f"kernel-{kernel}.json"))
    client.load_connection_file()
    client.start_channels()
    try:
        _until(lambda: _is_ready(client))
        said: list[str] = []
        client.execute_interactive(
            "from istiolab import connect\nprint(connect().namespace('jupyter').name)",
            timeout=scaled(60),
            output_hook=lambda message: said.append(message["content"].get("text", "")),
        )
    finally:
        client.stop_channels()
    name = "".join(said).strip()
    assert name.endswith("-jupyter")
    assert _is_there(mesh, name)
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(timeout=scaled(90)) == 130
    assert not _is_there(mesh, name)


def test_what_one_has_tried_is_not_overwritten(server: Server) -> None:
    changed = server.folder / "some.ipynb"
    changed.write_text(changed.read_text().replace("import connect", "import send"))
    again = subprocess.run(
        [str(PROGRAM), "notebook", "--port", server.url.rpartition(":")[2]],
        cwd=server.folder.parent,
        capture_output=True,
        text=True,
        timeout=scaled(60),
        check=False,
    )
    assert again.returncode == 3, "the port is taken by the first one"
    assert "JupyterLab ended with" in again.stderr
    assert "import send" in changed.read_text()
