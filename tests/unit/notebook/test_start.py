from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SOURCES = Path(__file__).parents[3] / "src"
CODE = """
import sys
import istiolab.notebook.document
assert "nbformat" in sys.modules and "jsonschema" in sys.modules
assert "rfc3987_syntax" not in sys.modules and "lark" not in sys.modules
import rfc3987_syntax
assert rfc3987_syntax.is_valid_syntax("iri", "http://a.example/b")
"""


def test_reading_notebooks_does_not_build_a_grammar_and_hides_it_from_nobody() -> None:
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    done = subprocess.run([sys.executable, "-c", CODE], env=environment, check=False)
    assert done.returncode == 0
