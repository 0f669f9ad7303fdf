"""YAMNet with its real weights."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.models.sounds.yamnet import SAMPLE_RATE, SAMPLES, Yamnet, mel_matrix

pytestmark = pytest.mark.media

SPEECH, MUSIC, SIREN, SILENCE, WHITE_NOISE = 0, 132, 390, 494, 514


@pytest.fixture(scope="module")
def yamnet() -> Yamnet:
    network = Yamnet()
    network.load()
    return network


def test_speech_is_speech(yamnet: Yamnet, two_cities_audio: np.ndarray):
    scores = [yamnet.scores(two_cities_audio[at : at + SAMPLES]) for at in range(0, 20 * SAMPLE_RATE, SAMPLES)]
    assert np.median([score[SPEECH] for score in scores]) > 0.95
    assert max(score[MUSIC] for score in scores) < 0.3


def test_silence_and_noise_are_what_they_are(yamnet: Yamnet):
    assert yamnet.scores(np.zeros(SAMPLES, np.float32)).argmax() == SILENCE
    noise = np.random.default_rng(0).normal(0, 0.1, SAMPLES).astype(np.float32)
    assert noise.std() > 0
    assert WHITE_NOISE in yamnet.scores(noise).argsort()[-5:]


def test_a_tone_that_rises_and_falls_is_a_siren(yamnet: Yamnet):
    time = np.arange(SAMPLES) / SAMPLE_RATE
    pitch = 900 + 400 * np.sin(2 * np.pi * 0.6 * time)
    wail = sum(np.sin(k * 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE) / k for k in (1, 2, 3))
    assert yamnet.scores((0.2 * wail).astype(np.float32))[[SIREN, 382, 316, 317, 318, 319]].max() > 0.3


def test_bands_cover_what_they_should_and_the_constant_part_counts_for_nothing():
    matrix = mel_matrix()
    assert matrix.shape == (257, 64)
    assert not matrix[0].any()
    hertz = np.arange(257) * SAMPLE_RATE / 512
    assert not matrix[(hertz <= 125) | (hertz >= 7500)].any()
    assert (matrix.max(axis=0)[5:] > 0.4).all()
