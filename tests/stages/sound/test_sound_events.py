"""The stage that tells of sounds."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.events import SoundEvent
from lipstream.models.errors import ModelError
from lipstream.pipeline import Packet, Switches, UserError, micros
from lipstream.pipeline.testing import run_stage
from lipstream.stages.payloads import SAMPLE_RATE, AudioBlock
from lipstream.stages.sound.sound_events import SoundEvents
from lipstream.stages.switches import SOUND

BLOCK = 320


class Loudness:
    """Takes what is loud for applause."""

    def __init__(self) -> None:
        self.looks = 0

    def load(self) -> None:
        pass

    def scores(self, sound: np.ndarray) -> np.ndarray:
        self.looks += 1
        scores = np.zeros(521, np.float32)
        scores[62] = float(np.abs(sound).mean() > 0.05)
        return scores


def packets(*stretches: tuple[float, float]) -> list[Packet[AudioBlock]]:
    """Sound of so many seconds and such a level each."""
    rng = np.random.default_rng(1)
    parts = [level * rng.uniform(-1, 1, round(seconds * SAMPLE_RATE)) for seconds, level in stretches]
    sound = np.concatenate(parts).astype(np.float32)
    return [
        Packet(micros(at / SAMPLE_RATE), AudioBlock(sound[at : at + BLOCK]), micros(BLOCK / SAMPLE_RATE))
        for at in range(0, len(sound), BLOCK)
    ]


def told(run) -> list[SoundEvent]:
    return [event for event in run.events if isinstance(event, SoundEvent)]


def test_a_sound_is_told_when_it_begins_and_when_it_is_over():
    begun, over = told(run_stage(SoundEvents(Loudness()), packets((3.0, 0.01), (4.0, 0.5), (5.0, 0.01))))
    assert (begun.label, begun.end, over.label) == ("applause", None, "applause")
    assert begun.start == over.start
    assert 2.0 <= begun.start <= 3.2
    assert over.end is not None and 6.5 <= over.end <= 8.2


def test_silence_is_not_looked_at():
    tagger = Loudness()
    run_stage(SoundEvents(tagger), packets((5.0, 0.0)))
    assert tagger.looks == 0


def test_muted_sound_is_not_heard():
    switches = Switches([SOUND])
    switches.turn(SOUND, False)
    tagger = Loudness()
    assert told(run_stage(SoundEvents(tagger), packets((5.0, 0.5)), switches=switches)) == []
    assert tagger.looks == 0


def test_what_goes_on_is_over_with_the_run():
    assert [event.end is None for event in told(run_stage(SoundEvents(Loudness()), packets((4.0, 0.5))))] == [
        True,
        False,
    ]


def test_a_network_that_cannot_be_had_is_one_line():
    class Missing(Loudness):
        def load(self) -> None:
            raise ModelError("there is no yamnet.data")

    with pytest.raises(UserError, match="there is no yamnet"):
        run_stage(SoundEvents(Missing()), packets((1.0, 0.5)))
