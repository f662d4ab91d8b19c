"""A fix tried: the answer through nginx-test, by which way it went, and whether over mTLS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from istiolab.mesh.session import Namespace
from istiolab.probe.passage import Passage
from istiolab.probe.send import send
from istiolab.probe.sidecar import observe


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of a request under a fix."""

    fix: str
    """The fix, in a few words."""
    passage: Passage
    """The request's way from nginx-test to the backend."""

    @property
    def status(self) -> int | None:
        """Return the answer's status code; None if there was no answer."""
        return self.passage.exchange.status

    def row(self) -> Mapping[str, str]:
        """Return it as a row of a table."""
        return {
            "fix": self.fix,
            "answer": self.passage.exchange.answer,
            "leaves nginx-test's sidecar through": self.passage.via,
            "mTLS": self.passage.mtls,
        }


def try_fix(namespace: Namespace, fix: str, path: str) -> Tried:
    """Ask nginx-test for a path from this machine, and follow the request to the backend.

    Args:
        namespace: where nginx-test and the backend are, both with sidecars.
        fix: what to call it.
        path: the path at nginx-test.

    Raises:
        ClusterError: nginx-test is not reachable, or a sidecar logged nothing.
    """
    proxy, server = namespace.pod("nginx-test"), namespace.pod("backend")
    url = namespace.url("nginx-test", path)
    # nginx-test's sidecar logs twice: the request coming in, and nginx's own going out. The
    # backend's logs nothing where it refuses the connection before it has read a request.
    observed = observe(lambda: send(url), {proxy: 2}, perhaps=server)
    return Tried(
        fix=fix,
        passage=Passage(
            exchange=observed.exchange,
            server=server.pod.name,
            client_log=tuple(observed.logs[proxy.pod.app]),
            server_log=tuple(observed.logs.get(server.pod.app, ())),
        ),
    )
