"""What the mask rests on, found by hiding, on networks whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.models.av_speech.general_fusion import Judgement, MouthEvidence
from lipstream.models.av_speech.occlusion import PATCH, occlude
from lipstream.models.av_speech.voice_bands import BANDS, powers, spectrum
from lipstream.models.speech.engine import Encoding
from lipstream.models.speech.fusion import LipSample

FRAMES = 20
COUNTS = 7
"""The one lip frame that this network heeds."""


class Heeding:
    """A fusion whose mask is 1, or 0.25 where lip frame `COUNTS` is unseen; it heeds the encoder by half of that."""

    def look(self, encoding, lips):
        seen = np.array([each.points is not None for each in lips])
        beside = np.arange(len(lips), dtype=np.float32)[None, :, None]
        return MouthEvidence(np.full(len(lips), 0.5, np.float32), seen, beside, np.zeros((1, 1, 1)), seen * 0.1)

    def mask(self, mouth, bands):
        gain = (1.0 if mouth.seen[COUNTS] else 0.25) - (0.375 if np.ptp(mouth.beside) == 0 else 0.0)
        return np.full((len(bands), BANDS), gain, np.float32), np.zeros(len(bands), np.float32)

    def judge(self, mouth, sound):
        frames = len(powers(spectrum(sound)))
        return Judgement(None, None, np.ones(frames, np.bool_), 0.5, 0.5)


@pytest.fixture
def found():
    sound = np.random.default_rng(0).normal(0, 0.1, FRAMES * 640).astype(np.float32)
    crop, points = np.zeros((96, 96), np.uint8), np.zeros((40, 2), np.float32)
    lips = [LipSample(index / 25, crop, points, np.zeros(27, np.float32)) for index in range(FRAMES)]
    lips[12] = LipSample(12 / 25, None, None, None)
    hidden = np.ones(FRAMES, np.bool_)
    hidden[6] = False
    return occlude(Heeding(), Encoding(np.zeros((30, 288), np.float32), 41.6, len(sound)), sound, lips, hidden)


def test_the_lip_frame_that_counts_is_found_and_no_other(found):
    counted = np.flatnonzero(found.lips.max(axis=0))
    # Those whose patch holds it, of those that were to be hidden.
    assert counted.tolist() == [COUNTS, COUNTS + PATCH // 2]
    assert found.lips[:, COUNTS] == pytest.approx(0.75)


def test_sides_are_weighed_by_what_changes_without_them(found):
    assert found.without["lips"] == pytest.approx(0.75)
    assert found.without["encoder"] == pytest.approx(0.375)
    assert found.without["spectrum"] == pytest.approx(0.0)
    assert found.overlap.all() and found.own == pytest.approx(0.5)
