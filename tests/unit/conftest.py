"""Hypothesis for all tests: examples have no deadline, since the machine may be busy."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("istiolab", deadline=None)
settings.load_profile("istiolab")
