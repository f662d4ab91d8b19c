"""One context of kubeconfigs as a kubeconfig of its own, which leads nowhere else.

How kubectl puts files together: of what several define under one name, the first counts, and paths
in a file are relative to it
(https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from istiolab.errors import UsageError

FILES = {
    "cluster": ("certificate-authority",),
    "user": ("client-certificate", "client-key", "tokenFile"),
}
"""What names a file, by where it stands; it may stand in the kubeconfig itself instead, under the
same name and `-data`, in base64 (https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A context, and what it consists of."""

    name: str
    """Its name."""
    server: str
    """The API server's URL."""
    text: str = field(repr=False)
    """A kubeconfig with just this context, its files by absolute paths."""


def single_context(files: Sequence[Path], wanted: str) -> Context:
    """Take one context out of kubeconfigs.

    Args:
        files: the kubeconfigs; one that is not there is passed over.
        wanted: the context; empty means the current one.

    Raises:
        UsageError: one is no kubeconfig, or the context is not there as a whole.
    """
    trees = [_read(file) for file in files if file.is_file()]
    current = (str(tree.get("current-context") or "") for tree in trees)
    named = wanted or next(filter(None, current), "")
    known = [str(item["name"]) for tree in trees for item in tree.get("contexts") or ()]
    if named not in known:
        said = f"context `{named}`" if named else "current context"
        raise UsageError(
            f"the kubeconfig `{':'.join(map(str, files))}` has no {said}",
            where=tuple(f"context: {name}" for name in dict.fromkeys(known)),
            hint="name one of these with `--context`",
        )
    context = _first(trees, "context", named)
    cluster = _first(trees, "cluster", str(context.get("cluster", "")))
    user = _first(trees, "user", str(context.get("user", "")))
    tree = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": named,
        "contexts": [{"name": named, "context": context}],
        "clusters": [{"name": context.get("cluster"), "cluster": cluster}],
        "users": [{"name": context.get("user"), "user": user}],
    }
    text = yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)
    return Context(name=named, server=str(cluster.get("server", "")), text=text)


def make_absolute(tree: Any, folder: Path) -> None:
    """Change relative paths in a kubeconfig into absolute ones.

    Args:
        tree: the kubeconfig.
        folder: the one that they are relative to: the kubeconfig's.
    """
    for kind, names in FILES.items():
        for item in tree.get(f"{kind}s") or ():
            part = item.get(kind) or {}
            for name in names:
                if part.get(name):
                    part[name] = str(folder / part[name])
            program = part.get("exec") or {}
            # One without a slash is looked for in the PATH.
            if "/" in program.get("command", ""):
                program["command"] = str(folder / program["command"])


def _read(file: Path) -> dict[str, Any]:
    try:
        tree: dict[str, Any] = yaml.safe_load(file.read_bytes()) or {}
        make_absolute(tree, file.absolute().parent)
    except (yaml.YAMLError, OSError, ValueError, TypeError, AttributeError) as error:
        said = " ".join(str(error).split())[:800] or type(error).__name__
        raise UsageError(f"the kubeconfig `{file}` cannot be used", where=(said,)) from error
    return tree


def _first(trees: Sequence[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    for tree in trees:
        for item in tree.get(f"{kind}s") or ():
            if item.get("name") == name:
                return dict(item.get(kind) or {})
    raise UsageError(
        f"the kubeconfig has no {kind} `{name}`, which the context names",
        hint="name another context with `--context`",
    )
