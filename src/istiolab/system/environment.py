"""Which of the caller's variables reach which program, and why: one table, and what comes of it.

Rule 1: a variable that no row names reaches nobody. Where a program may live on any variable (a
kubeconfig can name one that fetches credentials), the unnamed ones pass, and the rows that name
nobody say what does not.
Rule 2: the first row that names a variable counts.
Rule 3: no other module is imported but the standard library's: `tools/setup` runs this file before
there are any.

It is a command as well:

    python -I environment.py build PROGRAM …    become PROGRAM, in the environment of a build
    python -I environment.py names              the names that pass to anybody, for `sudo`
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path


class Audience(StrEnum):
    """Who is started."""

    TOOL = "tool"
    """A program of the machine, or the lab's own kubectl and istioctl."""
    BUILD = "build"
    """What downloads or compiles: go, pip, npm, apt-get, mmdebstrap."""
    NODE = "node"
    """The lab's node, and all that runs in it."""
    GIVEN = "given"
    """kubectl and istioctl on a cluster that may be somebody else's."""
    KERNEL = "kernel"
    """What executes a notebook."""
    JUPYTERLAB = "jupyterlab"
    """JupyterLab, and the kernels that it starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Variables, and who gets them of the caller's."""

    names: tuple[str, ...]
    """Their names; `*`, `?` and `[…]` as in a shell's patterns."""
    to: frozenset[Audience]
    """Who gets them; nobody where the value that counts is ours, or none."""
    why: str
    """Why so."""

    def has(self, name: str) -> bool:
        """Tell whether the row names a variable."""
        return any(fnmatchcase(name, pattern) for pattern in self.names)


def _cased(*names: str) -> tuple[str, ...]:
    return (*names, *(name.upper() for name in names))


