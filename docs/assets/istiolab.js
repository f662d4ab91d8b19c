"use strict"
/* global document$: Material tells by it of each page that is shown */
{
  // The header stays while instant navigation changes the page below it: before a language link is
  // followed, it is set to the page, and the section, that is being read. Paths and ids are the
  // same in all languages.
  const config = JSON.parse(document.getElementById("__config").textContent)
  const base = new URL(`${config.base}/`, location.href)

  document.addEventListener("click", event => {
    const link = event.target.closest?.(".md-select__link[hreflang]")
    if (!link || !location.href.startsWith(base.href)) return
    const path = location.href.slice(base.href.length)
    link.href = new URL(`../${link.hreflang}/${path}`, base).href
  }, { capture: true })

  // The link that skips to the text takes the focus there, and not just the view: instant navigation,
  // which would go to the place in its own way, takes the focus away again.
  document.addEventListener("click", event => {
    const link = event.target.closest?.(".md-skip")
    const target = link && document.getElementById(decodeURIComponent(link.hash.slice(1)))
    if (!target) return
    event.preventDefault()
    event.stopPropagation()
    target.tabIndex = -1
    target.focus()
    target.scrollIntoView()
  }, { capture: true })

  // In print a link to elsewhere is followed by its address. By itself a style sheet cannot tell it:
  // instant navigation makes all addresses whole.
  document$.subscribe(() => {
    for (const link of document.querySelectorAll("article a[href]"))
      if (link.host !== location.host && link.rel !== "edit") link.dataset.address = link.href
  })

  // While Material shows a button's title as a tooltip, it takes the title away, and with it the
  // only name that the button has.
  document.addEventListener("focusin", ({ target }) => {
    if (target.matches(".md-code__button[data-md-type=copy]"))
      target.setAttribute("aria-label", config.translations["clipboard.copy"])
  }, { capture: true })

  // A term's explanation comes with the focus; it has to go without moving on (WCAG 1.4.13).
  document.addEventListener("keydown", ({ key }) => {
    const term = document.activeElement
    if (key === "Escape" && term?.matches("abbr[tabindex]")) term.blur()
  })
}
