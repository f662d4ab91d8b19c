// The header stays while instant navigation changes the page below it: before a language link is
// followed, it is set to the page, and the section, that is being read. Paths and ids are the same
// in all languages.
const base = new URL(
  JSON.parse(document.getElementById("__config").textContent).base + "/",
  location.href,
)

document.addEventListener("click", event => {
  const link = event.target.closest?.(".md-select__link[hreflang]")
  if (!link || !location.href.startsWith(base.href)) return
  const path = location.href.slice(base.href.length)
  link.href = new URL(`../${link.hreflang}/${path}`, base).href
}, { capture: true })
