"""A plan in, the kernel's manager and environment out."""

from __future__ import annotations

import os
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
from jupyter_client.manager import AsyncKernelManager
from nbformat import NotebookNode

from istiolab.errors import KernelError
from istiolab.notebook.execution import RunPlan
from istiolab.notebook.here import handed_on
from istiolab.notebook.uses import record_uses


def kernel_manager(plan: RunPlan, document: NotebookNode, folder: Path) -> AsyncKernelManager:
    """Return the manager of a kernel whose files lie in `folder`.

    Raises:
        KernelError: the kernel that the notebook names is not there.
    """
    name = document.metadata.kernelspec.name
    # The one of this very interpreter: a folder may hold a `python3` of somebody else's.
    specs = KernelSpecManager(kernel_dirs=[])
    try:
        specs.get_kernel_spec(name)
    except NoSuchKernel as missing:
        there = ", ".join(f"`{each}`" for each in sorted(specs.find_kernel_specs())) or "none"
        raise KernelError(
            f"`{plan.path.name}` names the kernel `{name}`, which is not there",
            where=(f"kernels there are: {there}",),
        ) from missing
    # Sockets of the file system: no port of the machine is taken, and ipykernel warns about TCP.
    # Their path must be absolute, since the kernel runs in the notebook's folder, and short, since
    # `sun_path` holds 108 bytes (unix(7)).
    return AsyncKernelManager(
        kernel_name=name,
        kernel_spec_manager=specs,
        transport="ipc",
        ip=str(folder / "k"),
        connection_file=str(folder / "kernel.json"),
    )


def kernel_environment(plan: RunPlan, folder: Path) -> dict[str, str]:
    """Return the variables of a kernel whose files lie in `folder`."""
    temporary = folder / "tmp"
    temporary.mkdir()
    record_uses(folder, folder / "ipython")
    kubeconfig = plan.environment.get("KUBECONFIG")
    own = {
        # Nobody's own start-up files and history.
        "IPYTHONDIR": str(folder / "ipython"),
        # What a kernel puts there goes with it, however it ends: Kubernetes' client writes the
        # kubeconfig's private key into such a file, and counts on a quiet end to remove it.
        "TMPDIR": str(temporary),
        **plan.environment,
    }
    return handed_on(os.environ, Path(kubeconfig) if kubeconfig else None, own)
