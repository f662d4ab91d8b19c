"""A kubeconfig in, the official client's configuration out; no key of it comes to lie on a disk.

The official client writes certificates and keys that stand in a kubeconfig into temporary files,
and a process that is killed leaves these behind. Here they are files in memory, which go with the
process however it ends (memfd_create(2)).
"""

from __future__ import annotations

import base64
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml
from kubernetes.client import Configuration
from kubernetes.config import ConfigException, load_kube_config_from_dict

from istiolab.errors import ClusterError
from istiolab.lab.kubeconfig import FILES, make_absolute
from istiolab.system.proxies import bypass

# Without any entry, the WebSocket's library takes the environment's (RFC 2606, 2: no such host).
_NOTHING = "nothing.invalid"
_UNUSABLE = (
    *(ConfigException, yaml.YAMLError, OSError),
    *(ValueError, TypeError, KeyError, AttributeError),
)


def read_kubeconfig(path: Path, held: ExitStack) -> Configuration:
    """Return how to reach the cluster of a kubeconfig's current context.

    Args:
        path: the file.
        held: gives the files in memory back; until then the configuration may be used.

    Raises:
        ClusterError: there is no such file, or it is no kubeconfig.
    """
    configuration = Configuration()
    hint = "bring a lab up with `istiolab up`, or name a kubeconfig: `export KUBECONFIG=FILE`"
    if not path.is_file():
        raise ClusterError(f"the kubeconfig `{path}` is not there", hint=hint)
    try:
        tree = _in_memory(yaml.safe_load(path.read_bytes()), path.absolute().parent, held)
        load_kube_config_from_dict(  # type: ignore[no-untyped-call]
            tree, client_configuration=configuration, persist_config=False
        )
    except _UNUSABLE as error:
        held.close()
        said = " ".join(str(error).split())[:800] or type(error).__name__
        raise ClusterError(
            f"the kubeconfig `{path}` cannot be used", where=(said,), hint=hint
        ) from error
    # A proxy that the kubeconfig names counts whatever the environment says, as for kubectl.
    has_own = configuration.proxy in _proxies(tree)
    configuration.no_proxy = _NOTHING if has_own else bypass(os.environ).get("no_proxy")
    configuration.retries = 1
    configuration.connection_pool_maxsize = 16
    return configuration


def _proxies(tree: Any) -> set[str]:
    """Return the proxies that a kubeconfig names."""
    clusters = (item.get("cluster") or {} for item in tree.get("clusters") or ())
    return {str(each["proxy-url"]) for each in clusters if each.get("proxy-url")}


def _in_memory(tree: Any, folder: Path, held: ExitStack) -> Any:
    """Return the kubeconfig with what stands in it as files in memory, and absolute paths."""
    make_absolute(tree, folder)
    for kind, names in FILES.items():
        for item in tree.get(f"{kind}s") or ():
            part = item.get(kind) or {}
            for name in names:
                if data := part.pop(f"{name}-data", None):
                    part[name] = _memory_file(base64.standard_b64decode(data), held)
    return tree


def _memory_file(content: bytes, held: ExitStack) -> str:
    number = os.memfd_create("istiolab")
    held.callback(os.close, number)
    with open(number, "wb", closefd=False) as stream:
        stream.write(content)
    return f"/proc/self/fd/{number}"
