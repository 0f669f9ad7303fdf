"""Pitch is that of torchaudio, which the voice networks were trained on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torchaudio

from lipstream.models.emotion.pitch import pitch
from lipstream.models.emotion.prosody import HOP, SAMPLE_RATE


def reference(sound: torch.Tensor) -> torch.Tensor:
    return torchaudio.functional.detect_pitch_frequency(
        sound, SAMPLE_RATE, frame_time=HOP / SAMPLE_RATE, win_length=15, freq_low=65, freq_high=500
    )


def ours(sound: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(found(sound.numpy()))


def found(sound: np.ndarray) -> np.ndarray:
    return pitch(sound, SAMPLE_RATE, HOP, smoothing=15, low=65, high=500)


@pytest.mark.media
@pytest.mark.parametrize("seconds", [(0, 10), (2, 5), (1, 2.1)])
def test_real_speech_has_the_pitch_torchaudio_finds(beckett_audio, seconds):
    first, last = (round(each * SAMPLE_RATE) for each in seconds)
    sound = torch.from_numpy(beckett_audio[first:last].copy())
    expected, found = reference(sound), ours(sound)
    assert len(found) == len(expected)
    assert torch.isclose(found, expected, rtol=1e-5).float().mean() > 0.98


@pytest.mark.parametrize("hertz", [80, 140, 230, 410])
def test_a_tone_has_its_own_pitch(hertz):
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    tone = sum(np.sin(2 * np.pi * hertz * k * time) / k for k in range(1, 6)).astype(np.float32)
    middle = ours(torch.from_numpy(tone))[8:-8]
    assert torch.all((middle / hertz - 1).abs() < 0.05)


def test_silence_has_a_finite_pitch():
    assert torch.isfinite(ours(torch.zeros(SAMPLE_RATE))).all()
