"""Turns and overlaps with the real networks: a listener in view costs no words of who speaks."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.config import load_config
from lipstream.models.av_speech.evaluation.conditions import lip_samples
from lipstream.models.av_speech.general_fusion import GeneralFusion
from lipstream.models.av_speech.recording import LIP_SAMPLES, LipTrack
from lipstream.models.av_speech.training.mixtures import mixed
from lipstream.models.speech.moonshine import MoonshineEngine
from lipstream.stages.enrol.recordings import read_recording

pytestmark = pytest.mark.media

STILL = 10
"""Lip frames in which the mouth is most still."""


@pytest.fixture(scope="module")
def listener():
    engine = MoonshineEngine(1)
    fusion = GeneralFusion(engine)
    fusion.load()
    return engine, fusion


@pytest.fixture(scope="module")
def seen(obama_speech):
    return read_recording(obama_speech, load_config("file", {"face.threads": 1}))


@pytest.fixture(scope="module")
def other(two_cities_audio):
    """Eight seconds of a voice that is not that of the mouth."""
    return two_cities_audio[: 200 * LIP_SAMPLES].copy()


def taken(track: LipTrack, order) -> LipTrack:
    return LipTrack(track.points[order], track.blendshapes[order], track.crops[order], track.mask[order])


def still(track: LipTrack, count: int) -> LipTrack:
    """The mouth where it is most still, there and back again, for `count` frames."""
    points = track.points.astype(np.float32)[:, :, 1]
    first = min(
        (at for at in range(len(points) - STILL) if track.mask[at : at + STILL].all()),
        key=lambda at: points[at : at + STILL].std(axis=0).mean(),
    )
    there = [*range(STILL), *range(STILL - 2, 0, -1)]
    return taken(track, [first + there[at % len(there)] for at in range(count)])


def joined(*tracks: LipTrack) -> LipTrack:
    parts = ("points", "blendshapes", "crops", "mask")
    return LipTrack(*(np.concatenate([getattr(track, part) for track in tracks]) for part in parts))


def fused(listener, sound, track):
    engine, fusion = listener
    encoding = engine.encode(sound)
    return encoding, fusion.fuse(encoding, sound, lip_samples(track))


def test_an_interviewer_off_camera_loses_no_word_to_the_face_that_listens(listener, seen, other):
    encoding, found = fused(listener, other, still(seen.lips, 200))
    assert found.encoding is encoding
    assert np.nanmean(found.active_speaker) < 0.05


def test_people_in_turns_are_both_read_as_they_are(listener, seen, other):
    own = seen.sound[: len(seen.lips.mask) * LIP_SAMPLES]
    frames = len(own) // LIP_SAMPLES
    track = joined(still(seen.lips, 200), taken(seen.lips, np.arange(frames)))
    encoding, found = fused(listener, np.concatenate([other, own[: frames * LIP_SAMPLES]]), track)
    assert found.encoding is encoding


def test_another_voice_is_softened_where_it_overlaps_and_not_in_its_own_turn(listener, seen, other):
    own = seen.sound[: 200 * LIP_SAMPLES]
    both = mixed(own, other[: len(own)], 0.0)
    track = joined(still(seen.lips, 200), taken(seen.lips, np.arange(len(own) // LIP_SAMPLES)))
    sound = np.concatenate([other, both])
    _, found = fused(listener, sound, track)
    assert found.sound is not None
    turn = slice(0, len(other) - 16_000)
    assert np.allclose(found.sound[turn], sound[turn], atol=1e-4)
    assert np.square(found.sound[len(other) :]).mean() < 0.8 * np.square(both).mean()
    assert found.encoding.asks(0.0, 6.5) == 0.0
    assert found.encoding.asks(10.0, 15.0) > 0.0
