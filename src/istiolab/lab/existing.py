"""The provider that uses somebody else's cluster, and never owns anything in it but namespaces."""

from __future__ import annotations

import json
from pathlib import Path

from istiolab.errors import ClusterError, UsageError
from istiolab.lab.folders import state_folder
from istiolab.lab.spec import OWNER_LABEL, Lab, NodePaths, demand_provider, read_lab
from istiolab.system.command import Completed, run
from istiolab.system.deadlines import scaled
from istiolab.system.environment import Audience, environment_for
from istiolab.system.files import make_owned_folder, remove_owned_folder, write_atomic
from istiolab.system.progress import Reporter

# What the workloads need is nginx, bash, curl and coreutils; this one is there for every cluster
# that reaches the Docker Hub.
PUBLIC_IMAGE = "docker.io/library/nginx:1.22"
# What the notebooks do outside their own namespaces is reading; inside, everything.
_RIGHTS = (
    ("create", "namespaces", ""),
    ("delete", "namespaces", ""),
    ("list", "nodes", ""),
    ("create", "deployments.apps", "default"),
    ("create", "services", "default"),
    ("create", "pods/exec", "default"),
    ("get", "pods/log", "default"),
)


class ExistingProvider:
    """A cluster given by a kubeconfig and a context."""

    def __init__(
        self,
        name: str,
        *,
        kubeconfig: Path | None = None,
        context: str = "",
        workload_image: str = "",
    ) -> None:
        self._name = name
        self._paths = NodePaths(root=state_folder(name))
        self._given = kubeconfig
        self._context = context
        self._workload_image = workload_image or PUBLIC_IMAGE

    def up(self, reporter: Reporter) -> Lab:
        """Take the cluster into use.

        Raises:
            UsageError: the kubeconfig is not there, or the name belongs to an embedded lab.
            ClusterError: the cluster does not answer, lacks rights for us, or has no Istio.
        """
        if self._given is None or not self._given.is_file():
            raise UsageError(
                f"the kubeconfig `{self._given or ''}` is not there",
                hint="name it: `istiolab up --provider existing --kubeconfig FILE`",
            )
        if ":" in str(self._given):
            raise UsageError(
                f"the path of the kubeconfig has `:` in it, where KUBECONFIG ends: `{self._given}`",
                hint="copy the file to another place, and name that",
            )
        demand_provider(self._paths.record, "existing")
        with reporter.step("look at the cluster", estimate_seconds=3) as step:
            step.detail("does it answer")
            self._demand_answer()
            step.detail("may we")
            self._demand_rights()
            step.detail("is Istio there")
            self._demand_istio()
        lab = Lab(
            name=self._name,
            provider="existing",
            kubeconfig=self._given.resolve(),
            context=self._context,
            fingerprint="",
            workload_image=self._workload_image,
        )
        make_owned_folder(self._paths.root)
        write_atomic(self._paths.record, lab.to_json(), mode=0o600)
        return lab

    def down(self, reporter: Reporter) -> bool:
        """Delete the namespaces that we made in the cluster, and forget it.

        Returns:
            Whether it was in use.
        """
        lab = read_lab(self._paths.record)
        if lab is None:
            return False
        self._given, self._context = lab.kubeconfig, lab.context
        with reporter.step("delete our namespaces", estimate_seconds=10):
            done = self._kubectl(
                *("delete", "namespaces", "--selector", OWNER_LABEL, "--ignore-not-found"),
                timeout_seconds=180,
            )
            if done.exit_code != 0:
                raise ClusterError(
                    "our namespaces could not be deleted",
                    where=tuple(f"| {line}" for line in done.stderr.splitlines()[-5:]),
                    hint="run `istiolab down` again when the cluster answers",
                )
        remove_owned_folder(self._paths.root)
        return True

    def find(self) -> Lab | None:
        """Return the cluster if it is in use."""
        return read_lab(self._paths.record)

    def _demand_answer(self) -> None:
        contexts = self._kubectl("config", "get-contexts", "--output=name")
        if self._context and self._context not in contexts.stdout.split():
            raise UsageError(
                f"the kubeconfig `{self._given}` has no context `{self._context}`",
                where=tuple(f"context: {name}" for name in contexts.stdout.split()),
                hint="name one of these with `--context`",
            )
        done = self._kubectl("get", "--raw", "/readyz", f"--request-timeout={scaled(5):g}s")
        if done.exit_code != 0:
            raise ClusterError(
                f"the cluster of `{self._given}` does not answer",
                where=tuple(f"| {line}" for line in done.stderr.splitlines()[-3:]),
                hint=f"see whether this works: `kubectl --kubeconfig {self._given} get nodes`",
            )

    def _demand_rights(self) -> None:
        lacking = []
        for verb, resource, namespace in _RIGHTS:
            scope = ("--namespace", namespace) if namespace else ("--all-namespaces",)
            done = self._kubectl("auth", "can-i", verb, resource, *scope)
            if done.stdout.strip() != "yes":
                lacking.append(f"{verb} {resource}")
        if lacking:
            raise ClusterError(
                f"the user of `{self._given}` lacks rights in the cluster",
                where=tuple(f"may not: {right}" for right in lacking),
                hint="ask for them, or name another user's context with `--context`",
            )

    def _demand_istio(self) -> None:
        done = self._kubectl(
            *("get", "deployments", "--all-namespaces", "--selector", "app=istiod"),
            "--output=json",
        )
        items = json.loads(done.stdout)["items"] if done.exit_code == 0 else []
        if not any(item.get("status", {}).get("readyReplicas") for item in items):
            raise ClusterError(
                "the cluster has no Istio that is ready",
                where=("looked for: deployments with the label app=istiod",),
                hint="install it: `istioctl install --set profile=default -y`",
            )

    def _kubectl(self, *arguments: str, timeout_seconds: float = 60) -> Completed:
        context = ("--context", self._context) if self._context else ()
        return run(
            ["kubectl", "--kubeconfig", str(self._given), *context, *arguments],
            environment=environment_for(Audience.GIVEN, unnamed=True),
            timeout_seconds=timeout_seconds,
            error=ClusterError,
        )
