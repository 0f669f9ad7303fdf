"""What charts show of a record."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.events import LipActivity, SoundLevel, SpeechEnded
from lipstream.pipeline import Degraded, End
from lipstream.views.recorded.timeline import SPEAKER, evident, timeline
from tests.views.records import emotion, final, recorded, seen, stats, talk


def faces(*spans: tuple[int, float, float], **flags: bool):
    tenths = [(face, at) for face, start, end in spans for at in range(round(start * 10), round(end * 10))]
    return [seen(at / 10, face, **flags) for face, at in tenths]


def test_a_face_that_goes_and_comes_back_under_its_number_has_two_spans():
    (lane,) = timeline(recorded([*faces((1, 0, 2)), *faces((1, 5, 6), talking=False)])).faces
    assert np.array(lane.seen) == pytest.approx(np.array([(0, 2), (5, 6)]))
    assert np.array(lane.talking) == pytest.approx(np.array([(0, 2)]))


def test_of_many_faces_those_longest_in_view_are_shown_and_the_others_counted():
    events = [event for face in range(1, 13) for event in faces((face, 0, face * 0.5))]
    shown = timeline(recorded(events))
    assert [lane.face for lane in shown.faces] == list(range(5, 13)) and shown.more_faces == 4


def test_long_curves_keep_their_peaks():
    levels = [SoundLevel(time=at / 10, level=0.0 if at == 17_001 else -50.0, speech=False) for at in range(36_000)]
    sound = timeline(recorded([*levels, End(reason="finished", duration=3600)])).sound
    assert len(sound.times) <= 8000
    assert sound.values.max() == 0
    assert sound.times[sound.values.argmax()] == pytest.approx(1700.1, abs=0.5)


def test_the_speakers_emotion_is_that_of_who_is_heard_else_of_who_was_chosen():
    events = [
        LipActivity(face=2, time=0.2, aperture=0.1, motion=0.1),
        emotion(0.0, face=1, voice=0.0, label="sad"),
        emotion(0.0, face=2, voice=0.0, label="angry"),
        emotion(0.5, face=1, voice=0.6, label="happy"),
        emotion(0.5, face=2, voice=0.0, label="angry"),
        emotion(1.0, face=None, voice=1.0, label="sad"),
    ]
    tracks = timeline(recorded(events)).emotions
    assert tracks[0].whose == SPEAKER and list(tracks[0].labels) == ["angry", "happy", "sad"]
    # Faces that were never reported have no lane, so their emotions stand in the speaker's track only.
    assert [track.whose for track in tracks] == [SPEAKER]


def test_every_shown_face_has_a_track_of_its_own_unless_it_is_the_only_one():
    seen_two = faces((1, 0, 1), (2, 0, 1))
    both = timeline(recorded([*seen_two, emotion(0.0, face=1), emotion(0.0, face=2)])).emotions
    assert [track.whose for track in both] == [SPEAKER, 1, 2]
    alone = timeline(recorded([*faces((1, 0, 1)), emotion(0.0, face=1)])).emotions
    assert [track.whose for track in alone] == [SPEAKER]


def test_moments_without_evidence_do_not_count():
    (track,) = timeline(recorded([emotion(0.0), emotion(0.5, evidence=0.0), emotion(1.0, label="unknown")])).emotions
    assert evident(track).tolist() == [True, False, False]
    assert timeline(recorded([emotion(0.0, face=None, label="unknown", evidence=0.0)])).emotions == []


def test_hours_of_emotion_are_thinned_to_means():
    updates = [emotion(at / 2, voice=at % 2) for at in range(20_000)]
    (track,) = timeline(recorded(updates)).emotions
    assert len(track.starts) <= 3600 and track.starts[0] == 0 and track.ends[-1] == 10_000
    assert np.allclose(track.probabilities.sum(axis=1), 1)
    assert np.allclose(track.weights[:-1], 0.5, atol=0.11)


def test_troubles_tell_what_was_lost_and_when_it_was_bad():
    events = [
        Degraded(modality="video", stage="no_video", reason="the file has no picture", emitted=0.0),
        stats(audio__lost_seconds=3.21, speech__failed_segments=2),
        End(reason="stopped", duration=9.0),
    ]
    troubles = timeline(recorded(events)).troubles
    assert [trouble.span for trouble in troubles] == [None, None, None, (0.0, 9.0)]
    told = " ".join(trouble.text for trouble in troubles)
    assert "stopped early" in told and "3.2 s of sound" in told and "2 stretches" in told and "no picture" in told


def test_a_good_run_has_no_troubles():
    assert timeline(recorded([final("Hello."), stats(), End(reason="finished", duration=2.0)])).troubles == []


def test_a_run_that_never_ended_reaches_as_far_as_what_is_known():
    spoken = [final("Hello there.", 4.0), SpeechEnded(segment=1, start=4, end=9, reason="pause")]
    assert timeline(recorded(spoken)).duration == pytest.approx(4.7)
    assert timeline(recorded([])).duration > 0


def test_speech_does_not_reach_beyond_the_end():
    shown = timeline(recorded([*talk(6.0)]))
    assert shown.duration == 6.0 and all(end <= 6.0 for _, end in shown.speech)
