"""The transcript of the page: kept when captions stop, searched, scrolled, downloaded, and not lost by accident."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from lipstream.events import (
    SoundEvent,
    SpeakerChanged,
    SpeakerNamed,
    TranscriptCorrected,
    TranscriptFinal,
    TranscriptPartial,
)
from tests.web_browser.conftest import PHONE
from tests.web_browser.fake_server import FORMATS, FakeServer
from tests.web_browser.steps import go_live, until


def final(number: int, text: str, **more: Any) -> dict[str, Any]:
    told = TranscriptFinal(
        segment=number, start=4 * number, end=4 * number + 3, text=text, words=(), emitted=4 * number
    )
    return told.to_dict() | more


def stop(page: Page, server: FakeServer) -> None:
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#start")).to_be_visible()
    until(page, lambda: not server.sessions)


def test_stop_keeps_the_transcript_with_all_that_keeps_it_and_a_way_on(page: Page, server: FakeServer):
    go_live(page, server)
    server.send(final(1, "Once."), TranscriptPartial(segment=2, start=8, end=9, stable="Half a", unstable=" sentence"))
    expect(page.locator("#captions .caption")).to_have_count(2)
    stop(page, server)
    said = page.locator("#history li p")
    expect(said).to_have_text(["Once.", "Half a sentence …"])
    expect(said.first).to_be_in_viewport()
    for name in ("Save as text", "Copy", "Download"):
        expect(page.get_by_role("button", name=name)).to_be_in_viewport()
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("body")).to_have_attribute("data-state", "live")
    until(page, lambda: server.listeners() == 1)
    server.send(final(1, "Twice."))
    expect(said).to_have_text(["Once.", "Half a sentence …", "Twice."])


def test_without_a_word_nothing_is_kept(page: Page, server: FakeServer):
    go_live(page, server)
    stop(page, server)
    expect(page.locator("#transcript")).to_be_hidden()
    assert asked_when_leaving(page) == []


def asked_when_leaving(page: Page) -> list[str]:
    """Kinds of the questions that the browser asks when the page is left."""
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.goto("about:blank")
    return asked


def test_leaving_with_unsaved_text_warns(page: Page, server: FakeServer):
    go_live(page, server)
    server.send(final(1, "Once."))
    expect(page.locator("#saved-note")).to_have_text("not saved")
    assert asked_when_leaving(page) == ["beforeunload"]


def say_once_and_save(page: Page, server: FakeServer) -> None:
    go_live(page, server)
    server.send(final(1, "Once."))
    expect(page.locator("#history li")).to_have_count(1)
    with page.expect_download():
        page.get_by_role("button", name="Save as text").click()
    expect(page.locator("#saved-note")).to_have_text("saved")


def test_leaving_with_saved_text_does_not(page: Page, server: FakeServer):
    say_once_and_save(page, server)
    stop(page, server)
    assert asked_when_leaving(page) == []


def test_clearing_unsaved_text_asks_first(page: Page, server: FakeServer):
    go_live(page, server)
    server.send(final(1, "Once."))
    expect(page.locator("#history li")).to_have_count(1)
    stop(page, server)
    page.get_by_role("button", name="Clear", exact=True).click()
    message = page.get_by_role("alert")
    expect(message).to_contain_text("has not been saved")
    expect(page.locator("#history li")).to_have_count(1)
    message.get_by_role("button", name="Clear it").click()
    expect(page.locator("#transcript")).to_be_hidden()
    assert asked_when_leaving(page) == []


def test_every_text_format_of_the_server_and_json(page: Page, server: FakeServer, tmp_path: Path):
    go_live(page, server)
    server.send(final(1, "Good.", speaker=1, speaker_name="Ada"), final(2, "Morning."))
    expect(page.locator("#history li")).to_have_count(2)
    choice = page.get_by_label("Format to download")
    assert choice.locator("option").all_inner_texts() == [*FORMATS, "json"]
    for format_ in (*FORMATS, "json"):
        choice.select_option(format_)
        with page.expect_download() as download:
            page.get_by_role("button", name="Download").click()
        download.value.save_as(tmp_path / "kept")
        assert download.value.suggested_filename.endswith(f".{format_}")
        if format_ != "json":
            assert (tmp_path / "kept").read_text() == f"made {format_}"
    assert len(server.transcripts) == len(FORMATS)
    kept = json.loads((tmp_path / "kept").read_text())
    named = [(each["text"], each.get("speaker_name")) for each in kept["segments"]]
    assert named == [("Good.", "Ada"), ("Morning.", None)]
    assert kept["segments"][0]["start"] == 0


def test_sounds_are_in_what_is_saved(page: Page, server: FakeServer, tmp_path: Path):
    """They were on the page and in no file."""
    go_live(page, server)
    over = SoundEvent(label="applause", start=9.0, end=11.0, confidence=0.8, emitted=11.5)
    server.send(final(1, "Good."), replace(over, end=None, emitted=9.0), over)
    expect(page.get_by_text("[applause]")).to_be_visible()
    for button in ("Save as text", "Download"):
        page.get_by_label("Format to download").select_option("json")
        with page.expect_download() as download:
            page.get_by_role("button", name=button).click()
        download.value.save_as(tmp_path / button)
    lines = (tmp_path / "Save as text").read_text().splitlines()
    assert [line.partition("] ")[2] for line in lines] == ["Good.", "[applause]"]
    (sound,) = json.loads((tmp_path / "Download").read_text())["sounds"]
    assert sound["label"] == "applause"
    assert sound["end"] - sound["start"] == pytest.approx(2.0, abs=0.01)


def test_names_are_shown_where_the_speaker_changes(page: Page, server: FakeServer, tmp_path: Path):
    go_live(page, server)
    server.send(
        final(1, "One.", speaker=1, speaker_name="Ada"),
        final(2, "Two.", speaker=1, speaker_name="Ada"),
        final(3, "Three.", speaker=2),
        TranscriptPartial(segment=4, start=16, end=17, stable="Four", unstable="").to_dict() | {"speaker": 2},
    )
    captions = page.locator("#captions .caption")
    expect(captions.last).to_have_text("Four")
    shown = [each.inner_text().strip() for each in page.locator("#captions .caption .speaker:visible").all()]
    assert shown == ["Ada", "Speaker 2"]
    expect(page.locator("#history .speaker")).to_have_text(["Ada", "Speaker 2"])
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as text").click()
    download.value.save_as(tmp_path / "kept.txt")
    lines = [line.partition("] ")[2] for line in (tmp_path / "kept.txt").read_text().splitlines()]
    assert lines == ["Ada: One.", "Two.", "Speaker 2: Three."]


def test_a_name_that_comes_later_and_a_correction_hold_for_what_was_said(page: Page, server: FakeServer):
    go_live(page, server)
    server.send(final(1, "One.", speaker=1), final(2, "Two.", speaker=2), final(3, "Three.", speaker=1))
    names = page.locator("#history .speaker")
    expect(names).to_have_text(["Speaker 1", "Speaker 2", "Speaker 1"])
    server.send(SpeakerNamed(speaker=1, name="Ada"))
    expect(names).to_have_text(["Ada", "Speaker 2", "Ada"])
    server.send(SpeakerChanged(segment=2, start=8, end=11, previous=2, speaker=1, words=(), speaker_name="Ada"))
    expect(names).to_have_text(["Ada"])
    shown = page.locator("#captions .caption .speaker:visible")
    expect(shown).to_have_text(["Ada"])
    # In another session number 1 is somebody else.
    stop(page, server)
    page.get_by_role("button", name="Go on").click()
    until(page, lambda: server.listeners() == 1)
    server.send(final(1, "Four.", speaker=1), SpeakerNamed(speaker=1, name="Bob"))
    expect(names).to_have_text(["Ada", "Bob"])


def test_two_who_speak_at_once_have_a_line_each(page: Page, server: FakeServer):
    go_live(page, server)
    one, other = (
        final(1, text, speaker=face, face=face, overlaps=True) for face, text in ((1, "Mine."), (2, "Yours."))
    )
    server.send(TranscriptPartial(segment=1, start=0, end=1, stable="Mi", unstable=""), one, other, one, other)
    said, names = page.locator("#history p"), page.locator("#history .speaker")
    expect(said).to_have_count(2)
    expect(page.locator("#captions .caption")).to_have_count(2)
    server.send(SpeakerChanged(segment=1, start=0, end=1, previous=2, speaker=3, words=(), face=2))
    expect(names).to_have_text(["Speaker 1", "Speaker 3"])


def test_a_sign_that_was_left_open_stands_once_the_sentence_goes_on(page: Page, server: FakeServer):
    go_live(page, server)
    server.send(final(1, "It was cold"), final(2, "but dry.", joint=","), final(3, "Good", joint="."))
    expect(page.locator("#history p")).to_have_text(["It was cold,", "but dry.", "Good"])


def corrected(number: int, text: str, previous: str, **more: Any) -> dict[str, Any]:
    told = TranscriptCorrected(
        segment=number, start=4 * number, end=4 * number + 3, previous=previous, text=text, words=()
    )
    return told.to_dict() | more


def test_a_corrected_sentence_takes_its_place_everywhere_and_is_not_read_out_again(
    page: Page, server: FakeServer, tmp_path: Path
):
    go_live(page, server)
    server.send(
        *(final(1, "The weather was cold"), final(2, "butter dry.", joint=","), final(3, "So we went.")),
        corrected(1, "The whether was cold.", "The weather was cold"),
    )
    said, shown = page.locator("#history p"), page.locator("#captions .caption")
    expect(said).to_have_text(["The whether was cold.", "butter dry.", "So we went."])
    first = said.first.element_handle()
    server.send(corrected(2, "But dry it was.", "butter dry."))
    expect(shown).to_have_text(["The whether was cold.", "But dry it was.", "So we went."])
    expect(said).to_have_text(["The whether was cold.", "But dry it was.", "So we went."])
    assert first.evaluate("e => e.isConnected"), "what stands before it is left alone, with what is selected in it"
    expect(page.locator("#spoken p")).to_have_text(["The weather was cold", "butter dry.", "So we went."])
    page.get_by_label("Format to download").select_option("json")
    for button in ("Save as text", "Download"):
        with page.expect_download() as download:
            page.get_by_role("button", name=button).click()
        download.value.save_as(tmp_path / button)
        assert "But dry it was." in (tmp_path / button).read_text()
        assert "butter" not in (tmp_path / button).read_text()


def test_what_is_corrected_after_it_was_saved_is_not_saved(page: Page, server: FakeServer):
    say_once_and_save(page, server)
    server.send(corrected(1, "Ones.", "Once."))
    expect(page.locator("#saved-note")).to_have_text("not saved")


def test_search_finds_the_corrected_text_and_not_what_it_corrects(page: Page, server: FakeServer):
    go_live(page, server)
    server.send(final(1, "Red wine."), final(2, "Read books."), final(3, "Blue."))
    expect(page.locator("#history li")).to_have_count(3)
    page.get_by_role("searchbox").fill("red")
    note, marked = page.locator("#search-note"), page.locator("#history mark")
    expect(note).to_have_text("1 of 1")
    server.send(corrected(3, "Red.", "Blue."))
    expect(note).to_have_text("1 of 2")
    expect(marked).to_have_text(["Red", "Red"])
    server.send(corrected(1, "White wine.", "Red wine."))
    expect(note).to_have_text("1 of 1")
    expect(marked).to_have_text(["Red"])


@pytest.mark.parametrize("changed_first", [True, False])
def test_a_corrected_text_keeps_the_speaker_that_was_corrected(page: Page, server: FakeServer, changed_first: bool):
    go_live(page, server)
    change = SpeakerChanged(segment=2, start=8, end=11, previous=1, speaker=2, words=(), speaker_name="Ada")
    later = [change, corrected(2, "Too.", "Two.", speaker=1)]
    server.send(final(1, "One.", speaker=1), final(2, "Two.", speaker=1), *later[:: 1 if changed_first else -1])
    expect(page.locator("#history li p")).to_have_text(["Speaker 1: One.", "Ada: Too."])
    expect(page.locator("#captions .caption .speaker:visible")).to_have_text(["Speaker 1", "Ada"])


def test_who_turns_out_to_have_said_something_has_the_name_that_is_known(page: Page, server: FakeServer):
    """Regression: it was "Speaker 2" on the page and "Ada" in the files."""
    go_live(page, server)
    server.send(
        *(final(1, "One.", speaker=1), final(2, "Two.", speaker=1), final(3, "Three.", speaker=3)),
        SpeakerNamed(speaker=2, name="Ada"),
        SpeakerChanged(segment=2, start=8, end=11, previous=1, speaker=2, words=()),
        *(corrected(2, "Too.", "Two.", speaker=2), corrected(3, "Free.", "Three.", speaker=2)),
    )
    expect(page.locator("#history li p")).to_have_text(["Speaker 1: One.", "Ada: Too.", "Free."])
    expect(page.locator("#captions .caption .speaker:visible")).to_have_text(["Speaker 1", "Ada"])


def test_of_two_who_speak_at_once_one_is_corrected(page: Page, server: FakeServer):
    go_live(page, server)
    one, other = (final(1, text, face=face, overlaps=True) for face, text in ((1, "Mine."), (2, "Yours.")))
    server.send(one, other, corrected(1, "Your house.", "Yours.", face=2))
    expect(page.locator("#history p")).to_have_text(["Mine.", "Your house."])
    expect(page.locator("#captions .caption")).to_have_text(["Mine.", "Your house."])


def test_a_sentence_of_nobody_known_does_not_look_like_anothers(page: Page, server: FakeServer, tmp_path: Path):
    """Regression: "Today," stood there as somebody else's than "Speaker 1: we begin."."""
    go_live(page, server)
    shown, kept = page.locator("#captions .caption .speaker:visible"), page.locator("#history li p")
    server.send(final(1, "Today,"))
    expect(kept).to_have_text(["Today,"])
    server.send(final(2, "we begin.", speaker=1), final(3, "Yes."), final(4, "Soon.", speaker=1))
    texts = ["Speaker 1: Today,", "we begin.", "Yes.", "Soon."]
    expect(kept).to_have_text(texts)
    expect(shown).to_have_text(["Speaker 1"])
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as text").click()
    download.value.save_as(tmp_path / "kept.txt")
    assert [line.partition("] ")[2] for line in (tmp_path / "kept.txt").read_text().splitlines()] == texts
    # It turns out to be somebody else's.
    server.send(SpeakerChanged(segment=1, start=4, end=7, previous=None, speaker=2, words=()))
    expect(kept).to_have_text(["Speaker 2: Today,", "Speaker 1: we begin.", "Yes.", "Soon."])
    expect(shown).to_have_text(["Speaker 2", "Speaker 1"])


