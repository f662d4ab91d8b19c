"""The rules of accessibility that every page is held to."""

from __future__ import annotations

import re
from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# Thousands of words in a few colours: axe takes minutes over them, the check below no time.
_CODE = ".highlight code span"
_COLOURS = f"""() => [...new Set([...document.querySelectorAll("{_CODE}")].map(each =>
  getComputedStyle(each).color + " on " + getComputedStyle(each.closest("code")).backgroundColor
))]"""
_SCHEMES = {"light": "default", "dark": "slate"}
_LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3


def demand_accessible(page: Page, scheme: Literal["light", "dark"] = "light") -> None:
    """Demand that axe finds no rule of WCAG 2.2 A and AA broken, and that code can be read."""
    page.add_style_tag(content="* { transition: none !important }")
    page.emulate_media(color_scheme=scheme)
    page.wait_for_selector(f"body[data-md-color-scheme={_SCHEMES[scheme]}]")
    # In the dark the colours alone are others.
    asked = _RULES if scheme == "light" else ["color-contrast"]
    found = Axe().run(page, context={"exclude": [[_CODE]]}, options={"runOnly": asked})
    assert found.violations_count == 0, found.generate_report()
    for colours in page.evaluate(_COLOURS):
        assert contrast(colours) >= _LEAST_CONTRAST, colours


def contrast(colours: str) -> float:
    """Return the contrast of a colour on an opaque one, both as the browser writes them.

    The formula: WCAG 2.2, "contrast ratio" and "relative luminance".
    """
    above, below = (
        [float(part) for part in each.split(",")]
        for each in re.findall(r"rgba?\(([^)]*)\)", colours)
    )
    assert len(below) == 3, f"not opaque: {colours}"
    opacity = above[3] if len(above) == 4 else 1.0
    seen = [opacity * one + (1 - opacity) * two for one, two in zip(above, below, strict=False)]
    one, two = sorted((_luminance(seen), _luminance(below)), reverse=True)
    return (one + 0.05) / (two + 0.05)


def _luminance(colour: list[float]) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (each / 255 for each in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
