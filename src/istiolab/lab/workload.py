"""The image that the notebooks' workloads run: a lab and its name in, its digest out.

Workloads come and go with the notebooks, so no pod tells it beforehand; the node's own store of
images does.
"""

from __future__ import annotations

import json

from istiolab.errors import LabError
from istiolab.lab.folders import state_folder
from istiolab.lab.node import in_node, search_path
from istiolab.lab.spec import Lab, NodePaths
from istiolab.system.command import Completed

_CTR = ("ctr", "--namespace", "k8s.io")


def workload_digest(lab: Lab, image: str) -> str:
    """Return which image a lab runs under a name.

    Args:
        lab: the lab that is up.
        image: the image's name.

    Returns:
        Its id, as the kubelet tells it of an image that was imported; of a cluster that is not
        ours, or an image that the node does not hold, the digest that the name has in it, else the
        name itself: no more is known before a pod runs.

    Raises:
        LabError: the lab's node does not tell.
    """
    _, _, named = image.partition("@")
    if lab.provider != "embedded":
        return named or image
    target = listed_digest(_ask(lab, "images", "list", f'name=="{image}"').stdout, image)
    if target is None:
        return named or image
    return image_id(_ask(lab, "content", "get", target).stdout, target)


def listed_digest(table: str, image: str) -> str | None:
    """Return the digest of an image in what `ctr images list` printed; None if it is not in it."""
    for line in table.splitlines():
        # REF, TYPE, DIGEST; then sizes and labels, in which there may be blanks.
        match line.split():
            case [str(name), _, str(digest), *_] if name == image:
                return digest
    return None


def image_id(manifest: str, target: str) -> str:
    """Return the id of the image with this manifest: its configuration's digest.

    An image for several platforms has an index in the place of the manifest, and is known by the
    digest of that, `target`.
    """
    try:
        return str(json.loads(manifest)["config"]["digest"])
    except (ValueError, KeyError, TypeError):
        return target


def _ask(lab: Lab, *arguments: str) -> Completed:
    paths = NodePaths(root=state_folder(lab.name))
    done = in_node(lab.pid, [*_CTR, *arguments], path=search_path({"all": paths.bin}))
    if done.exit_code != 0:
        raise LabError(
            f"lab `{lab.name}` does not tell which image its workloads run",
            where=(
                f"command: {done.command_line}",
                *(f"| {line}" for line in done.stderr.splitlines()[-5:]),
            ),
            log=paths.log / "containerd.log",
            hint=f"make it anew: `istiolab down --name {lab.name}`, then `istiolab up`",
        )
    return done
