"""Annotations are what Praat's and ELAN's own libraries read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from praatio import textgrid
from pympi.Elan import Eaf

from lipstream.events import TranscriptFinal, Word
from lipstream.pipeline import Error
from lipstream.stages.sinks.data.eaf import EafWriter
from lipstream.stages.sinks.data.textgrid import TextGridWriter
from lipstream.stages.sinks.data.tiers import Interval, tidy
from tests.stages.sinks.data.runs import emotion, final, finished, unjudged, write

WRITERS = {"TextGrid": TextGridWriter, "eaf": EafWriter}
Tiers = dict[str, list[tuple[int, int, str]]]


def read(path: Path) -> Tiers:
    """The tiers of either format as its library reads them; milliseconds."""
    if path.suffix == ".eaf":
        document = Eaf(str(path))
        return {
            name: [(start, end, value) for start, end, value, *_ in sorted(document.get_annotation_data_for_tier(name))]
            for name in document.get_tier_names()
        }
    grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=False)
    return {
        tier.name: [(round(each.start * 1000), round(each.end * 1000), each.label) for each in tier.entries]
        for tier in grid.tiers
    }


@pytest.fixture(params=WRITERS)
def annotated(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Writes events in one of the formats and gives the tiers."""

    def tiers(*events: Any) -> Tiers:
        return read(write(WRITERS[request.param](tmp_path / f"talk.{request.param}"), *events))

    return tiers


def test_words_segments_speaker_and_emotion_are_tiers(annotated: Any):
    tiers = annotated(
        emotion(0.5),
        emotion(1.0),
        final("Good morning.", 0.2, 1.0),
        emotion(1.5, "sad"),
        unjudged(2.0),
        final("Yes.", 2.0, 2.4, segment=2, face=None, off_camera=True),
        final("Who?", 3.0, 3.5, segment=3, face=None),
        finished(),
    )
    assert tiers == {
        "words": [(200, 600, "Good"), (600, 1000, "morning."), (2000, 2400, "Yes."), (3000, 3500, "Who?")],
        "segments": [(200, 1000, "Good morning."), (2000, 2400, "Yes."), (3000, 3500, "Who?")],
        "speaker": [(200, 1000, "face 1"), (2000, 2400, "off camera")],
        "emotion": [(0, 1000, "happy"), (1000, 1500, "sad")],
        "face": [(0, 1500, "face 1")],
    }


def test_two_faces_have_a_pair_of_tiers_each_and_keep_them(annotated: Any):
    tiers = annotated(
        *(emotion(end, label, face) for end in (0.5, 1.0) for face, label in ((1, "happy"), (2, "sad"))),
        emotion(1.5, "angry", 2),
        emotion(2.0, "neutral", None),
        finished(),
    )
    assert tiers["emotion"] == [(0, 1000, "happy"), (1500, 2000, "neutral")]
    assert tiers["face"] == [(0, 1000, "face 1"), (1500, 2000, "voice")]
    assert tiers["emotion 2"] == [(0, 1000, "sad"), (1000, 1500, "angry")]
    assert tiers["face 2"] == [(0, 1500, "face 2")]


def test_who_speaks_at_the_same_time_has_tiers_of_their_own(annotated: Any):
    tiers = annotated(
        final("Good morning.", 0.2, 1.0, overlaps=True),
        final("Not you.", 0.4, 1.2, face=2, overlaps=True),
        final("Yes.", 2.0, 2.4, segment=2),
        finished(),
    )
    assert tiers["segments"] == [(200, 1000, "Good morning."), (2000, 2400, "Yes.")]
    assert tiers["segments 2"] == [(400, 1200, "Not you.")]
    assert tiers["speaker 2"] == [(400, 1200, "face 2")]
    assert [word for *_, word in tiers["words 2"]] == ["Not", "you."]


HOSTILE = 'say "x" <b>&amp;</b> \\ \t\r\n\x1b[31m\x00 ünï 世界 text = "y"'


def test_hostile_text_is_one_annotation(annotated: Any):
    words = (Word(word=HOSTILE, start=0.1, end=0.9, confidence=0.5), Word(word="<", start=1.0, end=1.1, confidence=1))
    event = TranscriptFinal(segment=1, start=0.1, end=1.1, text=f"{HOSTILE} <", words=words)
    shown = 'say "x" <b>&amp;</b> \\ [31m ünï 世界 text = "y"'
    tiers = annotated(event, finished())
    assert tiers["words"] == [(100, 900, shown), (1000, 1100, "<")]
    assert tiers["segments"] == [(100, 1100, f"{shown} <")]


