"""Programs of this machine that speak HTTP: ApacheBench, and Python's own server."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from istiolab.errors import HostError
from istiolab.system.command import Completed, check

# The Debian package that brings a program.
PACKAGES = {"ab": "apache2-utils"}


def run_here(line: str, *, timeout_seconds: float = 60.0) -> Completed:
    """Run a program on this machine and demand that it ends with 0.

    Args:
        line: the call, as one types it; no shell reads it.
        timeout_seconds: how long it may take.

    Raises:
        HostError: it is not there, too slow, or ended badly, with its last lines.
    """
    argv = shlex.split(line)
    if shutil.which(argv[0]) is None:
        package = PACKAGES.get(argv[0], argv[0])
        raise HostError(
            f"`{argv[0]}` is not on this machine",
            hint=f"on Debian: `apt-get install --no-install-recommends {package}`",
        )
    # A cell's own: what it has set itself counts.
    return check(argv, environment=os.environ, timeout_seconds=timeout_seconds, error=HostError)


@contextmanager
def python_server(folder: str | Path, *, protocol: str = "HTTP/1.0") -> Iterator[str]:
    """Serve a folder on the loopback interface as `python -m http.server` does; yield the URL.

    Args:
        folder: the folder.
        protocol: the version to answer with, as its option `--protocol` sets it; `HTTP/1.0` is
            what it takes by itself.
    """
    handler = type("Handler", (_Silent,), {"protocol_version": protocol})
    place = partial(handler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), place) as server:
        # Else closing the server waits for clients that keep their connection.
        server.daemon_threads = True
        server.block_on_close = False
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
        """Write no log: in a notebook it would stand among the results."""
