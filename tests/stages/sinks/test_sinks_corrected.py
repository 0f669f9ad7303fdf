"""The text of a finished segment that is corrected after it was written: what files have of it."""

from __future__ import annotations

import io
import json
import tracemalloc
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from lipstream.config import load_config
from lipstream.events import SpeakerNamed, SpeechEnded, TranscriptCorrected, TranscriptFinal
from lipstream.pipeline import End, Event
from lipstream.stages.sinks import FORMATS, ConsoleSink, JsonlWriter, JsonWriter, RttmWriter, TxtWriter, Writer
from lipstream.stages.sinks.corrections import CorrectionsOnDisk
from lipstream.stages.sinks.data.eaf import EafWriter
from lipstream.stages.sinks.data.lsl import LslOutlets
from lipstream.stages.sinks.data.textgrid import TextGridWriter
from lipstream.stages.sinks.noted import event_of
from lipstream.stages.sinks.speakers import SpeakerBook
from lipstream.stages.sinks.spoken import SpokenLanguage
from lipstream.stages.sinks.transcript.reading import events_of, read_transcript
from tests.stages.sinks.told import changed, corrected, said

FIRST = said(1, 0.0, (1, "The weather was cold"))
SECOND = said(2, 3.0, (1, "butter dry."), joint=",")
THIRD = said(3, 6.0, (2, "So we went."))
AGAIN = corrected(FIRST, (1, "Whether it was cold"))
BETTER = corrected(SECOND, (1, "but dry it was."))
END = End(reason="stopped", duration=10.0)
RUN = (FIRST, SECOND, AGAIN, THIRD, BETTER, END)


def write(writer: Writer, *events: Event) -> str:
    writer.attach(SimpleNamespace(lossless=False, name="writer"))
    for event in events:
        writer.handle(event)
    writer.close()
    assert list(writer.path.parent.iterdir()) == [writer.path], "nothing is left beside the file"
    return writer.path.read_text(encoding="utf-8")


# What is known.


def test_a_corrected_text_takes_the_place_of_text_words_language_and_times():
    book = SpeakerBook()
    final = said(1, 1.0, (1, "Guten day"), face=4, language="en", lip_gate=0.5, off_camera=True)
    told = replace(corrected(final, (1, "Guten Tag allen"), language="de"), start=0.5, end=2.75)
    assert [book.take(event) for event in (final, told)] == [False, True]
    now = book.amended(final)
    assert (now.start, now.end, now.text, now.words, now.language) == (0.5, 2.75, told.text, told.words, "de")
    assert (now.lip_gate, now.face, now.off_camera, now.segment) == (0.5, 4, True, 1), "the rest of it stands"


@pytest.mark.parametrize("late", [True, False])
def test_a_sign_that_was_left_open_is_not_put_behind_a_corrected_text(late: bool):
    book = SpeakerBook()
    for event in (FIRST, SECOND, AGAIN) if late else (FIRST, AGAIN, SECOND):
        book.take(event)
    assert book.amended(FIRST).text == "Whether it was cold"


def test_of_two_who_speak_at_once_one_is_corrected():
    book = SpeakerBook()
    mine, theirs = (said(1, 0.0, (face, text), face=face, overlaps=True) for face, text in ((1, "Mine."), (2, "Your.")))
    for event in (mine, theirs, corrected(theirs, (2, "Yours."))):
        book.take(event)
    assert [book.amended(each).text for each in (mine, theirs)] == ["Mine.", "Yours."]


def speakers(final: TranscriptFinal) -> list[int | None]:
    return [final.speaker, *(word.speaker for word in final.words)]


LONGER = corrected(FIRST, (1, "Whether it was all cold"))
"""The text was read again by somebody who knows of no other speaker than the final."""


@pytest.mark.parametrize("again", [AGAIN, LONGER], ids=["as many words", "more words"])
def test_speakers_that_were_corrected_before_the_text_was_stand(again: TranscriptCorrected):
    book = SpeakerBook()
    for event in (FIRST, changed(1, 2, 2, 1, 1), again):
        book.take(event)
    now = book.amended(FIRST)
    assert now.text == again.text
    assert speakers(now) == [2, 2, 2, *[1] * (len(again.words) - 2)]


