"""Emotions in the outputs: intervals, the table, marked cues, small print in the terminal."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
import tracemalloc
from pathlib import Path

import pytest

from lipstream.events import EmotionUpdate, TranscriptFinal, TranscriptPartial, Word
from lipstream.models.emotion.classes import EMOTIONS, UNKNOWN
from lipstream.pipeline import End
from lipstream.stages.sinks import EmotionCsvWriter, EmotionVttWriter, JsonWriter
from lipstream.stages.sinks.console import caption_rows
from lipstream.stages.sinks.emotion_csv import COLUMNS
from lipstream.stages.sinks.emotion_spans import EmotionIntervals, EmotionTrack
from tests.stages.sinks.test_sinks_writers import HOSTILE, final, finished, write


def update(end: float, label: str, face: int | None = 1, voice: float = 0.0, top: float = 0.7) -> EmotionUpdate:
    known = label != UNKNOWN
    rest = (1 - top) / 6
    return EmotionUpdate(
        face=face,
        start=end - 0.5,
        end=end,
        label=label,
        probabilities={name: (top if name == label else rest) if known else 1 / 7 for name in EMOTIONS},
        valence=0.5 if known else 0.0,
        arousal=-0.25 if known else 0.0,
        weights={"face": 1 - voice, "voice": voice} if known else {"face": 0.0, "voice": 0.0},
        emitted=end,
    )


def intervals(updates) -> list[dict]:
    merged = EmotionIntervals()
    return [record for each in updates for record in merged.add(each)] + list(merged.finish())


# Intervals.


def test_updates_of_one_label_become_one_interval_with_their_means():
    (record,) = intervals([update(0.5, "happy", top=0.6), update(1.0, "happy", voice=0.5, top=0.8)])
    assert list(record) == [
        "start",
        "end",
        "label",
        "probabilities",
        "valence",
        "arousal",
        "weights",
        "face",
        "speaker",
    ]
    assert (record["start"], record["end"], record["label"], record["face"]) == (0.0, 1.0, "happy", 1)
    assert record["probabilities"]["happy"] == pytest.approx(0.7)
    assert sum(record["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    assert record["weights"] == {"face": 0.75, "voice": 0.25}
    assert (record["valence"], record["arousal"]) == (0.5, -0.25)


def test_faces_are_kept_apart_and_a_change_of_label_begins_anew():
    both = [update(0.5, "sad", 1), update(0.5, "happy", 2), update(1.0, "angry", 1), update(1.0, "happy", 2)]
    records = intervals(both)
    assert [(r["face"], r["label"], r["start"], r["end"]) for r in records] == [
        (1, "sad", 0.0, 0.5),
        (2, "happy", 0.0, 1.0),
        (1, "angry", 0.5, 1.0),
    ]


def test_a_face_that_was_away_begins_anew():
    records = intervals([update(0.5, "sad"), update(1.0, "unknown", None), update(2.0, "sad")])
    assert [(r["face"], r["start"], r["end"]) for r in records] == [(1, 0.0, 0.5), (None, 0.5, 1.0), (1, 1.5, 2.0)]


def test_moments_that_only_hold_a_label_do_not_thin_out_the_means():
    held = dataclasses.replace(update(1.0, "unknown"), label="happy")
    (record,) = intervals([update(0.5, "happy", top=0.9), held])
    assert record["end"] == 1.0
    assert record["probabilities"]["happy"] == pytest.approx(0.9, abs=1e-3)
    assert record["weights"] == {"face": 1.0, "voice": 0.0}


# Files.


def test_json_lists_the_intervals(tmp_path: Path):
    writer = JsonWriter(tmp_path / "a.json")
    text = write(writer, update(0.5, "happy"), update(1.0, "happy"), update(1.5, "sad"), finished())
    emotions = json.loads(text)["emotions"]
    assert [(e["start"], e["end"], e["label"]) for e in emotions] == [(0.0, 1.0, "happy"), (1.0, 1.5, "sad")]


def test_json_does_not_keep_the_intervals_in_memory(tmp_path: Path):
    writer = JsonWriter(tmp_path / "a.json")
    labels = ("happy", "sad")
    for number in range(1, 200):
        writer.handle(update(number / 2, labels[number % 2]))
    tracemalloc.start()
    for number in range(200, 5000):
        writer.handle(update(number / 2, labels[number % 2]))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    writer.handle(finished())
    assert len(json.loads(writer.path.read_text())["emotions"]) == 4999
    # The records alone are over a megabyte.
    assert peak < 400_000


def test_the_table_has_one_row_for_each_update(tmp_path: Path):
    writer = EmotionCsvWriter(tmp_path / "a.emotion.csv")
    text = write(writer, update(0.5, "happy"), update(0.5, "sad", None, 1.0), finished())
    rows = list(csv.DictReader(io.StringIO(text)))
    assert tuple(rows[0]) == COLUMNS
    assert [(row["start"], row["end"], row["face"], row["label"]) for row in rows] == [
        ("0.000", "0.500", "1", "happy"),
        ("0.000", "0.500", "", "sad"),
    ]
    assert float(rows[0]["happy"]) == pytest.approx(0.7)
    assert (rows[1]["weight_face"], rows[1]["weight_voice"]) == ("0.0", "1.0")
    assert "\r" not in text


def test_the_table_grows_as_updates_come_and_is_whole_after_a_kill(tmp_path: Path):
    writer = EmotionCsvWriter(tmp_path / "a.emotion.csv")
    writer.handle(update(0.5, "happy"))
    assert len(list(csv.DictReader(io.StringIO(writer.part.read_text())))) == 1
    writer.discard()


def test_a_run_in_which_nothing_was_known_leaves_no_table_when_it_is_cut_short(tmp_path: Path):
    writer = EmotionCsvWriter(tmp_path / "a.emotion.csv")
    writer.handle(update(0.5, "unknown", None))
    writer.handle(finished("stopped"))
    assert list(tmp_path.iterdir()) == []


# Marked cues.


def test_cues_are_marked_with_the_emotion_of_their_own_time(tmp_path: Path):
    said = [final("One two.", 0.0, 2.0), final("Three.", 4.0, 5.0, segment=2)]
    felt = [update(i / 2, "happy" if i <= 6 else "sad", voice=0.5) for i in range(1, 12)]
    # In a file the text comes first.
    text = write(EmotionVttWriter(tmp_path / "a.vtt"), *said, *felt, finished())
    assert re.findall(r"<c\.(\w+)>(.*?)</c>", text) == [("happy", "One two."), ("sad", "Three.")]
    # Live the emotions do.
    assert text == write(EmotionVttWriter(tmp_path / "b.vtt"), *felt, *said, finished())


def test_marked_cues_are_valid_whatever_the_text(tmp_path: Path):
    felt = [update(i / 2, "angry", voice=1.0) for i in range(1, 9)]
    text = write(EmotionVttWriter(tmp_path / "a.vtt"), final(HOSTILE), *felt, finished())
    assert text.startswith("WEBVTT\n\n")
    cues = text.removeprefix("WEBVTT\n\n").strip().split("\n\n")
    for cue in cues:
        times, *lines = cue.split("\n")
        assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3} --> \d\d:\d\d:\d\d\.\d{3}", times)
        inside = re.fullmatch(r"<c\.angry>(.*)</c>", "\n".join(lines), re.DOTALL)
        assert inside
        assert "<" not in inside[1] and "-->" not in inside[1]


def test_cues_without_a_known_emotion_are_plain(tmp_path: Path):
    text = write(EmotionVttWriter(tmp_path / "a.vtt"), final("One."), update(0.5, "unknown", None), finished())
    assert "<c" not in text and "One." in text


def test_cues_are_written_at_once_and_marked_as_soon_as_their_emotion_is_known(tmp_path: Path):
    writer = EmotionVttWriter(tmp_path / "a.vtt")
    writer.handle(final("One.", 0.0, 1.0))
    assert "\nOne.\n" in writer.part.read_text()
    for i in range(1, 6):
        writer.handle(update(i / 2, "sad", voice=1.0))
    assert "<c.sad>One.</c>" in writer.part.read_text()
    writer.discard()


def test_cues_do_not_wait_for_ever_for_emotions_that_never_come(tmp_path: Path):
    writer = EmotionVttWriter(tmp_path / "a.vtt")
    for number in range(20):
        writer.handle(final(f"Sentence {number}.", 4 * number, 4 * number + 2, segment=number))
    assert "Sentence 5." in writer.part.read_text()
    writer.handle(End(reason="finished", duration=80.0))
    assert writer.path.read_text().count("Sentence") == 20


# Whose emotion it is.


def test_the_emotion_of_what_is_said_is_that_of_who_speaks():
    track = EmotionTrack()
    for i in range(1, 5):
        track.add(update(i / 2, "happy", face=1))
        track.add(update(i / 2, "angry", face=2, voice=0.5))
    assert track.label(0.2, 1.8) == "angry"
    assert track.label(5.0, 6.0) is None


def test_without_a_voice_it_is_that_of_the_only_face_and_of_nobody_among_several():
    track = EmotionTrack()
    track.add(update(0.5, "happy", face=1))
    assert track.label(0.0, 0.5) == "happy"
    track.add(update(0.5, "sad", face=2))
    assert track.label(0.0, 0.5) is None


def test_the_forming_row_has_room_for_the_emotion():
    partial = TranscriptPartial(segment=1, start=0.0, end=3.0, stable="a long text " * 10, unstable="and more")
    row = caption_rows(partial, 60, "happy")[-1]
    assert row.plain.endswith("and more  happy")
    assert len(row.plain) <= 60
    assert not caption_rows(partial, 60)[-1].plain.endswith("happy")


def test_a_final_of_one_word_is_found():
    word = Word(word="Hi.", start=0.2, end=0.4, confidence=1.0)
    said = TranscriptFinal(segment=1, start=0.2, end=0.4, text="Hi.", words=(word,))
    track = EmotionTrack()
    track.add(update(0.5, "surprised", voice=1.0))
    assert track.label(said.start, said.end) == "surprised"
