"""Who speaks, in the files: marks at changes, and corrections and names that come after it was written."""

from __future__ import annotations

import errno
import json
from dataclasses import replace
from pathlib import Path

import pytest

from lipstream.config import load_config
from lipstream.events import EmotionUpdate, SpeakerChanged, SpeakerNamed, SpeechEnded, TranscriptFinal
from lipstream.pipeline import End
from lipstream.stages.sinks import (
    FORMATS,
    JsonWriter,
    RttmWriter,
    SrtWriter,
    TsvWriter,
    TxtWriter,
    VttWriter,
    WordsCsvWriter,
)
from lipstream.stages.sinks.data.textgrid import TextGridWriter
from lipstream.stages.sinks.speakers import SpeakerBook, parts_of
from lipstream.stages.sinks.transcript.reading import events_of, read_transcript
from lipstream.stages.sinks.writer import Writer
from tests.stages.sinks.sink_context import SinkContext
from tests.stages.sinks.told import changed, said

FIRST = said(1, 0.0, (1, "You missed the date?"), (2, "Not early, no."))
SECOND = said(2, 6.0, (2, "I was there."))
END = End(reason="finished", duration=10.0)


def write(writer: Writer, *events: object) -> str:
    for event in events:
        writer.handle(event)
    writer.close()
    assert list(writer.path.parent.iterdir()) == [writer.path], "nothing is left beside the file"
    return writer.path.read_text(encoding="utf-8")


def test_text_has_a_line_for_everybody_who_takes_over(tmp_path: Path):
    assert write(TxtWriter(tmp_path / "a.txt"), FIRST, SECOND, END) == (
        "You missed the date?\n- Not early, no.\nI was there.\n"
    )


OPEN = said(1, 0.0, (1, "It was cold"))
GOES_ON = said(2, 2.0, (1, "but dry."), joint=",")


def test_a_sign_that_was_left_open_is_put_where_it_belongs_once_it_is_known(tmp_path: Path):
    assert write(TxtWriter(tmp_path / "a.txt"), OPEN, GOES_ON, END) == "It was cold,\nbut dry.\n"
    (tmp_path / "a.txt").unlink()
    told = json.loads(write(JsonWriter(tmp_path / "a.json"), OPEN, GOES_ON, END))["segments"]
    assert [each["text"] for each in told] == ["It was cold,", "but dry."]
    assert [word["word"] for word in told[0]["words"]] == ["It", "was", "cold,"]
    (tmp_path / "a.json").unlink()
    rows = write(TsvWriter(tmp_path / "a.tsv"), OPEN, GOES_ON, END).splitlines()
    assert rows[1].endswith("\tIt was cold,")


def test_a_sign_belongs_to_the_voice_that_goes_on():
    book = SpeakerBook()
    mine, other, on = (
        said(1, 0.0, (1, "It was cold"), speaker_name="me"),
        said(2, 1.0, (2, "Oh"), speaker_name="computer"),
        said(3, 2.0, (1, "but dry."), speaker_name="me", joint=","),
    )
    assert [book.take(each) for each in (mine, other, on)] == [False, False, True]
    assert [book.amended(each).text for each in (mine, other, on)] == ["It was cold,", "Oh", "but dry."]


def test_a_sign_is_not_put_behind_an_old_sentence_of_the_same_name():
    book = SpeakerBook()
    old, begun = said(1, 0.0, (1, "It was cold"), speaker_name="Ann"), said(2, 60.0, (2, "He said"), speaker_name="Bo")
    on = said(3, 62.0, (1, "so what."), speaker_name="Ann", joint=",")
    assert [book.take(each) for each in (old, begun, on)] == [False, False, True]
    assert [book.amended(each).text for each in (old, begun)] == ["It was cold", "He said,"]


def test_a_sign_belongs_to_the_open_sentence_of_who_got_a_name_meanwhile():
    book = SpeakerBook()
    earlier = said(1, 0.0, (1, "Good morning."), speaker_name="Ann")
    begun, on = said(2, 1.0, (1, "It was cold")), said(3, 2.0, (1, "but dry."), speaker_name="Ann", joint=",")
    assert [book.take(each) for each in (earlier, begun, on)] == [False, False, True]
    assert [book.amended(each).text for each in (earlier, begun, on)] == ["Good morning.", "It was cold,", "but dry."]


