"""The page of captions alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from lipstream.events import EmotionChanged, EmotionUpdate, End, TranscriptCorrected, TranscriptFinal, TranscriptPartial
from tests.web_browser.fake_server import FakeServer
from tests.web_browser.steps import CORRECTED, go_live, until


def watch(page: Page, server: FakeServer, settings: str = "") -> None:
    page.goto(f"{server.url}/captions{settings}")
    expect(page.locator("body")).to_have_attribute("data-state", "connected")
    until(page, lambda: server.listeners() > 0)


def test_it_shows_what_is_said_on_a_transparent_page(page: Page, server: FakeServer):
    watch(page, server)
    server.send(TranscriptPartial(segment=1, start=0, end=1, stable="Good", unstable=" moaning"))
    expect(page.locator(".caption")).to_have_text("Good moaning")
    server.send(TranscriptPartial(segment=1, start=0, end=1, stable="", unstable=""))
    expect(page.locator(".caption")).to_have_count(0)
    for element in ("html", "body", "main", "#captions"):
        background = page.locator(element).evaluate("e => getComputedStyle(e).backgroundColor")
        assert background == "rgba(0, 0, 0, 0)", element
    server.send(
        TranscriptFinal(segment=2, start=2, end=3, text="It was cold", words=()),
        TranscriptFinal(segment=3, start=4, end=5, text="but dry.", words=(), joint=","),
    )
    expect(page.locator(".caption")).to_have_text(["It was cold,", "but dry."])


def test_settings_in_the_address(page: Page, server: FakeServer):
    watch(page, server, "?size=72&lines=3&font=Georgia,%20serif&color=ffcc00&background=00000080&align=left&emotion=1")
    server.send(
        TranscriptFinal(segment=1, start=0, end=1, text="Hello.", words=()),
        EmotionUpdate(
            face=1,
            start=0,
            end=1,
            label="happy",
            probabilities={"happy": 1.0},
            valence=1,
            arousal=0,
            weights={"face": 1.0, "voice": 0.0},
        ),
    )
    text = page.locator(".caption-text")
    expect(text).to_have_css("font-size", "72px")
    expect(text).to_have_css("font-family", "Georgia, serif")
    expect(text).to_have_css("color", "rgb(255, 204, 0)")
    expect(text).to_have_css("background-color", "rgba(0, 0, 0, 0.5)")
    expect(text).to_have_css("text-align", "left")
    assert page.locator("#captions").evaluate("e => e.clientHeight") == pytest.approx(3 * 1.4 * 72, abs=1)
    expect(page.locator("#emotion")).to_have_text("happy")
    expect(page.locator("#notice")).to_be_hidden()


HAPPY: dict[str, Any] = {
    "probabilities": {"happy": 1.0},
    "valence": 1,
    "arousal": 0,
    "weights": {"face": 1.0, "voice": 0.0},
}


def test_an_emotion_is_taken_back_when_it_is_switched_off_and_at_the_end(page: Page, server: FakeServer):
    watch(page, server, "?emotion=1")
    update = EmotionUpdate(face=1, start=0, end=1, label="happy", **HAPPY)
    emotion = page.locator("#emotion")
    server.send(update)
    expect(emotion).to_have_text("happy")
    server.send(EmotionChanged(face=2, time=1, previous="sad", label="unknown", **HAPPY), update)
    expect(emotion).to_be_visible()
    server.send(EmotionChanged(face=1, time=1, previous="happy", label="unknown", **HAPPY))
    expect(emotion).to_be_hidden()
    server.send(update)
    expect(emotion).to_be_visible()
    server.send(End(reason="stopped", duration=2))
    expect(emotion).to_be_hidden()


BAD_SETTINGS = (
    (
        "size=-1",
        "lines=0.5",
        "font=x;}*{display:none",
        "color=url(javascript:0)",
        "background=red;position:fixed",
        "align=top",
        "emotion=yes",
        "hide=-3",
        "session=../../x",
        "colour=red",
        "__proto__=1",
    ),
    ("size=1e9", "lines=99", "font=url(//host)", "color=notacolour"),
    ("size=huge", "color=" + "%00" * 50),
    ("size=" + "9" * 5000,),
)


def test_bad_settings_are_said_and_break_nothing(page: Page, server: FakeServer):
    for settings in BAD_SETTINGS:
        page.goto(f"{server.url}/captions?{'&'.join(settings)}")
        for setting in settings:
            expect(page.locator("#notice")).to_contain_text(setting.split("=")[0])
    watch(page, server, "?" + "&".join(BAD_SETTINGS[0]))
    server.send(TranscriptFinal(segment=1, start=0, end=1, text="Hello.", words=()))
    expect(page.locator(".caption")).to_have_text("Hello.")
    expect(page.locator(".caption-text")).to_have_css("font-size", "48px")
    expect(page.locator(".caption-text")).to_have_css("color", "rgb(255, 255, 255)")


def test_hostile_words_stay_words(page: Page, server: FakeServer):
    watch(page, server, "?emotion=1")
    hostile = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
    server.send(
        TranscriptPartial(segment=1, start=0, end=1, stable=hostile, unstable=hostile),
        TranscriptFinal(segment=1, start=0, end=1, text=hostile, words=()),
    )
    expect(page.locator(".caption")).to_have_text(hostile)
    assert page.locator("img, main script").count() == 0
    assert page.title() == "Lipstream captions"


def test_only_the_last_lines_are_seen_and_none_is_cut(page: Page, server: FakeServer):
    watch(page, server, "?lines=2&size=40")
    for number in range(1, 6):
        server.send(TranscriptFinal(segment=number, start=number, end=number + 1, text=f"Line {number}.", words=()))
    expect(page.locator(".caption").last).to_have_text("Line 5.")
    box = page.locator("#captions").bounding_box()
    tops = [line.bounding_box()["y"] - box["y"] for line in page.locator(".caption").all()]
    assert tops == pytest.approx([-168, -112, -56, 0, 56], abs=1)


def test_it_goes_over_to_the_next_session_and_survives_restarts(page: Page, server: FakeServer):
    watch(page, server)
    server.send(
        {"event": "Running", "session": "first"},
        TranscriptFinal(segment=1, start=0, end=1, text="One.", words=()),
        {"event": "Running", "session": "second"},
        TranscriptFinal(segment=1, start=0, end=1, text="Two.", words=()),
    )
    expect(page.locator(".caption")).to_have_text(["One.", "Two."])
    server.stop()
    expect(page.locator("body")).to_have_attribute("data-state", "lost")
    server.start()
    expect(page.locator("body")).to_have_attribute("data-state", "connected")
    until(page, lambda: server.listeners() > 0)
    server.send(TranscriptFinal(segment=1, start=0, end=1, text="Three.", words=()))
    expect(page.locator(".caption")).to_have_text(["One.", "Two.", "Three."])


def test_captions_and_what_is_told_to_screen_readers_are_marked_with_their_language(page: Page, server: FakeServer):
    watch(page, server)
    server.send(
        TranscriptFinal(segment=1, start=0, end=1, text="Guten Morgen.", words=(), language="de"),
        TranscriptFinal(segment=2, start=2, end=3, text="Good morning.", words=()),
    )
    for place in (".caption", "#spoken p"):
        texts = page.locator(place)
        expect(texts).to_have_count(2)
        assert [each.get_attribute("lang") for each in texts.all()] == ["de", None], place


def test_a_screen_reader_is_told_the_corrected_sentence_once_and_never_what_it_corrects(page: Page, server: FakeServer):
    watch(page, server)
    told = page.get_by_role("log").locator("p")
    server.send(TranscriptPartial(segment=1, start=0, end=1, stable="I, I", unstable=" really"))
    expect(page.locator(".caption")).to_have_text("I, I really")
    expect(told).to_have_count(0)
    server.send(CORRECTED)
    expect(page.locator(".caption")).to_have_text("I really enjoy it.")
    expect(told).to_have_text(["I really enjoy it."])


def test_a_screen_reader_that_was_told_what_stood_when_the_connection_was_lost_is_told_the_correction_once(
    page: Page, server: FakeServer
):
    watch(page, server)
    told = page.get_by_role("log").locator("p")
    server.send(TranscriptPartial(segment=1, start=0, end=1, stable="I, I", unstable=" really"))
    expect(page.locator(".caption")).to_have_text("I, I really")
    server.stop()
    expect(told).to_have_text(["I, I really …"])
    server.start()
    until(page, lambda: server.listeners() > 0)
    server.send(CORRECTED, CORRECTED)
    expect(told).to_have_text(["I, I really …", "I really enjoy it."])


def test_what_a_screen_reader_was_told_is_not_told_again_when_the_connection_comes_back(page: Page, server: FakeServer):
    """The server tells a session from its first final on whenever somebody connects."""
    server.survivor = "first"
    watch(page, server)
    told, shown = page.get_by_role("log").locator("p"), page.locator(".caption")
    running = {"event": "Running", "session": "first"}
    finals = [TranscriptFinal(segment=n, start=n, end=n + 1, text=f"Line {n}.", words=()) for n in range(1, 31)]
    server.send(running, *finals[:29], TranscriptPartial(segment=30, start=30, end=31, stable="Line", unstable=""))
    expect(told.last).to_have_text("Line 29.")
    for _ in range(2):
        server.stop()
        expect(page.locator("body")).to_have_attribute("data-state", "lost")
        server.start()
        until(page, lambda: server.listeners() > 0)
        server.send(running, *finals, End(reason="stopped", duration=40))
    # Of what was cut the whole is told, once.
    expect(told.last).to_have_text("Line 30.")
    expect(told).to_have_text([*(f"Line {n}." for n in range(12, 30)), "Line …", "Line 30."])
    expect(shown).to_have_text([f"Line {n}." for n in range(7, 31)])
    server.send({"event": "Running", "session": "second"}, finals[0])
    expect(told.last).to_have_text("Line 1.")
    expect(shown.last).to_have_text("Line 1.")


def test_a_screen_reader_is_not_told_a_sentence_again_that_is_corrected_later(page: Page, server: FakeServer):
    watch(page, server)
    server.send(
        TranscriptFinal(segment=1, start=0, end=1, text="It was cold", words=()),
        TranscriptFinal(segment=2, start=2, end=3, text="Then we ate.", words=(), joint="."),
        TranscriptCorrected(segment=1, start=0, end=1, previous="It was cold", text="It was gold,", words=()),
    )
    expect(page.locator(".caption")).to_have_text(["It was gold,", "Then we ate."])
    expect(page.get_by_role("log").locator("p")).to_have_text(["It was cold", "Then we ate."])


def test_captions_can_go_after_a_silence(page: Page, server: FakeServer):
    watch(page, server, "?hide=0.5")
    server.send(TranscriptFinal(segment=1, start=0, end=1, text="Hello.", words=()))
    expect(page.locator(".caption")).to_be_hidden()
    server.send(TranscriptCorrected(segment=1, start=0, end=1, previous="Hello.", text="Hallo.", words=()))
    expect(page.locator(".caption")).to_have_text("Hallo.")
    expect(page.locator(".caption")).to_be_hidden()
    server.send(TranscriptFinal(segment=2, start=5, end=6, text="Again.", words=()))
    expect(page.locator(".caption").last).to_be_visible()


def test_it_shows_the_session_asked_for(new_page: Callable[..., Page], server: FakeServer):
    speaker, page = new_page(), new_page()
    session = go_live(speaker, server)
    (name,) = [id_ for id_, each in server.sessions.items() if each is session]
    page.goto(f"{server.url}/captions?session={name}")
    until(page, lambda: len(session.sockets) == 2)
    server.send(TranscriptFinal(segment=1, start=0, end=1, text="Hello.", words=()))
    expect(page.locator(".caption")).to_have_text("Hello.")
