"""A certificate authority as istiod is one, made for one test run, and a sidecar that it signed."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

SPIFFE = "spiffe://cluster.local/ns/demo/sa/backend"
_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    root: str
    chain: Path
    key: Path


def make_authority(folder: Path) -> Signed:
    """A root, and a certificate for `SPIFFE` that it signed, both for one day."""
    folder.mkdir(parents=True, exist_ok=True)
    root, root_key = folder / "root.pem", folder / "root.key"
    request, leaf, key = folder / "leaf.csr", folder / "leaf.pem", folder / "leaf.key"
    name = f"subjectAltName=critical,URI:{SPIFFE}"
    _openssl("req", "-x509", *_NEW_KEY, "-subj", "/O=cluster.local", "-days", "1",
             "-keyout", str(root_key), "-out", str(root))  # fmt: skip
    _openssl("req", *_NEW_KEY, "-subj", "/", "-addext", name,
             "-keyout", str(key), "-out", str(request))  # fmt: skip
    _openssl("x509", "-req", "-in", str(request), "-CA", str(root), "-CAkey", str(root_key),
             "-CAcreateserial", "-copy_extensions", "copyall", "-days", "1",
             "-out", str(leaf))  # fmt: skip
    leaf.write_text(leaf.read_text() + root.read_text())
    return Signed(root=root.read_text(), chain=leaf, key=key)


@contextmanager
def sidecar_of(signed: Signed) -> Iterator[str]:
    """Take TLS as a sidecar does, from clients of that root; yield the URL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(signed.chain, signed.key)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=signed.root)
    context.set_alpn_protocols(["istio"])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=_take, args=(listener, context), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(5)


def _take(listener: socket.socket, context: ssl.SSLContext) -> None:
    connection, _ = listener.accept()
    with connection, suppress(OSError), context.wrap_socket(connection, server_side=True):
        pass


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