def many(server: FakeServer, first: int, last: int) -> None:
    ends = dict.fromkeys((3, 40, 700), " of the summer")
    server.send(*(final(n, f"Sentence {n}{ends.get(n, '')}.") for n in range(first, last + 1)))


NEWEST = "Sentence 700 of the summer."


def test_a_long_history_stays_small_and_can_be_scrolled_to_its_beginning(page: Page, server: FakeServer):
    go_live(page, server)
    many(server, 1, 700)
    items = page.locator("#history li")
    expect(items.last).to_contain_text(NEWEST)
    assert items.count() <= 300
    box = page.locator("#history")
    for _ in range(12):
        box.evaluate("box => { box.scrollTop = 0; }")
        page.wait_for_timeout(50)
        if items.first.locator("p").inner_text() == "Sentence 1.":
            break
    expect(items.first.locator("p")).to_have_text("Sentence 1.")
    assert items.count() <= 400
    page.get_by_role("button", name="To the newest").click()
    expect(items.last).to_contain_text(NEWEST)
    expect(items.last).to_be_in_viewport()


def test_reading_further_up_loses_neither_the_place_nor_the_live_edge(page: Page, server: FakeServer):
    go_live(page, server)
    many(server, 1, 60)
    box = page.locator("#history")
    expect(page.locator("#history li")).to_have_count(60)
    box.evaluate("box => { box.scrollTop = 100; }")
    newest = page.get_by_role("button", name="To the newest")
    expect(newest).to_be_visible()
    place = box.evaluate("box => box.scrollTop")
    many(server, 61, 63)
    expect(newest).to_have_text("To the newest, 3 more")
    assert box.evaluate("box => box.scrollTop") == place
    # The captions go on meanwhile.
    expect(page.locator("#captions .caption").last).to_have_text("Sentence 63.")
    newest.click()
    expect(newest).to_be_hidden()
    many(server, 64, 64)
    expect(page.locator("#history li").last).to_be_in_viewport()


