"""The provider that uses somebody else's cluster, and never owns anything in it but namespaces.

The context that is given is copied alone into a kubeconfig of the lab's own, and nothing else is
used from then on: whoever reads that file cannot come upon another cluster, whatever the user's
kubeconfig says meanwhile.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from istiolab.errors import ClusterError, UsageError
from istiolab.lab.folders import state_folder
from istiolab.lab.kubeconfig import Context, single_context
from istiolab.lab.spec import OWNER_LABEL, Lab, NodePaths, demand_provider, read_lab
from istiolab.system.command import Completed, run
from istiolab.system.deadlines import scaled
from istiolab.system.environment import Audience, environment_for
from istiolab.system.files import make_owned_folder, remove_owned_folder, write_atomic
from istiolab.system.progress import Reporter
from istiolab.system.retry import Answer, wait_until
from istiolab.system.scratch import scratch_folder

# What the workloads need is nginx, bash, curl and coreutils; this one is there for every cluster
# that reaches the Docker Hub.
PUBLIC_IMAGE = "docker.io/library/nginx:1.22"
Preflight = Callable[[Path, str], tuple[str, ...]]
"""Looks whether a cluster has what is needed, by its kubeconfig and the workloads' image; raises a
ClusterError if not, and returns what else there is to say."""


def unchecked(_kubeconfig: Path, _image: str) -> tuple[str, ...]:
    """Look at nothing: for whoever gives a cluster up, or asks whether it is in use."""
    return ()


class ExistingProvider:
    """A cluster given by a kubeconfig and a context."""

    def __init__(
        self,
        name: str,
        *,
        kubeconfig: Path | None = None,
        context: str = "",
        workload_image: str = "",
        preflight: Preflight = unchecked,
    ) -> None:
        self._name = name
        self._paths = NodePaths(root=state_folder(name))
        self._given = kubeconfig
        self._context = context
        self._workload_image = workload_image or PUBLIC_IMAGE
        self._preflight = preflight

    def up(self, reporter: Reporter) -> Lab:
        """Take the cluster into use; nothing is changed in it.

        Raises:
            UsageError: the kubeconfig or the context is not there, or the name belongs to an
                embedded lab or to another cluster.
            ClusterError: the cluster does not answer, or lacks what is needed.
        """
        demand_provider(self._paths.record, "existing")
        context = self._take_context()
        self._demand_same_server(context.server)
        with (
            reporter.step("look at the cluster", estimate_seconds=4) as step,
            scratch_folder() as folder,
        ):
            step.detail("does it answer")
            own = folder / "kubeconfig"
            write_atomic(own, context.text, mode=0o600)
            _demand_answer(own, context)
            step.detail("has it what is needed")
            notes = self._preflight(own, self._workload_image)
        lab = Lab(
            name=self._name,
            provider="existing",
            kubeconfig=self._paths.kubeconfig,
            context=context.name,
            fingerprint="",
            workload_image=self._workload_image,
        )
        make_owned_folder(self._paths.root)
        write_atomic(self._paths.kubeconfig, context.text, mode=0o600)
        write_atomic(self._paths.record, lab.to_json(), mode=0o600)
        for note in notes:
            reporter.note(note)
        return lab

    def down(self, reporter: Reporter) -> bool:
        """Delete the namespaces that we made in the cluster, and forget it.

        Returns:
            Whether it was in use.
        """
        lab = read_lab(self._paths.record)
        if lab is None:
            return False
        with reporter.step("delete our namespaces", estimate_seconds=10) as step:
            ours = ("namespaces", "--selector", OWNER_LABEL)
            _answer(lab.kubeconfig, "delete", *ours, "--ignore-not-found", "--wait=false")

            def look() -> Answer:
                items = json.loads(_answer(lab.kubeconfig, "get", *ours, "--output=json"))["items"]
                names = ", ".join(str(item["metadata"]["name"]) for item in items)
                step.detail(names)
                return Answer(done=all(map(is_empty_shell, items)), detail=names)

            waited = wait_until(look, timeout_seconds=180)
            if not waited.done:
                raise _not_deleted(f"still there: {waited.detail}")
        if waited.detail:
            reporter.note(
                f"{waited.detail}: empty, and gone once all of the cluster's APIs are available"
            )
        remove_owned_folder(self._paths.root)
        return True

    def find(self) -> Lab | None:
        """Return the cluster if it is in use."""
        return read_lab(self._paths.record)

    def _take_context(self) -> Context:
        """Return the context that was given."""
        if self._given is None:
            named = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
            files = [Path(each) for each in named.split(os.pathsep) if each]
        else:
            files = [self._given]
        if not any(file.is_file() for file in files):
            raise UsageError(
                f"the kubeconfig `{os.pathsep.join(map(str, files))}` is not there",
                hint="name it: `istiolab up --provider existing --kubeconfig FILE`",
            )
        return single_context(files, self._context)

    def _demand_same_server(self, server: str) -> None:
        """Demand that the lab is not in use with another cluster, whose traces would be forgotten.

        With the same one it may be: credentials that have run out are replaced like that.
        """
        if read_lab(self._paths.record) is None:
            return
        before = single_context([self._paths.kubeconfig], "").server
        if before != server:
            raise UsageError(
                f"lab `{self._name}` is in use with another cluster",
                where=(f"in use: {before}", f"given: {server}"),
                hint=f"give it up: `istiolab down --name {self._name}`, or name another with "
                "`--name`",
            )


def is_empty_shell(namespace: Mapping[str, Any]) -> bool:
    """Tell whether nothing is left of a deleted namespace but its name.

    Kubernetes keeps that as long as an API of the cluster is unavailable, in which there might be
    something of it, and removes it once that answers.
    """
    conditions = namespace.get("status", {}).get("conditions", ())
    told = {str(each["type"]): str(each["status"]) for each in conditions}
    left = ("NamespaceContentRemaining", "NamespaceFinalizersRemaining")
    return told.get("NamespaceDeletionDiscoveryFailure") == "True" and all(
        told.get(each) == "False" for each in (*left, "NamespaceDeletionContentFailure")
    )


def _answer(kubeconfig: Path, *arguments: str) -> str:
    done = _kubectl(kubeconfig, *arguments)
    if done.exit_code != 0:
        raise _not_deleted(*(f"| {line}" for line in done.stderr.splitlines()[-5:]))
    return done.stdout


def _not_deleted(*where: str) -> ClusterError:
    return ClusterError(
        "our namespaces could not be deleted",
        where=where,
        hint="run `istiolab down` again when the cluster answers",
    )


def _demand_answer(kubeconfig: Path, context: Context) -> None:
    done = _kubectl(kubeconfig, "get", "--raw", "/readyz", f"--request-timeout={scaled(5):g}s")
    if done.exit_code != 0:
        raise ClusterError(
            f"the cluster of the context `{context.name}` does not answer",
            where=(
                f"server: {context.server}",
                *(f"| {line}" for line in done.stderr.splitlines()[-3:]),
            ),
            hint=f"see whether this works: `kubectl --context {shlex.quote(context.name)} get "
            "nodes`",
        )


def _kubectl(kubeconfig: Path, *arguments: str) -> Completed:
    return run(
        ["kubectl", "--kubeconfig", str(kubeconfig), *arguments],
        environment=environment_for(Audience.GIVEN, unnamed=True),
        error=ClusterError,
    )
