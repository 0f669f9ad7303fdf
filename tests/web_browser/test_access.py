"""Whether everybody can use the pages: axe-core's checks, and narrow windows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from lipstream.events import EmotionUpdate, SoundLevel, TranscriptFinal, TranscriptPartial
from lipstream.pipeline import Degraded
from tests.web_browser.conftest import DESKTOP, PHONE
from tests.web_browser.fake_server import FakeServer
from tests.web_browser.steps import go_live, until

SIZES = pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])


def findings(page: Page) -> list[str]:
    """What axe-core finds of serious or critical impact, as one line each."""
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {node['html'][:120]}: {node['failureSummary']}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


def fill(page: Page, server: FakeServer) -> None:
    """Something to see in every part of the live screen, long words included."""
    probabilities = {"neutral": 0.2, "happy": 0.6, "disgusted": 0.2}
    shown = {"label": "happy", "probabilities": probabilities, "weights": {"face": 0.7, "voice": 0.3}}
    server.send(
        TranscriptFinal(segment=1, start=0, end=2, text="Pneumonoultramicroscopic" * 4 + " is long.", words=()),
        TranscriptPartial(segment=2, start=3, end=4, stable="And it goes on", unstable=" and on and on"),
        EmotionUpdate(face=1, start=0, end=1, valence=0, arousal=0, **shown),
        Degraded(modality="video", stage="camera", reason="the picture has not changed for 2 s"),
        SoundLevel(time=1, level=-20, speech=True),
    )
    expect(page.locator("#emotion-label")).to_have_text("Happy")
    page.get_by_role("button", name="Mute").click()


def overflow(page: Page) -> int:
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.mark.parametrize(
    ("viewport", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desktop-light", "phone-dark"]
)
def test_the_page_starting_and_live(
    new_page: Callable[..., Page], server: FakeServer, viewport: dict[str, int], scheme: str
):
    page = new_page(viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
    server.growing = {"answer": None, "minutes": 0.0, "made": False, "kept": False}
    page.goto(server.url)
    expect(page.get_by_role("button", name="Yes, learn my lips")).to_be_visible()
    until(page, lambda: page.evaluate("document.querySelector('#preview').videoWidth > 0"))
    page.get_by_text("Sound processing by the browser").click()
    assert findings(page) == []
    assert overflow(page) == 0
    go_live(page, server, reload=False)
    fill(page, server)
    page.get_by_text("Names and words to expect").click()
    assert findings(page) == []
    assert overflow(page) == 0


@SIZES
def test_messages_and_recordings(new_page: Callable[..., Page], server: FakeServer, viewport: dict[str, int]):
    page = new_page(viewport=viewport)
    page.goto(server.url)
    server.refusal = (503, {"error": "busy", "message": "All places are taken."})
    page.get_by_role("button", name="Start captions").click()
    expect(page.get_by_role("alert")).to_contain_text("busy")
    server.refusal = None
    name = "a_very_long_name_of_a_recording_without_any_spaces" * 3 + ".mp4"
    page.set_input_files("#file", {"name": name, "mimeType": "video/mp4", "buffer": bytes(10)})
    expect(page.get_by_role("link", name="Open the report")).to_be_visible()
    assert findings(page) == []
    assert overflow(page) == 0


@SIZES
def test_captions_alone(new_page: Callable[..., Page], server: FakeServer, viewport: dict[str, int]):
    page = new_page(viewport=viewport)
    page.goto(f"{server.url}/captions?emotion=1&size=none")
    until(page, lambda: server.listeners() > 0)
    server.send(
        TranscriptFinal(segment=1, start=0, end=2, text="Pneumonoultramicroscopic" * 4 + " is long.", words=()),
        TranscriptPartial(segment=2, start=3, end=4, stable="And it goes on", unstable=" and on"),
    )
    expect(page.locator(".caption").last).to_have_text("And it goes on and on")
    assert findings(page) == []
    assert overflow(page) == 0
