"""How long waits may last on this machine: each deadline is a multiple of what it needs.

The deadlines in the source were made for the machine that `calibration` compares with. Whoever
waits passes them through `scaled`; `wait_until` and `command.run` do so themselves. The factor, the
timeout scale, stands in the environment, so that kernels and other processes of ours have it too.
"""

from __future__ import annotations

import os

from istiolab.errors import UsageError

TIMEOUT_SCALE = "ISTIOLAB_TIMEOUT_SCALE"
"""The environment's variable for the factor."""
_LEAST, _MOST = 0.1, 1000.0


def timeout_scale() -> float:
    """Return the factor in the environment; 1 if there is none.

    Raises:
        UsageError: what stands there is none.
    """
    return read_scale(os.environ.get(TIMEOUT_SCALE) or "1", of=f"`{TIMEOUT_SCALE}`")


def scaled(seconds: float) -> float:
    """Return the deadline on this machine for what may take `seconds` on the reference."""
    return seconds * timeout_scale()


def said(seconds: float) -> str:
    """Return how messages call a deadline that has passed: with the scale that was in use."""
    return f"{seconds:.3g} s (timeout scale {timeout_scale():g})"


def read_scale(text: str, *, of: str) -> float:
    """Read a factor; `of` is what messages call the place where it stands.

    Raises:
        UsageError: it is no number, or one that makes no sense.
    """
    try:
        scale = float(text)
    except ValueError:
        scale = 0.0
    if not _LEAST <= scale <= _MOST:
        raise UsageError(
            f"{of} is `{text}`, which is no timeout scale",
            hint=f"use a number from {_LEAST:g} to {_MOST:g}, such as 1 or 20",
        )
    return scale
