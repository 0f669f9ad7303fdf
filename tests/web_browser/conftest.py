"""Chromium with its fake camera and microphone, and a server that sends what a test says."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install '.[dev]')")
pytest.importorskip("aiortc", reason="the web server is not installed (pip install '.[web]')")

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright  # noqa: E402

from tests.web_browser.fake_server import PATIENCE, FakeServer  # noqa: E402

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Few pictures: they cost the time of the tests.
FAKE_DEVICES = "--use-fake-device-for-media-stream=fps=5"
ALLOW = "--use-fake-ui-for-media-stream"
# Two browsers on two busy cores take their time; what is waited for and never comes fails all the same.
expect.set_options(timeout=1000 * PATIENCE)

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}


@contextlib.contextmanager
def launched(driver: Playwright, *args: str) -> Iterator[Browser]:
    """Debian's Chromium with a new profile; the browsers of Playwright are not downloaded."""
    browser = driver.chromium.launch(executable_path=CHROMIUM, headless=True, args=[*QUIET, *args])
    try:
        yield browser
    finally:
        browser.close()


# Not of the session: as long as Playwright is there no other test of the process can run an event loop, and which tests
# follow in it depends on who is quicker.
@pytest.fixture(scope="package")
def driver() -> Iterator[Playwright]:
    if CHROMIUM is None:
        pytest.skip("no Chromium here (scripts/system_packages.sh --with-tests installs it)")
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="package")
def browser(driver: Playwright) -> Iterator[Browser]:
    """One that has a fake camera and microphone, and allows them."""
    with launched(driver, FAKE_DEVICES, ALLOW) as browser:
        yield browser


@pytest.fixture
def complaints() -> list[str]:
    """What the browser wrote to the console as an error: breaches of the content policy above all."""
    return []


@pytest.fixture
def new_page(browser: Browser, complaints: list[str]) -> Iterator[Callable[..., Page]]:
    """Opens a page of its own profile; at the end none of them may have thrown or breached the policy."""
    contexts: list[BrowserContext] = []
    thrown: list[str] = []

    def make(chosen: Browser = browser, **options: object) -> Page:
        context = chosen.new_context(**({"viewport": DESKTOP, "locale": "en-GB"} | options))
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(1000 * PATIENCE)
        page.on("pageerror", lambda error: thrown.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        return page

    yield make
    for context in contexts:
        context.close()
    assert not thrown
    assert not [text for text in complaints if "Content Security Policy" in text]


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    return new_page()


@pytest.fixture
def server() -> Iterator[FakeServer]:
    server = FakeServer()
    server.start()
    yield server
    server.stop()