def test_who_corrects_a_text_and_knows_of_the_other_speaker_is_believed():
    book = SpeakerBook()
    # "was" is where "was" was, and not said by that one after all.
    again = corrected(FIRST, (2, "Whether it"), (1, "was all cold"))
    for event in (FIRST, changed(1, 2, 2, 2, 1), again):
        book.take(event)
    assert speakers(book.amended(FIRST)) == [2, 2, 2, 1, 1, 1]


@pytest.mark.parametrize("again", [AGAIN, LONGER], ids=["as many words", "more words"])
def test_speakers_that_are_corrected_after_the_text_are_those_of_its_words(again: TranscriptCorrected):
    book = SpeakerBook()
    numbers = [3] * len(again.words)
    numbers[-1] = 4
    for event in (FIRST, again, changed(1, *numbers)):
        book.take(event)
    assert speakers(book.amended(FIRST)) == [3, *numbers]


def test_a_correction_of_speakers_that_was_on_its_way_when_the_text_was_corrected_is_not_lost():
    book = SpeakerBook()
    for event in (FIRST, LONGER, changed(1, 2, 2, 1, 1)):
        book.take(event)
    assert speakers(book.amended(FIRST)) == [2, 2, 2, 1, 1, 1]


def test_a_name_holds_for_a_corrected_text():
    book = SpeakerBook()
    for event in (FIRST, SpeakerNamed(speaker=1, name="Ann"), AGAIN, changed(1, 2, 2, 2, 2)):
        book.take(event)
    assert book.amended(FIRST).speaker_name is None
    book.take(SpeakerNamed(speaker=2, name="Bo"))
    assert book.amended(FIRST).speaker_name == "Bo"


def test_a_correction_is_the_same_when_it_is_read_back():
    told = replace(AGAIN, speaker_name="Ann", language="en", face=3)
    assert event_of(json.loads(json.dumps(told.to_dict()))) == told


def test_corrected_texts_do_not_fill_the_memory_of_a_long_run(tmp_path: Path):
    """A day of speech, every sentence of it corrected."""
    kept = CorrectionsOnDisk(tmp_path)
    tracemalloc.start()
    try:
        for segment in range(2_000):
            kept.add(replace(corrected(said(segment, 0.0, (1, "a " * 30)), (1, "b " * 30)), segment=segment))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    found = kept.of(said(7, 0.0, (1, "a")))
    assert found is not None and found.segment == 7 and len(found.words) == 30
    assert held < 1_000_000
    kept.close()
    assert kept.of(said(7, 0.0, (1, "a"))) is None and list(tmp_path.iterdir()) == []


def test_the_language_of_a_run_is_that_of_the_corrected_texts():
    spoken = SpokenLanguage()
    first, second = (said(n, 0.0, (1, text), language="nl") for n, text in ((1, "een twee drie"), (2, "vier")))
    for event in (first, second, corrected(first, (1, "eins zwei drei"), language="de")):
        spoken.take(event)
    assert spoken.code == "de"


# Files.


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("json", "jsonl", "emotion.csv", "rttm")])
def test_a_format_of_text_has_the_corrected_text(tmp_path: Path, name: str):
    if name == "ttml":
        pytest.importorskip("ttconv")
    text = write(FORMATS[name](tmp_path / f"a.{name}"), *RUN)
    for word in ("Whether", "but", "So", "went."):
        assert word in text
    assert "weather" not in text and "butter" not in text


def test_text_is_made_anew(tmp_path: Path):
    assert write(TxtWriter(tmp_path / "a.txt"), *RUN) == "Whether it was cold\nbut dry it was.\n- So we went.\n"


def test_what_was_told_is_in_the_file_until_then(tmp_path: Path):
    """A crash loses nothing that was written."""
    writer = TxtWriter(tmp_path / "a.txt")
    for event in RUN[:-1]:
        writer.handle(event)
    assert writer.part.read_text() == "The weather was cold\nbutter dry.\n- So we went.\n"
    writer.close()


