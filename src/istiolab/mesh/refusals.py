"""An answer of the API server that is no success in, the exception that says what to do out."""

from __future__ import annotations

import json
from http import HTTPStatus

from istiolab.errors import ClusterError


class MissingError(ClusterError):
    """The object is not in the cluster."""


class TakenError(ClusterError):
    """An object of that name is there already, or was changed meanwhile."""


class ForbiddenError(ClusterError):
    """The user of the kubeconfig may not do this."""


def refusal(what: str, status: int, data: bytes) -> ClusterError:
    """Make the exception for an answer of the API server that is no success.

    Args:
        what: the call, such as `GET /api/v1/pods`.
        status: the HTTP status.
        data: the body; the server sends a Status object, proxies may send anything.
    """
    try:
        message = str(json.loads(data)["message"])
    except (ValueError, KeyError, TypeError):
        message = data.decode(errors="replace").strip()[:300]
    where = (f"call: {what}", f"answer: {status} {message}")
    match status:
        case HTTPStatus.NOT_FOUND:
            return MissingError("the cluster has no such object", where=where)
        case HTTPStatus.CONFLICT:
            return TakenError("the object is there already, or has changed", where=where)
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return ForbiddenError(
                "the kubeconfig's user may not do this",
                where=where,
                hint="ask for the right, or use another kubeconfig: `export KUBECONFIG=FILE`",
            )
        case _:
            return ClusterError("the cluster's API refused a call", where=where)
