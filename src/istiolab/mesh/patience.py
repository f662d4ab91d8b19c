"""Calls to an API server that is away for a moment: made again until it is back, or too late.

An API server that has just come up refuses what it will grant in a second: it has not yet read who
may do what, nor which kinds there are. It says so itself, by `/readyz`
(https://kubernetes.io/docs/reference/using-api/health-checks/).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from istiolab.errors import ClusterError, SilentError
from istiolab.mesh.refusals import TakenError
from istiolab.mesh.waits import note_wait
from istiolab.system.retry import SYSTEM_CLOCK, Answer, Clock, wait_until

# The kubelet starts a control plane's container again at once, and then within 10 s.
PATIENCE_SECONDS = 30.0

BACK = "the API server to be back"
"""What a wait for it is called in the record of waits."""

Result = TypeVar("Result")

# Servers that were away for too long, and have not answered since: who asks next does not wait as
# long once more, or a run on a cluster that is gone would not end for minutes.
_GIVEN_UP: set[str] = set()
# Servers that have said that they are ready: these say so if they are not.
_WELL: set[str] = set()


class Patience:
    """What makes calls again, once the server has been seen to be well."""

    def __init__(
        self, says_ready: Callable[[], bool], *, server: str, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._says_ready = says_ready
        self._server = server
        self._clock = clock
        self._seen = False

    def begin(self) -> None:
        """Be patient from now on: somebody has seen the server to be well just before."""
        self._seen = True

    def begin_if_ready(self) -> None:
        """Be patient from now on if the server says that it is ready.

        One that is not there from the start is told at once.
        """
        if self._says_ready():
            _WELL.add(self._server)
            self._seen = True

    def call(self, attempt: Callable[[], Result]) -> Result:
        """Make a call, again and again while the server is away.

        Args:
            attempt: one call; it must be harmless to make it again after a SilentError that says
                so, and after a refusal.

        Raises:
            ClusterError: what the last call raised.
        """
        if not self._seen:
            return attempt()
        results: list[Result] = []
        errors: list[ClusterError] = []

        def look() -> Answer:
            try:
                results.append(attempt())
            except ClusterError as error:
                errors.append(error)
                return Answer(done=False, hopeless=not self._may_pass(error))
            return Answer(done=True)

        waited = wait_until(
            look,
            timeout_seconds=0 if self._server in _GIVEN_UP else PATIENCE_SECONDS,
            delay_seconds=0.2,
            longest_delay_seconds=1.0,
            clock=self._clock,
        )
        if waited.attempts > 1:
            note_wait(BACK, waited.seconds)
        if results:
            _GIVEN_UP.discard(self._server)
            return results[0]
        if isinstance(errors[-1], SilentError) and errors[-1].again:
            self.give_up()
        raise errors[-1]

    def give_up(self) -> None:
        """Wait no more for the server, nor have others do so, until it has answered."""
        _GIVEN_UP.add(self._server)

    def _may_pass(self, error: ClusterError) -> bool:
        if isinstance(error, SilentError):
            return error.again
        # Where `/readyz` is not ours to ask, a refusal is a refusal.
        told = self._server in _WELL and not isinstance(error, TakenError)
        return told and not self._says_ready()
