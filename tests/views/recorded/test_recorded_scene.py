"""The scene at any moment of a finished run."""

from __future__ import annotations

import dataclasses

import pytest

from lipstream.config import SubtitlesConfig
from lipstream.events import SoundLevel
from lipstream.pipeline import Degraded, Recovered
from lipstream.stages.sinks.subtitles.cutter import cut
from lipstream.views.drawing.scene import CaptionLine, Scene, SoundMark
from lipstream.views.recorded.scene import SHOWN, RecordedScenes
from tests.views.records import emotion, final, recorded, seen, two_voices


def scenes(*events):
    return RecordedScenes(recorded(events))


def test_nothing_told_is_nothing_shown():
    assert scenes().at(1.0) == Scene()


def test_captions_are_the_cues_of_the_srt_from_their_beginning_to_their_end():
    one, two = final("hello there", 0.5), final("and good bye to all of you who listened so far", 3.0, segment=2)
    shown = scenes(one, two)
    cues = cut([one, two], SubtitlesConfig())
    assert len(cues) >= 2
    for cue in cues:
        lines = tuple(CaptionLine(line) for line in cue.lines)
        assert shown.at(cue.start / 1000).captions == lines
        assert shown.at(cue.end / 1000 - 0.001).captions == lines
    assert shown.at(0.49).captions == () and shown.at(2.5).captions == ()


@pytest.mark.parametrize(
    ("marks", "lines"), [("dash", ("-Is it?", "-It is.")), ("names", ("Speaker 1: Is it?", "Bo: It is."))]
)
def test_captions_have_the_speakers_that_are_known_at_the_end(marks: str, lines: tuple[str, str]):
    shown = RecordedScenes(recorded(two_voices()), SubtitlesConfig(speakers=marks))
    assert shown.at(1.6).captions == tuple(map(CaptionLine, lines))


def test_a_face_moves_evenly_between_two_reports():
    later = dataclasses.replace(seen(1.1), box=(0.4, 0.2, 0.8, 0.9), lips=((0.5, 0.6), (0.7, 0.6), (0.6, 0.7)))
    (mark,) = scenes(seen(1.0), later).at(1.05).faces
    assert mark.box == pytest.approx((0.35, 0.2, 0.75, 0.9), abs=1e-4)
    assert mark.lips[0] == pytest.approx((0.45, 0.6), abs=1e-4)
    assert mark.speaker and mark.talking


def test_a_face_that_is_not_seen_any_more_goes():
    shown = scenes(seen(1.0), seen(1.04), seen(3.0))
    assert shown.at(0.99).faces == ()
    assert len(shown.at(1.1).faces) == 1
    assert shown.at(1.3).faces == () and shown.at(2.9).faces == ()
    assert len(shown.at(3.0).faces) == 1 and shown.at(3.2).faces == ()


def test_the_emotion_shown_is_the_speakers():
    shown = scenes(
        seen(0.0, face=1, speaker=False),
        seen(0.0, face=2),
        seen(0.4, face=1, speaker=False),
        seen(0.4, face=2),
        emotion(0.0, face=1, label="sad"),
        emotion(0.0, face=2, label="happy"),
    )
    mark = shown.at(0.2).emotion
    assert mark is not None and (mark.face, mark.label) == (2, "happy")
    assert mark.face_weight == pytest.approx(0.6) and mark.voice_weight == pytest.approx(0.4)


def test_the_emotion_of_a_voice_that_is_no_faces_in_view_is_shown():
    mark = scenes(emotion(0.0, face=None), emotion(0.0, face=1)).at(0.2).emotion
    assert mark is not None and mark.face is None


def test_an_emotion_is_held_for_a_moment_and_no_longer():
    shown = scenes(emotion(0.0, face=None), emotion(5.0, face=None))
    assert shown.at(0.9).emotion is not None
    assert shown.at(2.0).emotion is None


def test_the_sound_level_is_that_of_the_stretch_the_moment_lies_in():
    shown = scenes(SoundLevel(time=0.1, level=-30.0, speech=False), SoundLevel(time=0.2, level=-10.0, speech=True))
    assert shown.at(0.05).sound == SoundMark(-30.0, False)
    assert shown.at(0.15).sound == SoundMark(-10.0, True)
    assert shown.at(0.25).sound is None


def test_warnings_are_shown_while_they_hold_or_for_a_moment_if_they_hold_to_the_end():
    shown = scenes(
        Degraded(modality="video", stage="video", reason="the picture is torn", emitted=2.0),
        Recovered(modality="video", stage="video", emitted=3.0),
        Degraded(modality="audio", stage="audio", reason="the sound is gone", emitted=20.0),
    )
    assert shown.at(1.9).warnings == ()
    assert shown.at(2.5).warnings == ("the picture is torn",)
    assert shown.at(3.0).warnings == ()
    assert shown.at(20.0).warnings == ("the sound is gone",)
    assert shown.at(20.1 + SHOWN).warnings == ()


def test_what_was_missing_all_the_way_is_no_warning():
    shown = scenes(Degraded(modality="video", stage="no_video", reason="the file has no picture"))
    assert shown.at(0.0).warnings == ()


@pytest.mark.parametrize(("gate", "talking", "count"), [(0.8, True, 0.8), (0.0, True, 0.4), (0.0, False, 0.0)])
def test_lips_count_as_much_as_they_moved_the_words_or_as_they_talk(gate: float, talking: bool, count: float):
    shown = scenes(final("hello there", 0.0, lip_gate=gate), seen(0.1, talking=talking), seen(0.4, talking=talking))
    assert shown.at(0.2).lips_count == pytest.approx(count)