_ALL = frozenset(Audience)
_NOBODY: frozenset[Audience] = frozenset()
_REACHING_OUT = _ALL - {Audience.TOOL, Audience.NODE}
TABLE = (
    Row(
        names=("PATH", "HOME", "USER", "LOGNAME", "LD_LIBRARY_PATH"),
        to=_ALL,
        why="programs and their libraries are found by them",
    ),
    Row(
        names=("TMPDIR",),
        to=_ALL - {Audience.NODE},
        why="where there is room; the node has a /tmp of its own, and runc would miss the folder",
    ),
    Row(names=("ISTIOLAB_*",), to=_ALL, why="our own settings"),
    Row(
        names=("XDG_*",),
        to=_REACHING_OUT,
        why="tools find the settings of their registries by them",
    ),
    Row(
        names=_cased("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"),
        to=_REACHING_OUT,
        why="downloads go through it; from the node, and to it, it leads nowhere",
    ),
    Row(
        names=(
            *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
            *("PIP_CERT", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH"),
        ),
        to=_REACHING_OUT,
        why="whom the machine trusts",
    ),
    Row(
        names=(
            *("GOPROXY", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GOINSECURE"),
            *("GOAUTH", "GOVCS", "GOENV", "NETRC", "SSH_AUTH_SOCK", "GIT_SSH_COMMAND"),
            *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"),
            *("PIP_TRUSTED_HOST", "PIP_PROXY", "PIP_CLIENT_CERT", "PIP_KEYRING_PROVIDER"),
            *("PIP_DEFAULT_TIMEOUT", "PIP_TIMEOUT", "PIP_RETRIES", "PIP_CONFIG_FILE"),
            *("PIP_CACHE_DIR", "PIP_NO_CACHE_DIR"),
            *_cased("npm_config_registry", "npm_config_*cafile", "npm_config_ca"),
            *_cased("npm_config_*proxy", "npm_config_strict_ssl", "npm_config_*userconfig"),
            *_cased("npm_config_globalconfig", "npm_config_cache", "npm_config_*auth*"),
            *("NPM_TOKEN", "NODE_AUTH_TOKEN"),
        ),
        to=frozenset({Audience.BUILD}),
        why="where the registries are, and how one may ask them",
    ),
    Row(
        names=("GO[!O]*", "GOOS", "CGO_*", "CC", "CXX", "*FLAGS", "PKG_CONFIG*", "MAKE*"),
        to=_NOBODY,
        why="what is compiled is pinned, and how is as well",
    ),
    Row(
        names=("PIP_*", *_cased("npm_config_*"), "NODE_*", "SOURCE_DATE_EPOCH"),
        to=_NOBODY,
        why="they change what is installed, and where",
    ),
    Row(
        names=("PYTHON*", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"),
        to=_NOBODY,
        why="start-up files, modules and switches of others (assertions off, for one)",
    ),
    Row(
        names=(
            *("JUPYTER_TOKEN", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR"),
            *("TERM", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "BROWSER"),
        ),
        to=frozenset({Audience.JUPYTERLAB}),
        why="how its user wants to see it; what is published does not come from there",
    ),
    Row(
        names=("JUPYTER*", "IPYTHON*", "IPYKERNEL*", "MPLBACKEND"),
        to=_NOBODY,
        why="kernels of others, and settings of others for ours",
    ),
    Row(
        names=("LANG", "LANGUAGE", "LC_*", "TZ", "COLUMNS", "LINES"),
        to=_NOBODY,
        why="words, times and widths in outputs are the same for everybody",
    ),
    Row(
        names=("NO_COLOR", "FORCE_COLOR", "CLICOLOR*", "LS_COLORS", "GREP_*", "LESS*", "*PAGER"),
        to=_NOBODY,
        why="they change what programs put out",
    ),
    Row(
        names=("BASH*", "ENV", "CDPATH", "SHELLOPTS", "PS4", "IFS", "POSIXLY_CORRECT"),
        to=_NOBODY,
        why="shells would read files of others, and find other folders",
    ),
    Row(
        names=("KUBECONFIG", "KUBECTL_*", "KUBERNETES_*", "ISTIOCONFIG"),
        to=_NOBODY,
        why="the cluster is the one that was chosen, and kubectl behaves as it was released",
    ),
    Row(
        names=("LD_PRELOAD", "LD_AUDIT", "GLIBC_TUNABLES", "MALLOC_*"),
        to=_NOBODY,
        why="they change each program that starts",
    ),
)
"""All that is known of the caller's variables."""

SOURCES = Path(__file__).resolve().parents[2]
"""The folder that this package lies in."""
# A package that is installed is found by itself; before the standard library it would hide parts.
_OURS = (
    {}
    if str(SOURCES) in {sysconfig.get_path(kind) for kind in ("purelib", "platlib")}
    else {"PYTHONPATH": str(SOURCES)}
)
# Nothing in the folder where we are is taken for a module.
_PYTHON = {**_OURS, "PYTHONSAFEPATH": "1"}
_EVERYWHERE = {"LANG": "C.UTF-8", "TZ": "UTC"}
# Sets show in the same order in each run. What lies beside a notebook can be imported.
_KERNEL = {**_EVERYWHERE, **_OURS, "PYTHONHASHSEED": "0"}
STATED: Mapping[Audience, Mapping[str, str]] = {
    Audience.TOOL: {**_EVERYWHERE, **_PYTHON},
    # pip's configuration names the registries, and may wish for a place as well.
    Audience.BUILD: {
        **_EVERYWHERE,
        "PYTHONSAFEPATH": "1",
        "PIP_USER": "0",
        "PIP_REQUIRE_VIRTUALENV": "0",
    },
    Audience.NODE: {**_EVERYWHERE, **_PYTHON},
    Audience.GIVEN: _EVERYWHERE,
    Audience.KERNEL: _KERNEL,
    # The kernel of this environment, whatever lies in the user's own folders.
    Audience.JUPYTERLAB: {**_KERNEL, "JUPYTER_PREFER_ENV_PATH": "1"},
}
"""What each audience is told whatever the caller has."""


def environment_for(
    audience: Audience,
    more: Mapping[str, str] | None = None,
    *,
    ours: Mapping[str, str] = os.environ,
    unnamed: bool = False,
) -> dict[str, str]:
    """Return the whole environment of a program.

    Args:
        audience: what it is.
        more: what it is told besides, over all else.
        ours: the caller's variables.
        unnamed: those that no row names pass as well.
    """
    passed = {n: value for n, value in ours.items() if passes(n, audience, unnamed=unnamed)}
    return {**passed, **STATED[audience], **(more or {})}


def passes(name: str, audience: Audience, *, unnamed: bool = False) -> bool:
    """Tell whether the caller's variable of this name reaches an audience."""
    row = next((row for row in TABLE if row.has(name)), None)
    return unnamed if row is None else audience in row.to


def _names() -> list[str]:
    """Return the variables that somebody gets, but for those that are the user's own affair."""
    own = TABLE[0]
    return sorted(
        name
        for name in os.environ
        if not own.has(name) and any(passes(name, audience) for audience in Audience)
    )


def _main(arguments: list[str]) -> None:
    if arguments == ["names"]:
        sys.stdout.write(",".join(_names()) + "\n")
        return
    audience, *argv = arguments
    os.execvpe(argv[0], argv, environment_for(Audience(audience)))  # noqa: S606 - become it


if __name__ == "__main__":
    _main(sys.argv[1:])
