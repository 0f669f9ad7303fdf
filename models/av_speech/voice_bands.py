"""Sound in bands, and gains of bands on sound: how a voice is taken out of a mixture.

Windows of 48 ms, 24 ms apart, as many a second as the Moonshine encoder has frames. Below 2 kHz a band is one line of
the spectrum (21 Hz), so that the harmonics of two voices lie apart; above, bands widen as those of hearing do.

Shapes: N samples at 16 kHz, T = N // 384 + 1 frames, BANDS bands.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from lipstream.models.speech.engine import SAMPLE_RATE

Float32 = npt.NDArray[np.float32]
Complex64 = npt.NDArray[np.complex64]

HOP: Final = 384
"""Samples from one frame to the next; frame t is centred on sample t * HOP."""
RATE: Final = SAMPLE_RATE / HOP
"""Frames a second."""
WINDOW: Final = 768
"""Samples of a window, and of its spectrum."""
_LINES: Final = WINDOW // 2 + 1
_SINGLE: Final = 96
"""Lines that are a band each."""
_WIDE: Final = 32
"""Bands above."""
BANDS: Final = _SINGLE + _WIDE
COMPRESSED: Final = 0.3
"""Power that amplitudes are raised to before they are compared or counted: about as loudness is heard."""


def _first_lines() -> npt.NDArray[np.intp]:
    edges = _SINGLE * np.logspace(0, 1, _WIDE + 1, base=(_LINES - 1) / _SINGLE, dtype=np.float32)
    above = np.searchsorted(edges[1:-1], np.arange(_SINGLE, _LINES, dtype=np.float32), side="right")
    band = np.concatenate((np.arange(_SINGLE), _SINGLE + above))
    return np.searchsorted(band, np.arange(BANDS))


_FIRST: Final = _first_lines()
"""(BANDS,) the first line of each band."""
_COUNT: Final = np.diff(_FIRST, append=_LINES)
_TAPER: Final = np.sqrt(np.hanning(WINDOW + 1)[:-1]).astype(np.float32)


def spectrum(sound: Float32) -> Complex64:
    """(N,) samples -> (T, lines) complex."""
    frames = len(sound) // HOP + 1
    padded = np.pad(sound.astype(np.float32, copy=False), (WINDOW // 2, WINDOW))
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][:frames]
    return np.fft.rfft(windows * _TAPER).astype(np.complex64, copy=False)


def powers(lines: Complex64) -> Float32:
    """(T, lines) complex -> (T, BANDS) power of each band."""
    of_lines = np.square(lines.real) + np.square(lines.imag)
    of_bands: Float32 = np.add.reduceat(of_lines, _FIRST, axis=1)
    return of_bands


def with_gains(lines: Complex64, gains: Float32, length: int) -> Float32:
    """Sound of a spectrum whose bands are scaled.

    Args:
        lines: (T, lines) complex, of `spectrum`.
        gains: (T, BANDS).
        length: samples wanted.

    Returns:
        (length,) samples; with gains of 1 those that the spectrum was taken of.
    """
    scaled = lines * np.repeat(gains, _COUNT, axis=1)
    windows = np.fft.irfft(scaled, WINDOW) * _TAPER
    # Windows overlap by half, and the squares of two tapers sum to 1 there.
    halves = windows.reshape(-1, 2, HOP)
    sound = np.zeros((len(halves) + 1, HOP), np.float32)
    sound[:-1] += halves[:, 0]
    sound[1:] += halves[:, 1]
    # The last samples lie in one window alone.
    last = np.square(_TAPER[HOP:])
    sound[-1] /= np.maximum(last, 1e-6)
    return sound.reshape(-1)[HOP : HOP + length]
