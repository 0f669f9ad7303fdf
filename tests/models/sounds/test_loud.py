"""Loud sound that is no speech, told without a network."""

from __future__ import annotations

import numpy as np

from lipstream.models.sounds.loud import SAMPLE_RATE, WINDOW, LoudSounds, steadiness
from lipstream.models.sounds.tracker import Change
from lipstream.models.speech.vad import SileroVad

QUIET = 0.0003
RNG = np.random.default_rng(1)


def noise(seconds: float, level: float) -> np.ndarray:
    return (level * RNG.standard_normal(round(seconds * SAMPLE_RATE))).astype(np.float32)


def chords(seconds: float, level: float = 0.1) -> np.ndarray:
    """A chord that is held, and a tune of half seconds over it."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tune = np.array([440.0, 494.0, 523.0, 587.0])[(2 * time).astype(int) % 4]
    held = sum(np.sin(2 * np.pi * pitch * over * time) / over for pitch in (220, 277, 330) for over in (1, 2, 3))
    return (level * (held + np.sin(2 * np.pi * np.cumsum(tune) / SAMPLE_RATE)) / 4).astype(np.float32)


def told(sound: np.ndarray, voice: float = 0.0, network: SileroVad | None = None) -> list[Change]:
    rule, changes = LoudSounds(), []
    for at in range(0, len(sound) - WINDOW + 1, WINDOW):
        window = sound[at : at + WINDOW]
        likely = voice if network is None else network.probability(window)
        changes += rule.hear(window, likely, (at + WINDOW) / SAMPLE_RATE)
    return [*changes, *rule.finish()]


def test_tones_are_music_from_where_they_begin_to_where_they_end():
    begun, over = told(np.concatenate([noise(6, QUIET), chords(8), noise(6, QUIET)]))
    assert (begun.label, begun.end, over.label) == ("music", None, "music")
    assert 5.5 <= begun.start <= 8.5
    assert over.end is not None and 13.5 <= over.end <= 17.0


def test_noise_that_comes_up_is_loud_sound_and_no_music():
    begun, over = told(np.concatenate([noise(6, QUIET), noise(5, 0.1), noise(5, QUIET)]))
    assert (begun.label, begun.end, over.label) == ("loud sound", None, "loud sound")
    assert 5.0 <= begun.start <= 7.5
    assert over.end is not None and 10.5 <= over.end <= 12.5


def test_quiet_sound_is_not_told():
    assert told(np.concatenate([noise(6, QUIET), chords(8, 0.003), noise(4, 0.002)])) == []


def test_a_noise_that_was_always_there_is_not_told():
    assert told(noise(20, 0.005)) == []


def test_what_voice_activity_takes_for_speech_is_not_told():
    assert told(np.concatenate([noise(6, QUIET), chords(8), noise(5, 0.1)]), voice=0.9) == []


def test_read_speech_is_not_told(two_cities_audio: np.ndarray):
    network = SileroVad()
    network.load()
    network.reset()
    assert told(two_cities_audio[: 6 * SAMPLE_RATE], network=network) == []


def test_steadiness_is_the_share_of_time_that_tones_stand_out():
    tones = np.zeros((10, 100), bool)
    assert steadiness(tones) == 0.0
    tones[:, [10, 20, 30, 40, 50]] = True
    assert steadiness(tones) == 1.0
    tones[5:] = False
    assert steadiness(tones) == 0.5
