"""Hypothesis for all tests: examples have no deadline, since the machine may be busy.

The product's deadlines are as written, and no command measures the machine first.
"""

from __future__ import annotations

import os

from hypothesis import settings

from istiolab.system.deadlines import TIMEOUT_SCALE

settings.register_profile("istiolab", deadline=None)
settings.load_profile("istiolab")

os.environ[TIMEOUT_SCALE] = "1"