def test_words_that_overlap_or_have_no_length_do_not_break_the_file(annotated: Any):
    times = [("a", 0.0, 0.5), ("b", 0.4, 0.4), ("c", 0.4, 0.4), ("d", 0.4, 1.0), ("e", 5.0, 5.2)]
    words = tuple(Word(word=word, start=start, end=end, confidence=1.0) for word, start, end in times)
    event = TranscriptFinal(segment=1, start=0.0, end=5.2, text="a b c d e", words=words)
    tiers = annotated(event, final("f", 5.1, 5.3, segment=2), finished(duration=5.15))
    assert [word for *_, word in tiers["words"]] == list("abcdef")
    assert all(start < end for start, end, _ in tiers["words"])
    assert all(one[1] <= other[0] for one, other in zip(tiers["words"], tiers["words"][1:], strict=False))


def test_a_run_without_speech_has_the_tiers_and_its_length(tmp_path: Path):
    grid = textgrid.openTextgrid(str(write(TextGridWriter(tmp_path / "a.TextGrid"), finished())), False)
    assert (grid.tierNames, grid.maxTimestamp) == (("words", "segments", "speaker", "emotion", "face"), 5.0)
    assert read(write(EafWriter(tmp_path / "a.eaf"), finished())) == {name: [] for name in grid.tierNames}


def test_elan_finds_the_recording(tmp_path: Path):
    video = tmp_path / "my talk.mp4"
    video.write_bytes(b"")
    document = Eaf(str(write(EafWriter(tmp_path / "my talk.eaf", str(video)), final("Hi."), finished())))
    (link,) = document.get_linked_files()
    assert link["MEDIA_URL"] == video.as_uri() and link["RELATIVE_MEDIA_URL"] == "./my talk.mp4"
    assert link["MIME_TYPE"] == "video/mp4"
    live = Eaf(str(write(EafWriter(tmp_path / "live.eaf", "live"), final("Hi."), finished())))
    assert live.get_linked_files() == []


# Whole or not at all.


@pytest.mark.parametrize("name", WRITERS)
def test_a_kill_leaves_what_was_finished_as_lines_of_json(tmp_path: Path, name: str):
    writer = WRITERS[name](tmp_path / f"a.{name}")
    events = [emotion(0.5), final("One."), final("Two.", 3, 4, segment=2)]
    for event in events:
        writer.handle(event)
    lines = writer.part.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [json.loads(json.dumps(event.to_dict())) for event in events]
    writer.discard()


@pytest.mark.parametrize("name", WRITERS)
def test_the_file_of_an_earlier_run_stays_until_the_new_one_is_complete(tmp_path: Path, name: str):
    path = tmp_path / f"a.{name}"
    path.write_text("earlier")
    writer = WRITERS[name](path)
    writer.handle(final("New."))
    assert path.read_text() == "earlier"
    writer.handle(finished("failed"))
    writer.close()
    assert read(path)["words"] == [(0, 2000, "New.")]
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("name", WRITERS)
def test_a_run_that_fails_before_there_is_anything_touches_nothing(tmp_path: Path, name: str):
    writer = WRITERS[name](tmp_path / f"a.{name}")
    for event in (Error(stage="audio", message="gone", recoverable=False), unjudged(0.5), finished("failed")):
        writer.handle(event)
    writer.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_that_cannot_be_made_at_the_end_leaves_its_part(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
):
    writer = WRITERS[name](tmp_path / f"a.{name}")
    writer.handle(final("One."))
    monkeypatch.setattr(type(writer), "save", lambda *_: (_ for _ in ()).throw(RuntimeError("a bug")))
    with pytest.raises(RuntimeError, match="a bug"):
        writer.handle(finished())
    assert [entry.name for entry in tmp_path.iterdir()] == [f"a.{name}.part"]


def test_intervals_are_cut_where_the_next_begins():
    tangled = [Interval(0, 500, "a"), Interval(300, 300, "b"), Interval(300, 900, ""), Interval(200, 400, "c")]
    assert tidy(tangled) == [Interval(0, 200, "a"), Interval(200, 300, "c"), Interval(300, 301, "b")]
