"""The page as its reader sets it: size of the text, colours, spacing, length of lines, full screen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from lipstream.events import TranscriptFinal, TranscriptPartial
from lipstream.pipeline import Degraded
from tests.web_browser.conftest import DESKTOP, PHONE
from tests.web_browser.fake_server import FakeServer
from tests.web_browser.steps import go_live

SIZES = pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
THEMES = ("light", "dark", "contrast", "cream")


def say(server: FakeServer) -> None:
    ada = {"speaker": 1, "speaker_name": "Ada"}
    server.send(
        TranscriptFinal(segment=1, start=0, end=3, text="Good morning, everybody.", words=()).to_dict() | ada,
        TranscriptPartial(segment=2, start=4, end=5, stable="And it goes", unstable=" on and on"),
    )


def size_of(page: Page) -> float:
    return float(page.locator("#captions").evaluate("e => parseFloat(getComputedStyle(e).fontSize)"))


@SIZES
def test_start_is_above_the_fold(page: Page, server: FakeServer, viewport: dict[str, int]):
    page.set_viewport_size({**viewport, "height": 664} if viewport == PHONE else viewport)
    page.goto(server.url)
    for name in ("Start captions",):
        expect(page.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)


@SIZES
def test_captions_come_first_and_get_the_most_room(page: Page, server: FakeServer, viewport: dict[str, int]):
    page.set_viewport_size(viewport)
    go_live(page, server)
    say(server)
    expect(page.locator("#captions .caption")).to_have_count(2)
    captions, picture = page.locator("#captions").bounding_box(), page.locator("#picture").bounding_box()
    assert captions["y"] <= picture["y"] + 1
    assert captions["width"] * captions["height"] > picture["width"] * picture["height"]
    assert captions["height"] >= 0.35 * viewport["height"]
    for control in ("Stop", "Larger text", "Full screen"):
        expect(page.get_by_role("button", name=control)).to_be_in_viewport(ratio=1)


def test_text_grows_and_shrinks_by_button_and_key_and_stays_so(page: Page, server: FakeServer):
    go_live(page, server)
    at_first = size_of(page)
    page.get_by_role("button", name="Larger text").click()
    larger = size_of(page)
    assert larger > at_first
    expect(page.locator("#size-note")).to_have_text(f"{larger:.0f} pixels")
    page.locator("body").press("+")
    largest = size_of(page)
    assert largest > larger
    page.locator("body").press("-")
    assert size_of(page) == larger
    go_live(page, server)
    assert size_of(page) == larger
    for _ in range(25):
        page.locator("body").press("-")
    assert size_of(page) == 12
    expect(page.get_by_role("button", name="Smaller text")).to_be_disabled()


def test_keys_can_be_switched_off_and_leave_typing_alone(page: Page, server: FakeServer):
    go_live(page, server)
    say(server)
    before = size_of(page)
    page.get_by_role("searchbox").fill("a")
    page.get_by_role("searchbox").press("+")
    assert size_of(page) == before
    expect(page.get_by_role("searchbox")).to_have_value("a+")
    page.get_by_role("button", name="Text and colours").click()
    page.get_by_label("Keys:").uncheck()
    page.keyboard.press("Escape")
    page.locator("body").press("+")
    page.locator("body").press("f")
    assert size_of(page) == before
    assert page.locator("body").get_attribute("data-full") != "true"


@SIZES
def test_every_theme_has_contrast_and_is_remembered(
    new_page: Callable[..., Page], server: FakeServer, viewport: dict[str, int]
):
    page = new_page(viewport=viewport, reduced_motion="reduce")
    go_live(page, server)
    say(server)
    server.send(Degraded(modality="video", stage="camera", reason="the picture has not changed for 2 s"))
    page.get_by_role("button", name="Text and colours").click()
    # Colours are the same at any size, so each is checked at one of them.
    for theme in THEMES if viewport == PHONE else THEMES[-1:]:
        page.get_by_label("Colours", exact=True).select_option(theme)
        assert serious(page) == [], theme
    page.get_by_label("Spacing").select_option("wide")
    page.get_by_label("Length of lines").select_option("20")
    assert serious(page) == []
    go_live(page, server)
    expect(page.locator("html")).to_have_attribute("data-theme", THEMES[-1])
    say(server)
    caption = page.locator("#captions .caption").first
    expect(caption).to_be_visible()
    style = caption.evaluate("e => [getComputedStyle(e).letterSpacing, getComputedStyle(e).width]")
    assert float(style[0].removesuffix("px")) == pytest.approx(0.12 * size_of(page), rel=0.01)
    assert float(style[1].removesuffix("px")) < 0.75 * 20 * size_of(page)
    page.get_by_role("button", name="Text and colours").click()
    page.get_by_role("button", name="As at first").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "system")


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {node['html'][:120]}: {node['failureSummary']}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


_CONTRAST = """() => {
  const channel = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const light = (css) => {
    const [r, g, b] = css.match(/[\\d.]+/g).slice(0, 3).map((value) => channel(value / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = light(getComputedStyle(document.querySelector('#captions')).backgroundColor);
  return [...document.querySelectorAll('#captions .caption-text, #captions .unstable, #captions .speaker')].map((e) => {
    const text = light(getComputedStyle(e).color);
    return (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
  });
}"""


def test_high_contrast_means_at_least_seven_to_one_for_all_of_a_caption(page: Page, server: FakeServer):
    go_live(page, server)
    say(server)
    expect(page.locator("#captions .caption")).to_have_count(2)
    page.get_by_role("button", name="Text and colours").click()
    for theme in THEMES:
        page.get_by_label("Colours", exact=True).select_option(theme)
        least = min(page.evaluate(_CONTRAST))
        assert least >= (7 if theme == "contrast" else 4.5), theme


@SIZES
def test_full_screen_shows_captions_warnings_and_the_way_back(page: Page, server: FakeServer, viewport: dict[str, int]):
    page.set_viewport_size(viewport)
    go_live(page, server)
    say(server)
    full = page.get_by_role("button", name="Full screen")
    full.click()
    expect(full).to_have_attribute("aria-pressed", "true")
    box = page.locator("#captions").bounding_box()
    assert box["width"] >= 0.9 * viewport["width"]
    assert box["height"] >= 0.7 * viewport["height"]
    server.send(Degraded(modality="video", stage="camera", reason="the picture has not changed for 2 s"))
    expect(page.locator("#warnings li")).to_be_in_viewport()
    page.locator("body").press("f")
    expect(full).to_have_attribute("aria-pressed", "false")
    page.locator("body").press("f")
    expect(full).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Full screen").press("Escape")
    expect(full).to_have_attribute("aria-pressed", "false")


def test_no_line_of_captions_is_cut_at_any_size(page: Page, server: FakeServer):
    go_live(page, server)
    for number in range(1, 30):
        server.send(TranscriptFinal(segment=number, start=number, end=number + 1, text=f"Line {number}.", words=()))
    expect(page.locator("#captions .caption").last).to_have_text("Line 29.")
    for _ in range(6):
        page.get_by_role("button", name="Larger text").click()
        top = page.locator("#captions").evaluate(
            "e => { const s = getComputedStyle(e); return e.clientHeight / parseFloat(s.lineHeight); }"
        )
        assert top == pytest.approx(round(top), abs=0.02)


def test_the_page_of_captions_alone_is_opened_as_the_reader_has_set_this_one(page: Page, server: FakeServer):
    go_live(page, server)
    page.get_by_role("button", name="Larger text").click()
    page.get_by_role("button", name="Text and colours").click()
    page.get_by_label("Colours", exact=True).select_option("cream")
    size = size_of(page)
    address = page.locator("#captions-only").get_attribute("href")
    alone = page.context.new_page()
    alone.goto(address)
    expect(alone.locator("#notice")).to_be_hidden()
    server.send(TranscriptFinal(segment=1, start=0, end=3, text="Good morning.", words=()))
    text = alone.locator(".caption-text")
    expect(text).to_have_text("Good morning.")
    expect(text).to_have_css("font-size", f"{size:.0f}px")
    expect(text).to_have_css("color", "rgb(43, 36, 24)")
