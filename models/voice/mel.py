"""The spectrogram that the network of voices takes, as librosa makes it: power in mel bands, not its logarithm."""

from __future__ import annotations

import functools
from typing import Final

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]

SAMPLE_RATE: Final = 16_000
WINDOW: Final = 400
"""Samples of a window: 25 ms."""
HOP: Final = 160
"""Samples from one frame to the next: 10 ms."""
BANDS: Final = 40

_LINEAR: Final = 200.0 / 3.0
"""Hertz a mel below the break (Slaney's Auditory Toolbox, which librosa follows)."""
_BREAK: Final = 1000.0
_STEP: Final = float(np.log(6.4) / 27.0)


def mel_power(sound: Float32) -> Float32:
    """Power in mel bands: that of `librosa.feature.melspectrogram` with 25 ms windows every 10 ms.

    Args:
        sound: (N,) float32, 16 kHz.

    Returns:
        (N // HOP + 1, BANDS) float32; frame t is centred on sample t * HOP, with silence around the sound.
    """
    window, triangles = _tables()
    padded = np.pad(np.asarray(sound, np.float32), WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    lines = np.fft.rfft(frames * window)
    power: Float32 = (np.square(lines.real) + np.square(lines.imag)).astype(np.float32) @ triangles
    return power


@functools.cache
def _tables() -> tuple[Float32, Float32]:
    """The window (Hann), and (lines, bands) triangles of equal area."""
    edges = _hertz(np.linspace(0.0, float(_mels(np.array(SAMPLE_RATE / 2))), BANDS + 2))
    lines = np.linspace(0.0, SAMPLE_RATE / 2, WINDOW // 2 + 1)[:, None]
    steps = np.diff(edges)
    rising, falling = (lines - edges[:-2]) / steps[:-1], (edges[2:] - lines) / steps[1:]
    triangles = np.maximum(0.0, np.minimum(rising, falling)) * (2.0 / (edges[2:] - edges[:-2]))
    return np.hanning(WINDOW + 1)[:-1].astype(np.float32), triangles.astype(np.float32)


def _mels(hertz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    above = _BREAK / _LINEAR + np.log(np.maximum(hertz, _BREAK) / _BREAK) / _STEP
    return np.where(hertz < _BREAK, hertz / _LINEAR, above)


def _hertz(mels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    knee = _BREAK / _LINEAR
    return np.where(mels < knee, mels * _LINEAR, _BREAK * np.exp(_STEP * (mels - knee)))
