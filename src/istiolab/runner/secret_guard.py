"""A cluster and this process in, what tells whether a run has put out a secret of theirs, out."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from nbformat import NotebookNode

from istiolab.mesh.secret_data import SecretWatch
from istiolab.notebook.execution import Execution
from istiolab.notebook.here import known_here
from istiolab.notebook.known import from_secret
from istiolab.notebook.scanner import SecretScanner
from istiolab.notebook.withhold import find_in_cell, without_secrets


class SecretGuard:
    """Knows the secrets of the environment, the kubeconfig and the cluster during a run.

    Raises:
        ClusterError: the cluster does not answer, or refuses to list Secrets.
    """

    def __init__(self, kubeconfig: Path) -> None:
        self._scanner = SecretScanner(known_here(kubeconfig))
        self._watch = SecretWatch(kubeconfig)
        self._held = ExitStack()

    def __enter__(self) -> Self:
        self._held.enter_context(self._watch)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._held.close()

    @property
    def scanner(self) -> SecretScanner:
        """Return what finds all secrets that are known by now."""
        for secret in self._watch.take():
            self._scanner.learn(from_secret(secret.called, secret.data, self._watch.names))
        return self._scanner

    def find(self, cell: NotebookNode) -> str | None:
        """Return which secret a cell has put out, if it has; asked while the run goes on."""
        return find_in_cell(cell, self.scanner)

    def execution(self, execution: Execution) -> Execution:
        """Return what came of a run without secrets: failed, if a cell put one out.

        To be asked at the end, when all Secrets are known that there were.

        Raises:
            ClusterError: it is not known which there were, so that a passed run has not passed.
        """
        if self._watch.error is not None and execution.failure is None:
            raise self._watch.error
        return without_secrets(execution, self.scanner)
