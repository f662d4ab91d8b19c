"""A Chinese page in, the words out that are not what an engineer in Taiwan writes."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files

from istiolab.page.directives import prose_lines


def read_terms() -> Mapping[str, str]:
    """Return the words to avoid, each with what is written instead."""
    text = (files("istiolab.page") / "assets" / "taiwan_terms.toml").read_text(encoding="utf-8")
    terms: dict[str, str] = tomllib.loads(text)["terms"]
    return terms


def unwanted_terms(text: str, terms: Mapping[str, str]) -> Mapping[str, str]:
    """Return those of `terms` that stand in the prose of a page."""
    prose = "\n".join(prose_lines(text))
    return {term: better for term, better in terms.items() if term in prose}
