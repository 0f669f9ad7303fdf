"""What a voice does beside the words: pitch, energy and timbre, one row an encoder frame."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt
import torch
import torchaudio
from torch import Tensor

from lipstream.models.emotion.pitch import pitch

Float32 = npt.NDArray[np.float32]

SAMPLE_RATE = 16_000
HOP = 384
"""Samples between frames: those of the speech encoder, 41.67 a second."""

MEL_BANDS = 40
PROSODY = MEL_BANDS + 3
"""Numbers a frame: log-mel bands, pitch, its change, and energy."""

_PITCH_LOW, _PITCH_HIGH = 65, 500
_FLOOR_DB = -60.0


@functools.cache
def _mel() -> torch.nn.Module:
    bank: torch.nn.Module = torchaudio.transforms.MelSpectrogram(
        SAMPLE_RATE, n_fft=1024, win_length=800, hop_length=HOP, f_min=60, f_max=7600, n_mels=MEL_BANDS
    )
    return bank


def prosody(audio: Float32, frames: int) -> Float32:
    """Prosody of a stretch of sound.

    The level of the microphone is taken out: bands are in units of 20 dB relative to the loudest frame, energy too.

    Args:
        audio: (N,) float32, 16 kHz.
        frames: how many rows to return, the encoder's for the same sound.

    Returns:
        (frames, PROSODY) float32: bands, pitch in octaves around 180 Hz (0 where unvoiced), its change in octaves a
        frame, energy.
    """
    sound = torch.from_numpy(np.ascontiguousarray(audio))
    power = _mel()(sound).T
    level = 10 * torch.log10(power.clamp_min(1e-10))
    energy = 10 * torch.log10(power.sum(dim=1).clamp_min(1e-10))
    loudest = energy.max()
    bands = (level - loudest).clamp_min(_FLOOR_DB - 20) / 20
    energy = (energy - loudest).clamp_min(_FLOOR_DB) / 20
    octaves = _pitch(sound, len(energy))
    voiced = energy > -1.25  # within 25 dB of the loudest frame
    octaves = torch.where(voiced, octaves, 0.0)
    change = torch.zeros_like(octaves)
    both = voiced[1:] & voiced[:-1]
    change[1:] = torch.where(both, octaves[1:] - octaves[:-1], 0.0)
    rows = torch.cat([bands, octaves[:, None], change[:, None], energy[:, None]], dim=1)
    return _fit(rows, frames).numpy()


def _pitch(sound: Tensor, frames: int) -> Tensor:
    """Pitch in octaves around 180 Hz by normalised cross-correlation and a median filter."""
    if len(sound) < SAMPLE_RATE // 4:
        return torch.zeros(frames)
    hertz = pitch(sound, SAMPLE_RATE, HOP, smoothing=15, low=_PITCH_LOW, high=_PITCH_HIGH)
    return torch.log2(_fit(hertz.clamp_min(_PITCH_LOW), frames) / 180)


def _fit(rows: Tensor, count: int) -> Tensor:
    """Cut, or repeat the last row, so that there are `count` rows."""
    if len(rows) >= count:
        return rows[:count]
    return torch.cat([rows, rows[-1:].expand(count - len(rows), *rows.shape[1:])])
