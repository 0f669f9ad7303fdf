"""Pitch by normalised cross-correlation and a median filter: that of torchaudio, some twenty times as fast.

`torchaudio.functional.detect_pitch_frequency` multiplies every frame with itself at each of some 250 lags in turn; here
all lags of a frame come from one Fourier transform.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

_EPSILON = 1e-9
_NEAR_ENOUGH = 0.99
"""A peak in the first half of the lags is taken if it is this close to the highest: pitch doubling is likelier."""
_HIGHEST = 3400
"""Hertz that no lag may stand for, torchaudio's default is the same."""


def pitch(sound: Tensor, sample_rate: int, hop: int, smoothing: int, low: int, high: int = _HIGHEST) -> Tensor:
    """Pitch of each frame.

    Args:
        sound: (N,) float32.
        sample_rate: of the sound, Hz.
        hop: samples of a frame.
        smoothing: frames of the median filter.
        low: lowest pitch that can be found, Hz.
        high: highest pitch, Hz.

    Returns:
        (ceil(N / hop),) Hz.
    """
    lags = math.ceil(sample_rate / low)
    first = math.ceil(sample_rate / high)
    correlation = _correlation(sound, hop, lags)
    best, at = correlation[:, first:].max(dim=1)
    near, near_at = correlation[:, first : lags // 2].max(dim=1)
    period = torch.where(near > _NEAR_ENOUGH * best, near_at, at) + first + 1
    before = (smoothing - 1) // 2
    padded = torch.cat([period[:1].expand(before), period])
    return sample_rate / (padded.unfold(0, smoothing, 1).median(dim=1).values + _EPSILON)


def _correlation(sound: Tensor, hop: int, lags: int) -> Tensor:
    """(frames, lags) correlation of each frame with the sound 1 to `lags` samples later, over both their energies."""
    count = math.ceil(len(sound) / hop)
    padded = torch.nn.functional.pad(sound, (0, lags + count * hop - len(sound)))
    reach = padded.unfold(0, hop + lags, hop)[:count]
    size = 1 << (2 * hop + lags - 1).bit_length()
    spectrum = torch.fft.rfft(reach[:, :hop], size).conj() * torch.fft.rfft(reach, size)
    products = torch.fft.irfft(spectrum, size)[:, 1 : lags + 1]
    # In double precision: a sum that runs on loses what is quiet.
    squares = reach.double().square().cumsum(dim=1)
    later = squares[:, hop:] - squares[:, :lags]
    own = squares[:, hop - 1 : hop]
    energies = (own.clamp_min(0).sqrt() + _EPSILON).square() * (later.clamp_min(0).sqrt() + _EPSILON).square()
    correlation: Tensor = products / energies.float().clamp_min(1e-30)
    return correlation
