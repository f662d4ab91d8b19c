"""Walking through a page with the Tab key, as one does who uses no mouse."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Page

# All that one can do something with in what is shown; what is folded or hidden is none of it. Of
# choices that exclude each other the key stops at one; the arrows lead to the others.
_MARK = """() => {
  const all = document.querySelectorAll(`article :is(
    a[href], button, summary, [tabindex='0'], input:not([type=radio]), input:checked
  )`)
  window.stops = [...all].filter(each =>
    each.tabIndex >= 0 && each.checkVisibility({ visibilityProperty: true })
  )
  window.walked = new Map()
  document.addEventListener("focusin", ({ target }) => {
    // From the last element the key leads to the first again.
    window.around = window.walked.has(target)
    const label = target.labels?.[0]
    const stop = { what: target.outerHTML.slice(0, 120), name: label?.textContent ?? "" }
    const rings = [target, label, label?.parentElement].filter(each => each)
    stop.seen = rings.some(each => getComputedStyle(each).outlineStyle !== "none")
    window.walked.set(target, stop)
    setTimeout(() => {
      stop.name += target.getAttribute("aria-label") || target.title || target.textContent || ""
    })
  })
  return window.stops.length
}"""
_REPORT = """() => {
  const walked = [...window.walked.values()]
  const at = window.stops.map(each => window.walked.get(each))
  return {
    missed: window.stops.filter((_, index) => !at[index]).map(each => each.outerHTML.slice(0, 120)),
    nameless: walked.filter(each => !each.name.trim()).map(each => each.what),
    unseen: at.filter(each => each && !each.seen).map(each => each.what),
  }
}"""
# The header's, the navigation's and the footer's, which come on top.
_FRAME_STOPS = 120
_LOOK_EVERY = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """What a walk from the top of a page to its end found wrong, as the beginning of its HTML."""

    missed: list[str]
    """What of the article did not get the focus."""
    nameless: list[str]
    """What got it, and has no name to be read out."""
    unseen: list[str]
    """What of the article got it, and does not show that."""


def walk(page: Page) -> Walk:
    """Press Tab until all of the page had the focus, or all of its article should have had it."""
    stops = page.evaluate(_MARK)
    for number in range(stops + _FRAME_STOPS):
        page.keyboard.press("Tab")
        if number % _LOOK_EVERY == 0 and page.evaluate("window.around"):
            break
    page.wait_for_timeout(50)
    return Walk(**page.evaluate(_REPORT))