def test_json_has_the_corrected_text_with_its_words_and_all_that_is_counted(tmp_path: Path):
    path = tmp_path / "a.json"
    again = replace(corrected(FIRST, (2, "Kalt"), (1, "war es"), language="de"), start=0.25)
    data = json.loads(write(JsonWriter(path), FIRST, SECOND, again, SpeakerNamed(speaker=2, name="Bo"), END))
    first, second = data["segments"]
    assert (first["text"], first["start"], first["end"], first["language"]) == ("Kalt war es", 0.25, 1.4, "de")
    assert [(word["word"], word["start"], word["speaker"]) for word in first["words"]] == [
        *(("Kalt", 0.0, 2), ("war", 0.5, 1), ("es", 1.0, 1))
    ]
    assert (first["speaker"], first["speaker_name"], second["text"]) == (2, "Bo", "butter dry.")
    assert [(each["id"], each["words"]) for each in data["speakers"]] == [(1, 4), (2, 1)]
    assert data["language"] == "de"
    finals = [event for event in events_of(read_transcript(path)) if isinstance(event, TranscriptFinal)]
    assert [each.text for each in finals] == ["Kalt war es", "butter dry."]


def test_jsonl_has_the_correction_as_it_comes(tmp_path: Path):
    lines = [json.loads(line) for line in write(JsonlWriter(tmp_path / "a.jsonl"), *RUN).splitlines()]
    assert [line["event"] for line in lines] == [type(event).__name__ for event in RUN]
    assert lines[0]["text"] == FIRST.text and lines[2]["text"] == AGAIN.text


def test_rttm_has_the_turns_of_the_corrected_text(tmp_path: Path):
    spoken = SpeechEnded(segment=1, start=0.0, end=3.0, reason="pause")
    text = write(RttmWriter(tmp_path / "a.rttm"), spoken, FIRST, corrected(FIRST, (1, "Is it"), (2, "cold? No.")), END)
    assert text == (
        "SPEAKER a 1 0.000 0.950 <NA> <NA> Speaker_1 <NA> <NA>\nSPEAKER a 1 0.950 2.050 <NA> <NA> Speaker_2 <NA> <NA>\n"
    )


@pytest.mark.parametrize("made", [TextGridWriter, EafWriter])
def test_annotations_have_the_corrected_text(tmp_path: Path, made: type[Writer]):
    writer = made(tmp_path / "a.out")
    for event in RUN[:-1]:
        writer.handle(event)
    kept = [event_of(json.loads(line)) for line in writer.part.read_text().splitlines()]
    assert AGAIN in kept, "of a run that crashes too"
    writer.handle(END)
    text = writer.path.read_text()
    assert "Whether it was cold" in text and "but dry it was." in text and "butter" not in text


def test_subtitles_that_are_cut_differently_then_say_how_they_keep_to_the_limits(tmp_path: Path):
    srt = FORMATS["srt"].configured(load_config("live", {"subtitles.max_cps": 5}))(tmp_path / "a.srt")
    fast = corrected(FIRST, (1, "Notwithstanding considerable meteorological uncertainties"))
    write(srt, FIRST, fast, END)
    assert "1 over 5 characters a second" in srt.remark


# What only grows.


def test_a_terminal_prints_no_line_again():
    out = io.StringIO()
    sink = ConsoleSink(out, io.StringIO())
    for event in RUN:
        sink.handle(event)
    assert [line.partition("] ")[2] for line in out.getvalue().splitlines()] == [
        *(FIRST.text, "butter dry.", "Speaker 2: So we went.")
    ]


def test_streams_of_words_send_no_word_again():
    sent: list[str] = []
    outlet = SimpleNamespace(push_sample=lambda sample, time: sent.append(sample[0]))
    sink = LslOutlets(SimpleNamespace(local_clock=lambda: 0.0))
    sink._clock.session = SimpleNamespace(now=lambda: 0)
    sink._words = outlet
    for event in RUN:
        sink.handle(event)
    assert sent == [word.word for final in (FIRST, SECOND, THIRD) for word in final.words]
