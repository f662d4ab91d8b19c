"""Running one notebook: cells in, cells with outputs out."""

from __future__ import annotations

import sys
from importlib import import_module

# nbformat loads jsonschema, and that every checker of formats that is installed. The one for IRIs,
# which JupyterLab brings along, computes a grammar while it is loaded, for longer than all else
# that a command loads; and a notebook's schema has no IRI. So it is not there, for that moment.
_SLOW_CHECKER = "rfc3987_syntax"
if "jsonschema" not in sys.modules and _SLOW_CHECKER not in sys.modules:
    sys.modules[_SLOW_CHECKER] = None  # type: ignore[assignment]
    try:
        import_module("jsonschema")
    finally:
        del sys.modules[_SLOW_CHECKER]
