"""A browser's page that notes console errors and requests that leave the machine."""

from __future__ import annotations

from playwright.sync_api import ConsoleMessage, Page, Request

from istiolab.system.deadlines import scaled


class Watched:
    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.strangers: list[str] = []
        # Milliseconds; Playwright's own, on a machine like the reference.
        page.set_default_timeout(scaled(30_000))
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._request)

    def open(self, path: str) -> Page:
        answer = self.page.goto(f"{self.address}/{path}", wait_until="networkidle")
        assert answer is not None, path
        assert answer.ok, f"{path}: {answer.status}"
        return self.page

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url')})")

    def _request(self, request: Request) -> None:
        self.requests.append(request.url)
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.strangers.append(request.url)
