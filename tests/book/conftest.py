"""The built book: printed once a session, served over http, opened in a browser that may not leave this machine."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from book.press import Refused, stage
from book.press.build import BUILD, build
from book.press.serve import server
from tests.browser import browser, refuse_outbound, watch_errors  # noqa: F401 (a fixture)

OUT = BUILD / "html"
TOC = stage.contents("en")
LISTED = [page["file"] for part in TOC["parts"] for item in part["chapters"] for page in (item, *item.get("sections", ()))]
PAGES = [TOC["root"], *LISTED, "search"]
CHAPTER = "02_attention"
EVERYWHERE = [f"{language}/{page}.html" for language in ("fr", "en") for page in PAGES]


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder of the built book; nothing is printed again when nothing changed."""
    try:
        build(out=OUT)
    except (SystemExit, Refused) as problem:
        pytest.fail(str(problem), pytrace=False)
    return OUT


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """The book's address on a local server."""
    served = server(site)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{served.server_port}/"
    served.shutdown()


@pytest.fixture
def visit(site: Path, address: str, browser: Browser) -> Iterator[Callable[..., Page]]:  # noqa: F811
    """`visit("fr/index.html", disk=True, …)` opens a page; at the end nothing left the machine and nothing failed."""
    watched = []

    def open_page(page: str, *, disk: bool = False, width: int = 1280, dark: bool = False, **options) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme="dark" if dark else "light", **options)
        refused, tab = refuse_outbound(context), context.new_page()
        watched.append((context, refused, watch_errors(tab)))
        tab.goto((site.as_uri() + "/" if disk else address) + page)
        tab.wait_for_load_state("load")
        return tab

    yield open_page
    for context, refused, errors in watched:
        context.close()
        assert (refused, errors) == ([], [])
