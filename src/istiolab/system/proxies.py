"""The proxies of an environment, and what is never to be reached through one.

A lab's node is on this very machine, and has an address that elsewhere is for documentation alone
(RFC 5737), so a proxy cannot reach it. A cluster of one's own may be behind one, and downloads are.
"""

from __future__ import annotations

from collections.abc import Mapping

OWN_NETWORKS = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
"""Where the addresses of labs' nodes are from."""
# Go reads the one, then the other; Python and curl the other way round.
_BYPASS = ("NO_PROXY", "no_proxy")


def bypass(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by which programs reach labs' nodes without the environment's proxies.

    Returns:
        None where the environment has no proxy.
    """
    names = [name for name, value in environment.items() if value and _is_proxy(name)]
    if not names:
        return {}
    given = next((environment[name] for name in _BYPASS if environment.get(name)), "")
    return {name: _joined(environment.get(name) or given) for name in _BYPASS}


def _is_proxy(name: str) -> bool:
    return name.lower().endswith("_proxy") and name not in _BYPASS


def _joined(given: str) -> str:
    kept = [each.strip() for each in given.split(",") if each.strip()]
    return ",".join(dict.fromkeys((*kept, *OWN_NETWORKS)))