def test_text_has_names_where_they_are_asked_for_and_no_marks_where_not(tmp_path: Path):
    named = TxtWriter.configured(load_config("file", {"subtitles.speakers": "names"}))
    text = write(named(tmp_path / "a.txt"), FIRST, SpeakerNamed(speaker=2, name="Bo"), SECOND, END)
    assert text == "Speaker 1: You missed the date?\nBo: Not early, no.\nI was there.\n"
    (tmp_path / "a.txt").unlink()
    none = TxtWriter.configured(load_config("file", {"subtitles.speakers": "none"}))
    assert write(none(tmp_path / "a.txt"), FIRST, SECOND, END) == f"{FIRST.text}\n{SECOND.text}\n"


def test_one_speaker_leaves_the_text_as_it_was(tmp_path: Path):
    alone = [said(1, 0.0, (1, "One two.")), said(2, 3.0, (1, "Three."))]
    unknown = [said(1, 0.0, (None, "One two.")), said(2, 3.0, (None, "Three."))]
    for name in ("txt", "srt", "tsv"):
        one = write(FORMATS[name](tmp_path / f"a.{name}"), *alone, END)
        (tmp_path / f"a.{name}").unlink()
        assert one == write(FORMATS[name](tmp_path / f"a.{name}"), *unknown, END)
        (tmp_path / f"a.{name}").unlink()


def test_text_of_nobody_known_does_not_look_like_anothers(tmp_path: Path):
    """Regression: "Today," stood there as somebody else's than "Speaker 1: we begin."."""
    named = TxtWriter.configured(load_config("file", {"subtitles.speakers": "names"}))
    events = said(1, 0.0, (None, "Today,")), said(2, 2.0, (1, "we begin.")), said(3, 4.0, (None, "Yes.")), SECOND
    text = write(named(tmp_path / "a.txt"), *events, END)
    assert text == "Speaker 1: Today,\nwe begin.\nYes.\nSpeaker 2: I was there.\n"
    (tmp_path / "a.txt").unlink()
    assert write(TxtWriter(tmp_path / "a.txt"), *events, END) == "Today,\nwe begin.\nYes.\n- I was there.\n"


def test_two_people_share_a_cue_with_a_dash_for_each(tmp_path: Path):
    text = write(SrtWriter(tmp_path / "a.srt"), FIRST, END)
    assert "-You missed the date?\n-Not early, no.\n" in text


def test_vtt_names_the_voices(tmp_path: Path):
    text = write(VttWriter(tmp_path / "a.vtt"), FIRST, SECOND, SpeakerNamed(speaker=1, name="Ann <3"), END)
    assert "<v Ann &lt;3>-You missed the date?</v>\n<v Speaker 2>-Not early, no.</v>" in text


def test_what_is_corrected_at_the_end_is_right_in_all_of_the_text(tmp_path: Path):
    text = write(TxtWriter(tmp_path / "a.txt"), FIRST, SECOND, changed(1, *(1,) * 7), changed(2, *(3,) * 3), END)
    assert text == f"{FIRST.text}\n- I was there.\n"


def test_a_correction_that_does_not_fit_the_words_is_left(tmp_path: Path):
    book = SpeakerBook()
    assert book.take(changed(1, 2))
    assert book.amended(FIRST) == FIRST


def test_a_name_taken_back_is_gone(tmp_path: Path):
    events = FIRST, SpeakerNamed(speaker=1, name="Ann"), SpeakerNamed(speaker=1, name=None), END
    assert "Ann" not in write(VttWriter(tmp_path / "a.vtt"), *events)


def test_a_name_taken_back_does_not_come_back_with_a_final_that_was_on_its_way(tmp_path: Path):
    late = replace(FIRST, speaker_name="Ann")
    named = SpeakerNamed(speaker=1, name="Ann"), SpeakerNamed(speaker=1, name=None)
    assert "Ann" not in write(VttWriter(tmp_path / "t.vtt"), *named, late, SECOND, END)


