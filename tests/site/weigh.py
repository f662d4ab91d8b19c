"""What a page costs whoever opens it: a built site in, figures taken in Chromium out.

It is a command, `tools/weigh`:

    tools/weigh [--json] [FOLDER]    each page of the site in FOLDER (`site`), opened three times in
                                     a browser that knows nothing yet; the medians

Bytes are what went over the wire, uncompressed, headers left out; the server is this machine, so
that times say what the page itself costs, and nothing of a network.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, Request

from tests.site.links import Built
from tests.site.server import chromium, served

RUNS = 3
# The browser may tell of the first paint only after the load event.
_PAINTED = """() => new Promise(resolve => new PerformanceObserver((list, observer) => {
  observer.disconnect()
  resolve(list.getEntriesByName("first-contentful-paint")[0].startTime)
}).observe({ type: "paint", buffered: true }))"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One page, opened for the first time."""

    page: str
    """Its file below the site."""
    html_bytes: int
    """The page itself."""
    total_bytes: int
    """With all that it asked for by itself."""
    requests: int
    """How often it asked, itself included."""
    paint_ms: float
    """Milliseconds until something of it could be seen."""


def weigh(folder: Path, pages: Sequence[str]) -> Iterator[Cost]:
    """Yield the cost of each page of the site in `folder`."""
    with served(folder) as address, chromium() as browser:
        for page in pages:
            html = (folder / page).stat().st_size
            runs = [_open(browser, f"{address}/{page}") for _ in range(RUNS)]
            yield Cost(
                page=page,
                html_bytes=html,
                total_bytes=int(median(run[0] for run in runs)),
                requests=int(median(run[1] for run in runs)),
                paint_ms=round(median(run[2] for run in runs), 1),
            )


def _open(browser: Browser, address: str) -> tuple[int, int, float]:
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        done: list[Request] = []
        page.on("requestfinished", lambda request: done.append(request))  # noqa: PLW0108
        page.goto(address, wait_until="networkidle")
        painted = float(page.evaluate(_PAINTED))
        return sum(each.sizes()["responseBodySize"] for each in done), len(done), painted


def main(arguments: Sequence[str]) -> int:
    """Run the command; see the module's head."""
    as_json = "--json" in arguments
    rest = [each for each in arguments if each != "--json"]
    folder = Path(rest[0] if rest else "site")
    if len(rest) > 1 or not (folder / "index.html").is_file():
        sys.stderr.write(f"error: there is no site in `{folder}`\n\nhint: `make build` makes one\n")
        return 2
    pages = [page for page in Built(folder).pages if page != "index.html"]
    costs = list(weigh(folder, pages))
    if as_json:
        sys.stdout.write(json.dumps([asdict(each) for each in costs], indent=2) + "\n")
        return 0
    sys.stdout.write("  html kB  total kB  requests  paint ms  page\n")
    for each in costs:
        sys.stdout.write(
            f"{each.html_bytes / 1e3:9.1f} {each.total_bytes / 1e3:9.1f} {each.requests:9}"
            f" {each.paint_ms:9.0f}  {each.page}\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
