"""The whole way with the real networks: the demo clip through a browser's camera and microphone, and through `file`."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright, WebSocket, expect

from lipstream import Pipeline
from lipstream.events import TranscriptFinal
from tests.web_browser.conftest import ALLOW, launched
from tests.web_browser.fake_devices import fake_devices
from tests.web_browser.real_server import real_server
from tests.web_browser.steps import until

jiwer = pytest.importorskip("jiwer")
normalizer = pytest.importorskip("whisper_normalizer.english")

pytestmark = pytest.mark.media

SPOKEN = """Today, after two years of negotiations, the United States, together with our international partners, has
achieved some"""
"""What is said in the clip, which ends in the middle of a word."""
BEFORE, AFTER = 8.0, 3.0
WITHIN = 45.0
"""Seconds in which the clip, 9 s of it behind those before, is captioned on a machine that keeps up."""
MOST_TRIES = 5
EMOTION_WITHIN = 3.0


def word_error_rate(text: str) -> float:
    normalise = normalizer.EnglishTextNormalizer()
    return jiwer.wer(normalise(SPOKEN), normalise(text))


def test_the_page_shows_what_file_hears_and_an_emotion(
    driver: Playwright, new_page: Callable[..., Page], obama_speech: Path, tmp_path: Path
):
    devices = fake_devices(obama_speech, tmp_path, BEFORE, AFTER)
    with real_server("--max-sessions", "1") as address, launched(driver, ALLOW, *devices.arguments) as browser:
        page = new_page(browser)
        page.set_default_timeout(120_000)
        # The clip plays from the moment the devices are opened, so no preview may open them early.
        page.add_init_script("navigator.permissions.query = async () => ({ state: 'prompt' })")
        page.goto(address)
        events = record(page)
        # A browser that gets too little of a busy processor loses sound before anybody can hear it.
        for _ in range(MOST_TRIES):
            if live_before_the_clip(page) and (shown := captioned(page)):
                break
            stop(page, address)
            events.clear()
        page.context.close()
    settings = {"events.stats_interval": 0, "speech.quality": "fast"}
    run = Pipeline.from_config("file", input=str(obama_speech), **settings)
    by_file = " ".join(event.text for event in run.events() if isinstance(event, TranscriptFinal))
    assert word_error_rate(shown) <= word_error_rate(by_file) + 0.05, f"{shown!r} against {by_file!r}"
    seen = next(event["emitted"] for event in events if event["event"] == "FaceFound")
    judged = next(e["emitted"] for e in events if e["event"] == "EmotionUpdate" and e["label"] != "unknown")
    assert judged <= seen + EMOTION_WITHIN


def live_before_the_clip(page: Page) -> bool:
    """Open the devices and start; whether captions ran before the clip began, which a busy machine may not manage."""
    begun = time.monotonic()
    page.get_by_role("button", name="Start captions").click()
    body = page.locator("body")
    # On a busy machine it may be live before anybody has looked.
    expect(body).to_have_attribute("data-state", re.compile("connecting|live"))
    # A connection that is not made in time ends on the start screen.
    until(page, lambda: body.get_attribute("data-state") in ("live", "start"), seconds=120)
    return body.get_attribute("data-state") == "live" and time.monotonic() - begun < BEFORE


def captioned(page: Page) -> str:
    """What the page shows once the clip has been played; empty if it did not get to its end, or knows no emotion."""
    for _ in range(round(WITHIN / 0.25)):
        page.wait_for_timeout(250)
        known = page.locator("#emotion-label").get_attribute("data-known") == "true"
        if known and "partners" in page.locator("#history").inner_text():
            page.wait_for_timeout(1000 * AFTER)
            # Whose words they are is told beside them.
            return re.sub(r"Speaker \d+:\s*", "", " ".join(page.locator("#history li p").all_inner_texts()))
    return ""


def stop(page: Page, address: str) -> None:
    """End a session, if there is one, and wait until its place is free."""
    button = page.get_by_role("button", name="Stop")
    if button.is_visible():
        button.click()
    until(page, lambda: page.request.get(f"{address}api/status").json()["sessions"] == 0)


def record(page: Page) -> list[dict[str, Any]]:
    """Every event that the page gets, from now on."""
    events: list[dict[str, Any]] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda data: events.append(json.loads(data)))

    page.on("websocket", listen)
    return events
