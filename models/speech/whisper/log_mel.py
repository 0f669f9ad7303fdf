"""The spectrogram that Whisper hears.

As in the openai-whisper package (audio.py): 25 ms windows every 10 ms, mel bands by Slaney, the logarithm of their
powers, no more than 80 dB under the loudest, scaled to around [-1, 1].
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from lipstream.models.speech.engine import SAMPLE_RATE, Float32

HOP: Final = 160
"""Samples from one column to the next."""
_WINDOW: Final = 400
_RANGE: Final = 8.0
"""Orders of magnitude from the loudest to the quietest that is told from nothing."""


class LogMel:
    """Sound to spectrogram.

    Args:
        bands: mel bands: 80, or 128 for the networks since large-v3.
    """

    def __init__(self, bands: int) -> None:
        self._filters = _mel_filters(bands)
        self._window = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)

    def __call__(self, audio: Float32) -> Float32:
        """(N,) float32 at 16 kHz in [-1, 1] -> (bands, N // 160) float32; sound of less than a window is padded."""
        least = np.pad(audio.astype(np.float32, copy=False), (0, max(0, _WINDOW - len(audio))))
        padded = np.pad(least, _WINDOW // 2, mode="reflect")
        windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::HOP]
        lines = np.fft.rfft(windows[:-1] * self._window)
        powers = self._filters @ (np.square(lines.real) + np.square(lines.imag)).T.astype(np.float32, copy=False)
        levels = np.log10(np.maximum(powers, 1e-10))
        levels = np.maximum(levels, levels.max() - _RANGE)
        result: Float32 = (levels[:, : max(1, len(audio) // HOP)] + 4.0) / 4.0
        return result


def _mel_filters(bands: int) -> Float32:
    """(bands, lines) triangles on Slaney's mel scale, each of the same area (Auditory Toolbox, 1998)."""
    # Linear up to 1 kHz, 15 bands; then logarithmic, 27 bands for a factor of 6.4.
    step, turn, growth = 200 / 3, 1000.0, math.log(6.4) / 27
    highest = turn / step + math.log(SAMPLE_RATE / 2 / turn) / growth
    mels = np.linspace(0.0, highest, bands + 2)
    edges = np.where(mels < turn / step, mels * step, turn * np.exp(growth * (mels - turn / step)))
    lines = np.linspace(0.0, SAMPLE_RATE / 2, _WINDOW // 2 + 1)
    rising = (lines - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - lines) / np.diff(edges)[1:, None]
    triangles = np.maximum(0.0, np.minimum(rising, falling)) * (2.0 / (edges[2:] - edges[:-2]))[:, None]
    return triangles.astype(np.float32)
