"""The stage that tells of loud sound from what voice activity knows."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.config import load_config
from lipstream.events import SoundEvent
from lipstream.pipeline import Packet
from lipstream.pipeline.testing import run_stage
from lipstream.stages.build import build
from lipstream.stages.payloads import SAMPLE_RATE
from lipstream.stages.sound.loud_sounds import LoudSoundEvents
from lipstream.stages.sound.sound_events import SoundEvents
from lipstream.stages.speech.onset import WINDOW, Heard


def heard(*levels: float) -> list[Packet[Heard]]:
    """Noise of so much each second, none of it speech."""
    noise = np.random.default_rng(1).standard_normal((SAMPLE_RATE // WINDOW, WINDOW)).astype(np.float32)
    packets, at = [], 0
    for level in levels:
        for window in noise:
            packets.append(Packet(at, Heard(level * window, at, 0.0), 32_000))
            at += 32_000
    return packets


def test_a_loud_sound_is_told_when_it_begins_and_when_it_is_over():
    run = run_stage(LoudSoundEvents(), heard(*[0.0003] * 6, *[0.1] * 5, *[0.0003] * 5))
    begun, over = (event for event in run.events if isinstance(event, SoundEvent))
    assert (begun.label, begun.end, over.label) == ("loud sound", None, "loud sound")
    assert begun.start == over.start


def test_what_goes_on_is_over_with_the_run():
    run = run_stage(LoudSoundEvents(), heard(*[0.0003] * 6, *[0.1] * 5))
    assert [event.end is None for event in run.events if isinstance(event, SoundEvent)] == [True, False]


@pytest.mark.parametrize(
    ("keys", "kind"),
    [
        ({}, LoudSoundEvents),
        ({"sounds.without_network": False}, None),
        ({"sounds.enabled": True}, SoundEvents),
        ({"audio.enabled": False}, None),
    ],
)
def test_who_tells_of_sounds_in_a_live_run(keys: dict[str, bool], kind: type | None):
    sounds = build(load_config("live", keys)).components.get("sounds")
    assert sounds is None if kind is None else type(sounds) is kind


def test_a_recording_is_told_of_without_a_network_only_where_that_is_asked_for():
    assert not load_config("file").tells_loud_sounds
    assert load_config("file", {"sounds.without_network": "on"}).tells_loud_sounds
    assert load_config("file", {"pace": "realtime"}).tells_loud_sounds
