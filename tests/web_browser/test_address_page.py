"""The form that makes an address of the page of captions alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from lipstream.events import TranscriptFinal
from tests.web_browser.conftest import DESKTOP, PHONE
from tests.web_browser.fake_server import FakeServer
from tests.web_browser.steps import until


def test_an_address_is_made_that_the_page_takes_without_complaint(page: Page, server: FakeServer):
    page.goto(f"{server.url}/captions/settings")
    address = page.get_by_label("Address")
    expect(address).to_have_value(f"{server.url}/captions")
    page.get_by_label("Size of the text").fill("60")
    page.get_by_label("Lines", exact=True).fill("3")
    page.get_by_label("Font").fill("Georgia, serif")
    page.get_by_label("Colour behind the text").fill("00000080")
    page.get_by_label("Where lines begin").select_option("left")
    made = address.input_value()
    expect(page.get_by_role("link", name="Open it")).to_have_attribute("href", made)
    page.goto(made)
    until(page, lambda: server.listeners() > 0)
    expect(page.locator("#notice")).to_be_hidden()
    server.send(TranscriptFinal(segment=1, start=0, end=1, text="Hello.", words=()))
    text = page.locator(".caption-text")
    expect(text).to_have_css("font-size", "60px")
    expect(text).to_have_css("font-family", "Georgia, serif")
    expect(text).to_have_css("background-color", "rgba(0, 0, 0, 0.5)")
    expect(text).to_have_css("text-align", "left")


def test_what_cannot_be_is_marked_and_left_out(page: Page, server: FakeServer):
    page.goto(f"{server.url}/captions/settings?size=72")
    size = page.get_by_label("Size of the text")
    expect(size).to_have_value("72")
    size.fill("huge")
    expect(size).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Address")).to_have_value(f"{server.url}/captions")
    size.fill("64")
    expect(size).to_have_attribute("aria-invalid", "false")
    expect(page.get_by_label("Address")).to_have_value(f"{server.url}/captions?size=64")


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_everybody_can_use_it(new_page: Callable[..., Page], server: FakeServer, viewport: dict[str, int]):
    page = new_page(viewport=viewport)
    page.goto(f"{server.url}/captions/settings")
    for theme in ("", "contrast", "cream"):
        page.get_by_label("Colours", exact=True).select_option(theme)
        found = Axe().run(page).response["violations"]
        assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == [], theme
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
