"""The page with camera and microphone, against a server that sends what the test says."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from lipstream.events import (
    EmotionChanged,
    EmotionUpdate,
    FaceSeen,
    Recording,
    SoundEvent,
    SoundLevel,
    SpeechUnclear,
    TranscriptFinal,
    TranscriptPartial,
    Word,
)
from lipstream.pipeline import Degraded, Recovered
from tests.web_browser.conftest import DESKTOP, PHONE
from tests.web_browser.fake_server import FakeServer
from tests.web_browser.steps import CORRECTED, go_live, until


def test_captions_grow_keep_what_is_stable_and_end_in_the_transcript(page: Page, server: FakeServer, tmp_path: Path):
    go_live(page, server)
    server.send(TranscriptPartial(segment=1, start=0, end=1, stable="", unstable="Good moaning"))
    caption = page.locator("#captions .caption")
    expect(caption).to_have_text("Good moaning")
    expect(caption.locator(".unstable")).to_have_text("Good moaning")
    server.send(TranscriptPartial(segment=1, start=0, end=2, stable="Good morning", unstable=" every body"))
    expect(caption).to_have_text("Good morning every body")
    expect(caption.locator(".unstable")).to_have_text("every body")
    server.send(
        TranscriptFinal(segment=1, start=0, end=3, text="Good morning, everybody.", words=()),
        TranscriptPartial(segment=1, start=0, end=2, stable="Good morning", unstable=" too late"),
        TranscriptPartial(segment=2, start=4, end=5, stable="And", unstable=""),
    )
    expect(caption).to_have_text(["Good morning, everybody.", "And"])
    expect(page.locator("#history li p")).to_have_text(["Good morning, everybody."])
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as text").click()
    download.value.save_as(tmp_path / "captions.txt")
    assert re.fullmatch(r"\[\d\d:\d\d:\d\d\] Good morning, everybody.\n", (tmp_path / "captions.txt").read_text())


def test_the_transcript_can_be_kept_as_subtitles(page: Page, server: FakeServer, tmp_path: Path):
    go_live(page, server)
    word = Word(word="Morning.", start=1.0, end=1.5, confidence=0.9)
    server.send(
        TranscriptFinal(segment=1, start=0, end=0.5, text="Good.", words=(), emitted=1.0),
        TranscriptFinal(segment=2, start=1.0, end=1.5, text="Morning.", words=(word,), face=3, emitted=2.0),
    )
    expect(page.locator("#history li p")).to_have_text(["Good.", "Morning."])
    page.get_by_label("Format to download").select_option("vtt")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert re.fullmatch(r"captions-[\d-]+\.vtt", download.value.suggested_filename)
    download.value.save_as(tmp_path / "captions.vtt")
    assert (tmp_path / "captions.vtt").read_text() == "made vtt"
    ((first, second),) = [sent["segments"] for sent in server.transcripts]
    assert (first["text"], first["start"], first["end"]) == ("Good.", 0, 0.5)
    assert (second["text"], second["face"]) == ("Morning.", 3)
    assert second["words"][0]["end"] - second["start"] == pytest.approx(0.5)


def test_what_may_still_change_differs_by_more_than_its_colour(page: Page, server: FakeServer):
    go_live(page, server)
    server.send(TranscriptPartial(segment=1, start=0, end=1, stable="Good", unstable=" moaning"))
    line = page.locator("#captions .unstable").evaluate("e => getComputedStyle(e).textDecorationStyle")
    assert line == "dotted"


def test_captions_are_text_and_never_markup(page: Page, server: FakeServer):
    go_live(page, server)
    hostile = "<img src=x onerror=\"document.title='taken'\"> & <b>bold</b>"
    server.send(
        TranscriptPartial(segment=1, start=0, end=1, stable=hostile, unstable=hostile),
        TranscriptFinal(segment=2, start=1, end=2, text=hostile, words=()),
        Degraded(modality="video", stage="camera", reason=hostile),
        {"event": "EmotionUpdate", "face": 1, "start": 0, "end": 1, "label": hostile, "probabilities": {hostile: 1}}
        | {"weights": {"face": 1, "voice": 0}, "emitted": 0},
    )
    expect(page.locator("#history li p")).to_have_text([hostile])
    expect(page.locator("#emotion-label")).to_have_text(hostile)
    assert page.locator("main img, main b").count() == 0
    assert page.title() == "Lipstream"


def test_emotion_of_the_speaker_with_the_balance_of_face_and_voice(page: Page, server: FakeServer):
    go_live(page, server)
    lips = ((0.4, 0.6), (0.5, 0.55), (0.6, 0.6))
    box = (0.3, 0.2, 0.7, 0.8)
    server.send(
        FaceSeen(face=7, time=1, box=box, lips=lips, speaker=True, talking=True),
        _emotion(7, "happy", {"happy": 0.7, "sad": 0.3}, share=0.6),
        _emotion(8, "sad", {"happy": 0.1, "sad": 0.9}, share=1.0),
    )
    expect(page.locator("#emotion-label")).to_have_text("Happy")
    expect(page.locator("#emotion-bars li")).to_have_text(["Happy70 %", "Sad30 %"])
    expect(page.locator("#balance-face")).to_have_text("from the face 60 %")
    server.send(_emotion(7, "unknown", {"happy": 0.7, "sad": 0.3}, share=None))
    expect(page.locator("#emotion-label")).to_have_text("nothing to judge by")
    expect(page.locator("#balance")).to_be_hidden()


def test_an_emotion_that_is_unclear_says_so_and_stands_out_from_no_other(page: Page, server: FakeServer):
    go_live(page, server)
    server.send(_emotion(7, "unclear", {"happy": 0.41, "sad": 0.39}, share=0.6))
    expect(page.locator("#emotion-label")).to_have_text("Unclear")
    expect(page.locator("#emotion-bars li")).to_have_text(["Happy41 %", "Sad39 %"])
    expect(page.locator('#emotion-bars li[data-top="true"]')).to_have_count(0)


def test_valence_and_arousal_are_a_dot_in_a_plane(page: Page, server: FakeServer):
    go_live(page, server)
    plane = page.locator(".emotion-plane")
    expect(plane).to_be_hidden()
    update = replace(_emotion(7, "happy", {"happy": 0.8, "sad": 0.2}, share=0.6), valence=0.5, arousal=0.4)
    server.send(update)
    expect(plane).to_have_attribute("aria-label", "valence 0.5, arousal 0.4, of -1 to 1")
    # The dot glides there.
    until(page, lambda: _place(page) == pytest.approx((0.75, 0.3), abs=0.03))
    server.send(_emotion(7, "unknown", {"happy": 0.5, "sad": 0.5}, share=None))
    expect(plane).to_be_hidden()


def test_emotion_that_was_switched_off_stays_off_in_this_browser(page: Page, server: FakeServer):
    go_live(page, server)
    page.locator("#emotion-switch").click()
    session = go_live(page, server)
    expect(page.locator("#emotion-switch")).to_have_attribute("aria-pressed", "false")
    until(page, lambda: session.switches.get("emotion") is False)
    expect(page.locator("#emotion-label")).to_have_text("switched off")
    page.locator("#emotion-switch").click()
    until(page, lambda: session.switches.get("emotion") is True)
    again = go_live(page, server)
    expect(page.locator("#emotion-switch")).to_have_attribute("aria-pressed", "true")
    assert "emotion" not in again.switches


def test_an_emotion_that_was_switched_off_does_not_come_back_with_what_was_on_its_way(page: Page, server: FakeServer):
    session = go_live(page, server)
    server.send(_emotion(7, "happy", {"happy": 0.7, "sad": 0.3}, share=0.6))
    expect(page.locator("#emotion-label")).to_have_text("Happy")
    page.locator("#emotion-switch").click()
    until(page, lambda: session.switches.get("emotion") is False)
    server.send(
        _emotion(7, "happy", {"happy": 0.7, "sad": 0.3}, share=0.6),
        _taken_back(7),
        TranscriptPartial(segment=1, start=0, end=1, stable="Later.", unstable=""),
    )
    expect(page.locator("#captions .caption")).to_have_text("Later.")
    expect(page.locator("#emotion-label")).to_have_text("switched off")
    page.locator("#emotion-switch").click()
    server.send(_emotion(7, "sad", {"happy": 0.3, "sad": 0.7}, share=0.6))
    expect(page.locator("#emotion-label")).to_have_text("Sad")


def test_the_face_is_drawn_where_the_mirror_shows_it(page: Page, server: FakeServer):
    go_live(page, server)
    lips = ((0.1, 0.6), (0.15, 0.55), (0.2, 0.6))
    server.send(FaceSeen(face=1, time=1, box=(0.05, 0.2, 0.25, 0.8), lips=lips, speaker=True, talking=True))
    # A face at the left of the picture is at the right of the mirror.
    until(page, lambda: page.evaluate(_DRAWN))
    left, right = page.evaluate(_DRAWN)
    assert left == 0
    assert right > 100


def test_the_drawing_lies_exactly_over_the_picture_that_is_shown_whole(page: Page, server: FakeServer):
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        if size == DESKTOP:
            go_live(page, server)
        places = page.evaluate(_PLACES)
        assert places["video"] == places["canvas"] == places["frame"]
        assert places["fit"] == "contain"


_PLACES = """() => {
  const place = (element) => {
    const { left, top, width, height } = element.getBoundingClientRect();
    return [left, top, width, height].map(Math.round);
  };
  const video = document.querySelector('#picture video');
  return {
    video: place(video),
    canvas: place(document.querySelector('#overlay')),
    frame: place(document.querySelector('#picture')),
    fit: getComputedStyle(video).objectFit,
  };
}"""


# How many pixels of each half of the overlay are drawn on, or null before any is.
_DRAWN = """() => {
  const canvas = document.querySelector('#overlay');
  const { data, width } = canvas.getContext('2d').getImageData(0, 0, canvas.width || 1, canvas.height || 1);
  const halves = [0, 0];
  for (let i = 3; i < data.length; i += 4) if (data[i]) halves[((i - 3) / 4) % width < width / 2 ? 0 : 1] += 1;
  return halves[0] + halves[1] ? halves : null;
}"""


def test_warnings_are_plain_sentences_that_go_when_all_is_well(page: Page, server: FakeServer):
    go_live(page, server)
    warnings = page.locator("#warnings")
    assert warnings.get_attribute("aria-live") == "polite"
    server.send(Degraded(modality="video", stage="camera", reason="the picture has not changed for 2 s"))
    expect(warnings).to_have_text(
        "The picture has not changed for 2 s. Going on with sound only until the picture is back."
    )
    server.send(Recovered(modality="video", stage="camera"))
    expect(warnings).to_have_text("The picture is back.")


def test_all_that_is_left_out_under_load_is_one_warning(page: Page, server: FakeServer):
    go_live(page, server)
    slow = "the processor cannot keep up, so "
    server.send(
        Degraded(modality="video", stage="load: face rate", reason=slow + "faces are looked at less often"),
        Degraded(modality="audio", stage="load: partials", reason=slow + "text is shown late; no sound is lost"),
        Degraded(modality="audio", stage="audio", reason="the network lost 0.20 s of the browser's sound"),
    )
    warnings = page.locator("#warnings li")
    both = "The processor cannot keep up, so faces are looked at less often; text is shown late; no sound is lost."
    expect(warnings).to_have_text([both, "The network lost 0.20 s of the browser's sound."])
    server.send(Recovered(modality="audio", stage="load: partials", reason="text is shown at once again"))
    expect(warnings.first).to_have_text("The processor cannot keep up, so faces are looked at less often.")
    server.send(Recovered(modality="video", stage="load: face rate", reason="faces are looked at as before"))
    expect(warnings.first).to_have_text("Faces are looked at as before.")


def test_the_sound_level_and_whether_it_is_speech(page: Page, server: FakeServer):
    go_live(page, server)
    server.send(SoundLevel(time=1, level=-20, speech=True))
    expect(page.locator("#sound")).to_have_attribute("aria-valuenow", "-20")
    expect(page.locator("#speech")).to_have_text("speech")
    server.send(SoundLevel(time=2, level=-100, speech=False))
    expect(page.locator("#sound")).to_have_attribute("aria-valuenow", "-60")
    expect(page.locator("#speech")).to_have_text("no speech")


def test_what_is_heard_instead_of_words_is_marked_and_gives_way_to_them(page: Page, server: FakeServer):
    go_live(page, server)
    server.send(
        SpeechUnclear(segment=1, start=0, end=2),
        SoundEvent(label="music", start=3, end=None, confidence=0.9),
        SoundEvent(label="music", start=3, end=9, confidence=0.9),
    )
    captions = page.locator("#captions .caption")
    expect(captions).to_have_text(["[unclear]", "[music]"])
    expect(captions.first).to_have_attribute("data-mark", "true")
    server.send(TranscriptFinal(segment=1, start=0, end=2, text="Hello.", words=()))
    expect(captions).to_have_text(["Hello.", "[music]"])
    expect(captions.first).to_have_attribute("data-mark", "false")
    expect(page.locator("#history li p")).to_have_text(["Hello."])


def test_the_page_says_that_a_session_is_recorded(page: Page, server: FakeServer):
    go_live(page, server)
    recorded = page.locator("#recorded")
    expect(recorded).to_be_hidden()
    server.send(Recording(on=True, file="talk.mkv"))
    expect(recorded).to_have_text("Recording into talk.mkv")
    server.send(Recording(on=False, file="talk.mkv"))
    expect(recorded).to_be_hidden()


def test_switches_reach_the_server_and_what_is_muted_is_not_sent(page: Page, server: FakeServer):
    session = go_live(page, server)
    page.get_by_role("button", name="Lips").click()
    page.get_by_role("button", name="Mute").click()
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#picture-note")).to_have_text("Paused")
    until(page, lambda: page.evaluate("!document.querySelector('#video').srcObject.getAudioTracks()[0].enabled"))
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#picture-note")).to_have_text("Muted")
    until(page, lambda: session.switches.get("picture") is True)
    assert session.switches == {"lips": False, "sound": False, "picture": True}


def test_names_to_expect_reach_the_server_and_the_next_session(page: Page, server: FakeServer):
    session = go_live(page, server)
    field, use, note = page.get_by_label("one a line"), page.get_by_role("button", name="Use them"), "#terms-note"
    page.get_by_text("Names and words to expect").click()
    field.fill("  Ada Lovelace \n\nBabbage\n")
    use.click()
    expect(page.locator(note)).to_have_text("They are expected from now on.")
    assert session.terms == [["Ada Lovelace", "Babbage"]]
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#start")).to_be_visible()
    until(page, lambda: not server.sessions)
    session = go_live(page, server, reload=False)
    until(page, lambda: session.terms == [["Ada Lovelace", "Babbage"]])
    field.fill("")
    use.click()
    expect(page.locator(note)).to_have_text("Nothing is expected any more.")
    assert session.terms[1:] == [[]]


def test_names_that_are_refused_are_said_beside_the_field_and_not_told_again(page: Page, server: FakeServer):
    go_live(page, server)
    page.get_by_text("Names and words to expect").click()
    page.get_by_label("one a line").fill("Ada\n!!")
    server.refusal = (400, {"error": "bad terms", "message": "Term 2: '!!' has no letter or digit."})
    page.get_by_role("button", name="Use them").click()
    expect(page.locator("#terms-note")).to_contain_text("Term 2: '!!' has no letter or digit.")
    server.refusal = None
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#start")).to_be_visible()
    session = go_live(page, server, reload=False)
    page.get_by_role("button", name="Lips").click()
    # Switches are told after terms would be.
    until(page, lambda: session.switches.get("lips") is False)
    assert session.terms == []


def test_text_is_marked_with_its_language(page: Page, server: FakeServer):
    go_live(page, server)
    server.send(
        TranscriptFinal(segment=1, start=0, end=1, text="Guten Morgen.", words=(), language="de"),
        TranscriptFinal(segment=2, start=2, end=3, text="Good morning.", words=()),
    )
    for place in ("#captions .caption", "#history li p"):
        texts = page.locator(place)
        expect(texts).to_have_count(2)
        assert [each.get_attribute("lang") for each in texts.all()] == ["de", None], place


def test_the_transcript_is_told_the_corrected_sentence_once(page: Page, server: FakeServer):
    go_live(page, server)
    server.send(TranscriptPartial(segment=1, start=0, end=1, stable="I, I", unstable=" really"), CORRECTED)
    expect(page.locator("#captions .caption")).to_have_text(["I really enjoy it."])
    expect(page.get_by_role("log").locator("p")).to_have_text(["I really enjoy it."])


def test_stopping_ends_the_session_and_turns_camera_and_microphone_off(page: Page, server: FakeServer):
    go_live(page, server)
    server.send(TranscriptFinal(segment=1, start=0, end=3, text="Once.", words=()))
    page.evaluate("window.kept = document.querySelector('#video').srcObject")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#start")).to_be_visible()
    assert page.evaluate("kept.getTracks().map(({ readyState }) => readyState)") == ["ended", "ended"]
    until(page, lambda: not server.sessions)
    # The transcript is still there, and with the next start.
    expect(page.locator("#history li p")).to_have_text(["Once."])
    go_live(page, server, reload=False)
    expect(page.locator("#history li p")).to_have_text(["Once."])


def test_sound_only_sends_no_picture(page: Page, server: FakeServer):
    page.goto(server.url)
    page.get_by_label("Camera", exact=True).select_option("none")
    page.get_by_role("button", name="Start captions").click()
    expect(page.locator("body")).to_have_attribute("data-state", "live")
    (session,) = server.sessions.values()
    assert (session.audio, session.video) == (True, False)
    expect(page.locator("#picture-note")).to_have_text("Sound only")


def test_the_level_moves_before_anything_is_sent(page: Page, server: FakeServer):
    page.goto(server.url)
    # Chromium's fake microphone beeps once a second.
    until(page, lambda: page.evaluate("document.querySelector('#meter').getAttribute('aria-valuenow') > -55"))
    assert not server.sessions


def test_a_page_that_is_left_ends_its_session(page: Page, server: FakeServer):
    go_live(page, server)
    page.goto("about:blank")
    until(page, lambda: not server.sessions)


def test_it_is_usable_with_the_keyboard_alone(page: Page, server: FakeServer):
    page.goto(server.url)
    expect(page.get_by_label("Camera", exact=True)).to_have_value(re.compile("."))
    page.get_by_role("button", name="Start captions").focus()
    page.keyboard.press("Enter")
    expect(page.locator("body")).to_have_attribute("data-state", "live")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "stop":
            break
    assert page.locator("#stop").evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.locator("#start")).to_be_visible()


def test_where_emotions_are_not_judged_at_all_the_page_has_no_place_for_them(page: Page, server: FakeServer):
    server.emotion = False
    go_live(page, server)
    expect(page.locator("#emotion")).to_be_hidden()
    expect(page.locator("#emotion-switch")).to_be_hidden()


def _emotion(face: int, label: str, probabilities: dict[str, float], share: float | None) -> EmotionUpdate:
    weights = {"face": 0, "voice": 0} if share is None else {"face": share, "voice": 1 - share}
    shown = {"label": label, "probabilities": probabilities, "weights": weights}
    return EmotionUpdate(face=face, start=0, end=1, valence=0, arousal=0, **shown)


def _place(page: Page) -> tuple[float, float]:
    """Where the middle of the dot is in the plane, from its left and from its top."""
    box, dot = page.locator(".emotion-plane").bounding_box(), page.locator(".plane-dot").bounding_box()
    assert box is not None and dot is not None
    across = (dot["x"] + dot["width"] / 2 - box["x"]) / box["width"]
    return across, (dot["y"] + dot["height"] / 2 - box["y"]) / box["height"]


def _taken_back(face: int) -> EmotionChanged:
    nothing = {"probabilities": {"happy": 0.5, "sad": 0.5}, "weights": {"face": 0.0, "voice": 0.0}}
    return EmotionChanged(face=face, time=1, previous="happy", label="unknown", valence=0, arousal=0, **nothing)