@pytest.mark.parametrize("viewport", [None, PHONE], ids=["desktop", "phone"])
def test_search_goes_from_match_to_match_and_back_to_the_live_edge(
    page: Page, server: FakeServer, viewport: dict[str, int] | None
):
    if viewport:
        page.set_viewport_size(viewport)
    go_live(page, server)
    many(server, 1, 700)
    items = page.locator("#history li")
    expect(items.last).to_contain_text(NEWEST)
    page.locator("body").press("/")
    field = page.get_by_role("searchbox")
    expect(field).to_be_focused()
    field.fill("OF the  sum")
    note = page.locator("#search-note")
    expect(note).to_have_text("3 of 3")
    current = page.locator("#history li[data-current=true]")
    expect(current.locator("p")).to_have_text(NEWEST)
    page.get_by_role("button", name="Earlier match").click()
    expect(note).to_have_text("2 of 3")
    expect(current.locator("p")).to_have_text("Sentence 40 of the summer.")
    expect(current.locator("mark")).to_have_text("of the sum")
    inside = current.evaluate(
        "e => { const b = e.closest('#history').getBoundingClientRect(), r = e.getBoundingClientRect();"
        " return r.top >= b.top && r.bottom <= b.bottom; }"
    )
    assert inside
    field.press("Shift+Enter")
    expect(current.locator("p")).to_have_text("Sentence 3 of the summer.")
    field.fill("nothing of the kind (")
    expect(note).to_have_text("Not found")
    field.press("Escape")
    expect(field).to_have_value("")
    expect(page.locator("#history mark")).to_have_count(0)
    expect(items.last).to_contain_text(NEWEST)
    expect(page.get_by_role("button", name="To the newest")).to_be_hidden()
