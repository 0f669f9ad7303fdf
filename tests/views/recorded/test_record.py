"""The record of a run."""

from __future__ import annotations

import sys
from array import array

import numpy as np
import pytest

from lipstream.events import (
    LipActivity,
    SoundLevel,
    SpeakerChanged,
    SpeakerNamed,
    SpeechEnded,
    TranscriptCorrected,
)
from lipstream.pipeline import Degraded, End, Recovered, Stats
from lipstream.views.recorded.record import Degradation, at, within
from tests.views.records import emotion, final, recorded, seen


def test_what_comes_seldom_is_kept_as_it_comes():
    words, feeling, end = final("well then"), emotion(0.0), End(reason="finished", duration=3.0)
    stats = Stats(wall=1.0, stages={}, channels={}, counters={"audio.lost_seconds": 0.5})
    record = recorded([SpeechEnded(segment=1, start=0.5, end=1.2, reason="pause"), words, feeling, stats, end])
    assert record.finals == [words] and record.emotions == [feeling]
    assert record.speech == [(0.5, 1.2)]
    assert record.stats is stats and record.end is end and record.duration == 3.0


def test_finals_are_as_they_are_known_at_the_end():
    """Regression: muxed subtitles and the downloads of a report had speakers as they were told first."""
    first, second, better = final("wether then", segment=1), final("so", 5.0, segment=2), final("weather then")
    told = TranscriptCorrected(
        segment=1, start=first.start, end=first.end, previous=first.text, text=better.text, words=better.words
    )
    changed = SpeakerChanged(segment=2, start=5.0, end=5.3, previous=None, speaker=3, words=(3,))
    record = recorded([first, second, told, changed, SpeakerNamed(speaker=3, name="Bo")])
    one, two = record.finals
    assert (one.text, one.words) == (better.text, better.words)
    assert (two.speaker, two.speaker_name, two.words[0].speaker) == (3, "Bo", 3)


def test_a_face_is_kept_to_a_ten_thousandth_of_the_picture():
    record = recorded([seen(0.04, talking=True, speaker=False), seen(0.08, talking=False, speaker=True), seen(0.08, 7)])
    face = record.faces[1]
    assert len(face) == 2 and list(record.faces) == [1, 7]
    assert face.times.tolist() == [0.04, 0.08]
    assert face.talking.tolist() == [True, False] and face.speaker.tolist() == [False, True]
    assert face.boxes == pytest.approx(np.array([[0.3, 0.2, 0.7, 0.9]] * 2), abs=5e-5)
    row = face.row(1)
    assert (row.face, row.time, row.talking, row.speaker) == (1, 0.08, False, True)
    assert row.box == pytest.approx((0.3, 0.2, 0.7, 0.9), abs=5e-5)
    assert np.array(row.lips) == pytest.approx(np.array(seen(0.0).lips), abs=5e-5)


def test_a_face_that_reaches_far_out_of_the_picture_is_kept_as_far_as_numbers_go():
    import dataclasses

    face = recorded([dataclasses.replace(seen(0.0), box=(-9.0, 0.1, 9.0, 0.2))]).faces[1]
    left, _, right, _ = face.row(0).box
    assert left < -3 and right > 3


def test_sound_and_lips_are_columns():
    record = recorded(
        [
            SoundLevel(time=0.1, level=-20.0, speech=False),
            SoundLevel(time=0.2, level=-12.5, speech=True),
            LipActivity(face=3, time=0.08, aperture=0.05, motion=0.01),
        ]
    )
    assert record.sound.times.tolist() == [0.1, 0.2]
    assert record.sound.levels.tolist() == [-20.0, -12.5] and record.sound.speech.tolist() == [False, True]
    assert record.lips.faces.tolist() == [3] and record.lips.apertures[0] == pytest.approx(0.05)
    assert record.lips.times.tolist() == [0.08] and record.lips.motions[0] == pytest.approx(0.01)


def test_degradations_end_when_they_recover_or_give_way_to_others_of_the_same_stage():
    record = recorded(
        [
            Degraded(modality="video", stage="video", reason="torn", emitted=1.0),
            Degraded(modality="audio", stage="audio", reason="deaf", emitted=1.5),
            Degraded(modality="video", stage="video", reason="gone", emitted=2.0),
            Recovered(modality="video", stage="video", emitted=3.0),
        ]
    )
    assert record.degradations == [
        Degradation("video", "video", "torn", 1.0, 2.0),
        Degradation("audio", "audio", "deaf", 1.5, None),
        Degradation("video", "video", "gone", 2.0, 3.0),
    ]


def test_an_hour_of_a_face_takes_a_few_megabytes():
    outline = tuple((0.5 + index / 1000, 0.5) for index in range(20))
    import dataclasses

    event = dataclasses.replace(seen(0.0), lips=outline)
    face = recorded([event] * 2500).faces[1]
    columns = [value for value in vars(face).values() if isinstance(value, array)]
    assert sum(map(sys.getsizeof, columns)) * 36 < 12e6


def test_lookups_by_time():
    times = [0.0, 1.0, 2.0]
    assert [at(times, time) for time in (-0.1, 0.0, 0.9, 1.0, 9.0)] == [-1, 0, 0, 1, 2]
    ends = [0.5, 2.0, 3.0]
    assert [within(times, ends, time) for time in (-1.0, 0.4, 0.5, 1.5, 2.0, 3.0)] == [None, 0, None, 1, 2, None]
