"""A real browser for the tests: found once, started safely, and watched so that no request leaves the machine."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, sync_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LOCAL = ("file:", "data:", "blob:", "about:", "http://127.0.0.1:", "http://localhost:", "ws://127.0.0.1:", "ws://localhost:")


def find_browser() -> str | None:
    """The browser to drive: `D2L_BROWSER` if set, else the first Chromium on the PATH."""
    wanted = os.environ.get("D2L_BROWSER")
    if wanted:
        if not shutil.which(wanted):
            raise SystemExit(f"D2L_BROWSER={wanted!r} must be a program that exists; unset it or give a Chromium.")
        return shutil.which(wanted)
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


needs_browser = pytest.mark.skipif(
    find_browser() is None, reason="no Chromium on the PATH: install one (apt-get install chromium) or set D2L_BROWSER"
)


@contextmanager
def launch() -> Iterator[Browser]:
    """The browser, closed at the end."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser a module; each test opens its own page. No longer-lived: while it runs, nothing else may start an event loop."""
    with launch() as chromium:
        yield chromium


def refuse_outbound(target: Page | BrowserContext) -> list[str]:
    """Block whatever is not on this machine; the list that is returned fills with the addresses that were refused."""
    refused: list[str] = []

    def decide(route: Route) -> None:
        if route.request.url.startswith(LOCAL):
            route.continue_()
        else:
            refused.append(route.request.url)
            route.abort()

    target.route("**/*", decide)
    return refused


def watch_errors(page: Page) -> list[str]:
    """The list that is returned fills with the page's uncaught errors."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors


def node() -> Path:
    """The Node.js that comes with playwright, so that nobody has to install one."""
    from playwright._impl._driver import compute_driver_executable

    found = compute_driver_executable()
    return Path(found[0] if isinstance(found, tuple) else found)


if __name__ == "__main__":
    raise SystemExit(
        None if find_browser() else "make test needs a browser: install Chromium (apt-get install chromium) or set D2L_BROWSER."
    )
