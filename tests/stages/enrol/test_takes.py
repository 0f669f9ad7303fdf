"""A sentence that was read becomes one recording, with sound and lips on one clock."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.models.av_speech.recording import LIP_RATE
from lipstream.models.face.lip_features import LipFeatures
from lipstream.pipeline import Packet
from lipstream.pipeline.testing import run_stage
from lipstream.stages.enrol.takes import Takes
from lipstream.stages.payloads import LipFrame, SpeechChunk

START = 1_013_000
"""Between two lip frames, as sound begins."""


def lips(number, seen=True):
    features = LipFeatures(
        1, np.full((96, 96), number % 256, np.uint8), np.full((40, 2), number / 100, np.float32), np.zeros(27), 0.1
    )
    return Packet(round(number * 1_000_000 / LIP_RATE), LipFrame(features if seen else None), 40_000)


def chunks(seconds, speech_end):
    """Speech in chunks of 0.1 s; each sample tells its place."""
    ramp = np.arange(round(seconds * 16_000), dtype=np.float32) / 100_000
    parts = [ramp[first : first + 1600] for first in range(0, len(ramp), 1600)]
    for index, part in enumerate(parts):
        chunk = SpeechChunk(1, part, index == 0, index == len(parts) - 1, START + 300_000, speech_end)
        yield Packet(START + index * 100_000, chunk, 100_000)


def takes(seen=lambda number: True, seconds=3.0):
    found = []
    stage = Takes(found.append)
    frames = [lips(number, seen(number)) for number in range(150)]
    run_stage(stage, {"lips": frames, "speech": list(chunks(seconds, START + 2_000_000))})
    return stage, found


def test_sound_and_lips_of_a_sentence_begin_on_the_same_lip_frame():
    _, (recording,) = takes()
    # The first lip frame after the start of the sound is number 26, at 1.04 s.
    assert recording.lips.crops[0, 0, 0] == 26
    assert recording.pcm[0] / 32768 * 100_000 == pytest.approx(0.027 * 16_000, abs=4)


def test_a_sentence_ends_a_little_after_the_voice_with_lips_to_its_end():
    _, (recording,) = takes()
    assert len(recording.pcm) == pytest.approx((2.3 - 0.027) * 16_000, abs=1)
    assert recording.lips.mask.all()
    assert len(recording.lips.mask) == -(-len(recording.pcm) // 640)


def test_where_no_mouth_was_seen_the_mask_is_off():
    stage, (recording,) = takes(lambda number: number < 40)
    assert recording.lips.mask.sum() == 40 - 26
    assert not stage.mouth_seen