def test_a_live_run_keeps_its_file_where_there_is_no_room_to_put_names_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Regression: of a finished file a `.part` was left, and another of the one that was not."""
    put = SrtWriter.put

    def full(self, text, *, flush=True):
        if self.remakes:
            raise OSError(errno.ENOSPC, "No space left on device")
        put(self, text, flush=flush)

    monkeypatch.setattr(SrtWriter, "put", full)
    writer, context = SrtWriter(tmp_path / "t.srt"), SinkContext(lossless=False)
    writer.attach(context)
    text = write(writer, FIRST, SpeakerNamed(speaker=1, name="Ann"), End(reason="stopped", duration=10.0))
    assert "You missed the date?" in text and writer.saved
    [error] = context.events
    assert error.message == writer.failure and "No space left" in error.message


def test_words_in_tables_have_their_speakers(tmp_path: Path):
    events = FIRST, SpeakerNamed(speaker=2, name="Bo"), changed(1, 1, 1, 1, 2, 2, 2, 2), END
    rows = [line.split(",")[-2:] for line in write(WordsCsvWriter(tmp_path / "a.words.csv"), *events).splitlines()]
    assert rows[0] == ["speaker", "name"]
    assert rows[3:5] == [["1", ""], ["2", "Bo"]]


def test_rttm_has_a_line_for_each_turn(tmp_path: Path):
    text = write(RttmWriter(tmp_path / "my talk.rttm"), FIRST, SECOND, SpeakerNamed(speaker=2, name="Bo B"), END)
    assert text == (
        "SPEAKER my_talk 1 0.000 1.900 <NA> <NA> Speaker_1 <NA> <NA>\n"
        "SPEAKER my_talk 1 2.000 1.400 <NA> <NA> Bo_B <NA> <NA>\n"
        "SPEAKER my_talk 1 6.000 1.400 <NA> <NA> Bo_B <NA> <NA>\n"
    )


def test_rttm_has_all_that_is_voiced(tmp_path: Path):
    spoken = SpeechEnded(segment=1, start=0.1, end=4.0, reason="pause")
    text = write(RttmWriter(tmp_path / "a.rttm"), spoken, FIRST, SpeakerNamed(speaker=2, name="Bo"), END)
    assert text == (
        "SPEAKER a 1 0.000 1.950 <NA> <NA> Speaker_1 <NA> <NA>\nSPEAKER a 1 1.950 2.050 <NA> <NA> Bo <NA> <NA>\n"
    )


def test_annotations_have_the_speakers_as_they_are_at_the_end(tmp_path: Path):
    pytest.importorskip("praatio")
    text = write(TextGridWriter(tmp_path / "a.TextGrid"), FIRST, SpeakerNamed(speaker=2, name="Bo"), END)
    assert '"Speaker 1"' in text and '"Bo"' in text


def emotion(face: int | None, start: float, speaker: int | None) -> EmotionUpdate:
    return EmotionUpdate(
        face=face,
        start=start,
        end=start + 0.5,
        label="happy",
        probabilities={"happy": 1.0},
        valence=1.0,
        arousal=0.5,
        weights={"face": 1.0, "voice": 0.0},
        speaker=speaker,
    )


def test_json_is_put_right_throughout(tmp_path: Path):
    seen = said(1, 0.0, (1, "One two."), face=4)
    events = (
        *(emotion(4, 0.0, None), seen, said(2, 3.0, (1, "Three.")), emotion(4, 0.5, 1), emotion(None, 3.0, 7)),
        *(SpeakerNamed(speaker=2, name="Bo"), changed(1, 2, 2), END),
    )
    path = tmp_path / "a.json"
    data = json.loads(write(JsonWriter(path), *events))
    assert [(each["speaker"], each["speaker_name"]) for each in data["segments"]] == [(2, "Bo"), (1, None)]
    assert [word["speaker"] for each in data["segments"] for word in each["words"]] == [2, 2, 1]
    assert data["speakers"] == [
        {"id": 1, "name": None, "seconds": 0.4, "words": 1, "faces": []},
        {"id": 2, "name": "Bo", "seconds": 0.8, "words": 2, "faces": [4]},
    ]
    assert {(each["face"], each["speaker"]) for each in data["emotions"]} == {(4, 2), (None, 7)}
    # Read again it makes the same texts.
    again = TxtWriter.configured(load_config("file", {"subtitles.speakers": "names"}))
    (tmp_path / "again").mkdir()
    text = write(again(tmp_path / "again" / "a.txt"), *events_of(read_transcript(path)))
    assert text == "Bo: One two.\nSpeaker 1: Three.\n"


def test_json_without_corrections_is_the_same_as_amended_without_effect(tmp_path: Path):
    events = FIRST, SECOND, emotion(1, 0.0, None)
    plain = json.loads(write(JsonWriter(tmp_path / "a.json"), *events, END))
    (tmp_path / "a.json").unlink()
    same = changed(1, 1, 1, 1, 1, 2, 2, 2)
    assert json.loads(write(JsonWriter(tmp_path / "a.json"), *events, same, END)) == plain


MINE = said(3, 0.0, (1, "We think about change."), face=1, overlaps=True)
THEIRS = said(3, 0.5, (2, "Look at this."), face=2, overlaps=True)
NEXT = said(4, 6.0, (1, "So it is."), face=1)


def test_two_who_speak_at_once_have_a_line_a_cue_and_a_turn_each(tmp_path: Path):
    both = [MINE, THEIRS, NEXT, END]
    text = write(TxtWriter(tmp_path / "a.txt"), *both)
    assert text == "We think about change.\n- Look at this.\n- So it is.\n"
    (tmp_path / "a.txt").unlink()
    cues = write(SrtWriter(tmp_path / "a.srt"), *both).split("\n\n")
    assert [cue.splitlines()[1:] for cue in cues if cue] == [
        ["00:00:00,000 --> 00:00:01,900", "We think about change."],
        ["00:00:00,500 --> 00:00:01,900", "-Look at this."],
        ["00:00:06,000 --> 00:00:07,400", "So it is."],
    ]
    (tmp_path / "a.srt").unlink()
    assert "<v Speaker 2>" in write(VttWriter(tmp_path / "a.vtt"), *both)
    (tmp_path / "a.vtt").unlink()
    voiced = SpeechEnded(segment=3, start=0.0, end=2.2, reason="pause")
    turns = [line.split() for line in write(RttmWriter(tmp_path / "a.rttm"), voiced, *both).splitlines()]
    assert [(turn[3], turn[4], turn[7]) for turn in turns[:2]] == [
        ("0.000", "1.900", "Speaker_1"),
        ("0.500", "1.400", "Speaker_2"),
    ]


def test_a_correction_is_of_one_of_two_who_speak_at_once(tmp_path: Path):
    corrected = SpeakerChanged(
        segment=3, start=0.5, end=1.9, previous=2, speaker=5, words=(5, 5, 5), speaker_name=None, face=2
    )
    text = write(JsonWriter(tmp_path / "a.json"), MINE, THEIRS, corrected, END)
    segments = json.loads(text)["segments"]
    assert [(each["speaker"], each["face"], each["overlaps"]) for each in segments] == [(1, 1, True), (5, 2, True)]
    finals = [event for event in events_of(read_transcript(tmp_path / "a.json")) if isinstance(event, TranscriptFinal)]
    assert [(each.text, each.overlaps) for each in finals] == [(MINE.text, True), (THEIRS.text, True)]


def test_parts_of_a_segment_are_its_text(tmp_path: Path):
    first, second = parts_of(FIRST)
    assert f"{first.text} {second.text}" == FIRST.text
    assert (first.speaker, second.speaker, second.start) == (1, 2, 2.0)
    mixed = replace(said(1, 0.0, (1, "You missed"), (2, "\u4f60 \u597d")), language="zh")
    mixed = replace(mixed, text="You missed \u4f60\u597d")
    assert [part.text for part in parts_of(mixed)] == ["You missed", "\u4f60\u597d"]
    (whole,) = parts_of(said(1, 0.0, (None, "Ah.")))
    assert whole.speaker is None
