"""The spectrogram against that of faster-whisper."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.models.speech.whisper.log_mel import LogMel

TOLERANCE = 1e-4


def published(audio: np.ndarray, bands: int) -> np.ndarray:
    extractor = pytest.importorskip("faster_whisper.feature_extractor").FeatureExtractor
    return np.asarray(extractor(feature_size=bands)(audio))[:, : len(audio) // 160]


def tone(seconds: float) -> np.ndarray:
    moments = np.arange(round(seconds * 16_000)) / 16_000
    noise = np.random.default_rng(0).normal(scale=0.01, size=len(moments))
    return (0.3 * np.sin(2 * np.pi * 440 * moments) + noise).astype(np.float32)


@pytest.mark.parametrize("bands", [80, 128])
@pytest.mark.parametrize("seconds", [0.5, 1.2345, 7.0])
def test_it_is_the_published_one(bands, seconds):
    audio = tone(seconds)
    ours, theirs = LogMel(bands)(audio), published(audio, bands)
    assert ours.shape == theirs.shape
    # Only the last column sees what is behind the sound.
    assert np.abs(ours - theirs)[:, :-1].max() < TOLERANCE


def test_sound_that_ends_in_silence_is_the_same_to_its_last_column():
    audio = np.pad(tone(1.0), (0, 400))
    assert np.abs(LogMel(80)(audio) - published(audio, 80)).max() < TOLERANCE


@pytest.mark.media
def test_real_speech_is_the_same(two_cities_audio):
    audio = two_cities_audio[: 30 * 16_000]
    assert np.abs(LogMel(80)(audio) - published(audio, 80))[:, :-1].max() < TOLERANCE


@pytest.mark.parametrize("samples", [0, 1, 159, 160, 399, 400, 401])
def test_a_sound_of_less_than_a_window_is_padded(samples):
    found = LogMel(80)(tone(1.0)[:samples])
    assert found.shape == (80, max(1, samples // 160))
    assert bool(np.isfinite(found).all())


def test_silence_is_the_lowest_level_everywhere():
    assert LogMel(80)(np.zeros(16_000, np.float32)) == pytest.approx(-1.5)
