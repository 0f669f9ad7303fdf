"""The page of `file --report` in a browser, opened as a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from lipstream.views.report import write_report
from tests.media_factory import Picture, Sound, moving, tone, write_media
from tests.views.records import recorded, talk
from tests.web_browser.conftest import DESKTOP, PHONE
from tests.web_browser.steps import until
from tests.web_browser.test_access import findings, overflow

SECONDS = 6.0
NOTE_MARKED_WORDS = """
window.marked = [];
new MutationObserver((changes) => {
  for (const { target } of changes) if (target.ariaCurrent) marked.push(target.textContent.trim());
}).observe(document.body, { subtree: true, attributeFilter: ["aria-current"] });
"""


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """VP9 and Opus, which every Chromium plays."""
    picture = Picture(moving(150), codec="libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8", "g": "10"})
    sound = Sound(tone(SECONDS), codec="libopus")
    return write_media(tmp_path_factory.mktemp("report") / "talk.webm", sound, picture)


@pytest.fixture(scope="module")
def report(recording: Path) -> str:
    """The address of a page with the recording inside."""
    out = recording.with_name("report.html")
    write_report(recorded(talk(SECONDS)), recording, out)
    return out.as_uri()


@pytest.fixture
def opened(new_page: Callable[..., Page], report: str) -> Page:
    page = new_page(reduced_motion="reduce")
    page.goto(report)
    until(page, lambda: page.evaluate("document.querySelector('#media').readyState >= 1"))
    return page


def moment(page: Page) -> float:
    return page.evaluate("document.querySelector('#media').currentTime")


def at(page: Page, seconds: float) -> None:
    until(page, lambda: abs(moment(page) - seconds) < 0.06)


def focused(page: Page) -> str:
    return page.evaluate("document.activeElement.textContent")


def test_a_word_leads_to_its_moment_in_the_recording(opened: Page, complaints: list[str]):
    opened.get_by_role("button", name="four").nth(1).click()
    # The second caption begins at 3.46 s, with a word each 0.4 s.
    at(opened, 4.66)
    expect(opened.locator(".word[aria-current]")).to_have_text("four")
    expect(opened.locator("#word-info")).to_contain_text("0:04.6 to 0:04.9, confidence 90 %")
    assert complaints == []


def test_the_word_that_is_said_is_marked_while_it_plays(opened: Page):
    opened.evaluate(NOTE_MARKED_WORDS)
    opened.get_by_role("button", name="one").first.click()
    # Slowly, so that a busy machine comes to every word.
    opened.evaluate("const media = document.querySelector('#media'); media.playbackRate = 0.25; media.play()")
    until(opened, lambda: "three" in opened.evaluate("marked"))
    assert opened.evaluate("marked")[:3] == ["one", "two", "three"]


def test_words_can_be_reached_and_chosen_with_the_keyboard(opened: Page):
    opened.locator(".word").first.focus()
    opened.keyboard.press("ArrowRight")
    opened.keyboard.press("ArrowRight")
    assert focused(opened) == "three"
    opened.keyboard.press("ArrowDown")
    assert focused(opened) == "one"
    opened.keyboard.press("Enter")
    at(opened, 3.46)
    opened.keyboard.press("Home")
    assert focused(opened) == "one"
    # One of them takes part in the order of the Tab key, and it is the one that was left.
    assert opened.locator(".word[tabindex='0']").count() == 1


def test_a_click_on_any_track_leads_to_that_moment(opened: Page):
    for track in opened.get_by_role("slider", name="over time").all():
        box = track.bounding_box()
        assert box is not None
        # Labels stand 58 pixels to the left of the plot and 40 to its right.
        middle = 58 + (box["width"] - 98) / 2
        opened.evaluate("document.querySelector('#media').currentTime = 0")
        at(opened, 0)
        track.click(position={"x": middle, "y": box["height"] / 2})
        at(opened, SECONDS / 2)


def test_emotion_shows_its_numbers_under_the_pointer_and_tells_them_to_the_keyboard(opened: Page):
    track = opened.get_by_role("slider", name="Emotion over time")
    shown = opened.locator(".track", has=track).locator(".chips")
    track.hover()
    expect(shown).to_contain_text("labelled happy")
    expect(shown).to_contain_text("happy 40 %")
    expect(shown).to_contain_text("from the face 60 %")
    track.focus()
    opened.keyboard.press("PageUp")
    at(opened, 5.0)
    expect(track).to_have_attribute("aria-valuenow", "5.0")
    told = (track.get_attribute("aria-valuetext") or "").replace("\u00a0", " ")
    assert told.startswith("5.0 seconds: happy; happy 40 %") and told.endswith("face 60 %, voice 40 %")


def test_the_timeline_can_be_looked_at_closely(opened: Page):
    expect(opened.get_by_role("button", name="Whole")).to_be_disabled()
    opened.get_by_role("button", name="Show less time").click()
    opened.get_by_role("button", name="Show less time").click()
    expect(opened.get_by_label("Part shown")).to_be_visible()
    # A moment that is not in view brings it into view.
    opened.get_by_role("button", name="five").nth(1).click()
    expect(opened.locator(".axis .line:not(.hover)")).to_be_visible()
    opened.get_by_role("button", name="Whole").click()
    expect(opened.get_by_label("Part shown")).to_be_hidden()


def test_the_same_can_be_read_as_tables(opened: Page):
    opened.get_by_text("Sound and lips", exact=True).last.click()
    rows = opened.get_by_role("table", name="Sound and lips").get_by_role("row")
    expect(rows).to_have_count(13)
    opened.get_by_text("Emotion, in stretches of one label").click()
    expect(opened.get_by_role("cell", name="face 1").first).to_be_visible()


def test_the_transcript_can_be_had_in_every_format_of_text_also_from_the_disk(opened: Page, tmp_path: Path):
    links = opened.locator("#downloads a")
    assert {"txt", "srt", "vtt", "ass", "tsv"} <= set(links.all_text_contents())
    with opened.expect_download() as download:
        links.get_by_text("srt", exact=True).click()
    assert download.value.suggested_filename == "talk.srt"
    download.value.save_as(tmp_path / "talk.srt")
    text = (tmp_path / "talk.srt").read_text()
    assert text.startswith("1\n00:00:0") and " --> " in text


def test_a_recording_that_is_gone_leaves_a_page_to_work_with(new_page: Callable[..., Page], recording: Path):
    out = recording.with_name("gone.html")
    write_report(recorded(talk(SECONDS)), recording, out, media_url="./nowhere.webm")
    page = new_page()
    page.goto(out.as_uri())
    expect(page.locator("#media-trouble")).to_contain_text("not where it was")
    page.get_by_role("button", name="two").nth(1).click()
    expect(page.locator(".word[aria-current]")).to_have_text("two")


def test_a_recording_beside_the_page_plays(new_page: Callable[..., Page], recording: Path, complaints: list[str]):
    out = recording.with_name("beside.html")
    write_report(recorded(talk(SECONDS)), recording, out, media_url="./talk.webm")
    page = new_page()
    page.goto(out.as_uri())
    page.get_by_role("button", name="two").nth(1).click()
    until(page, lambda: page.evaluate("document.querySelector('#media').readyState >= 1"))
    at(page, 3.86)
    assert complaints == []


def test_a_recording_whose_time_does_not_begin_at_zero_is_not_early(new_page: Callable[..., Page], tmp_path: Path):
    """Captions count from its first moment, Chromium from its own zero."""
    times = [5 + at / 10 for at in range(60)]
    picture = Picture(moving(60), times=times, codec="libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8"})
    late = write_media(tmp_path / "late.webm", Sound(tone(SECONDS), codec="libopus", start=5.0), picture)
    write_report(recorded(talk(SECONDS)), late, tmp_path / "r.html")
    page = new_page()
    page.goto((tmp_path / "r.html").as_uri())
    until(page, lambda: page.evaluate("document.querySelector('#media').readyState >= 1"))
    page.get_by_role("button", name="two").nth(1).click()
    at(page, 8.86)
    expect(page.locator(".word[aria-current]")).to_have_text("two")


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it(new_page: Callable[..., Page], report: str, viewport: dict[str, int], scheme: str):
    page = new_page(viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
    page.goto(report)
    for summary in page.locator("summary").all():
        summary.click()
    page.get_by_role("button", name="two").first.click()
    assert findings(page) == []
    assert overflow(page) == 0
