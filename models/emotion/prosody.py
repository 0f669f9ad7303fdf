"""What a voice does beside the words: pitch, energy and timbre, one row an encoder frame."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

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


_LINES, _WINDOW = 1024, 800
_LOWEST, _HIGHEST = 60.0, 7600.0


@functools.cache
def _mel() -> tuple[Float32, Float32]:
    """The window, and (lines, bands) triangles on the mel scale of HTK."""
    window = np.zeros(_LINES)
    first = (_LINES - _WINDOW) // 2
    window[first : first + _WINDOW] = np.hanning(_WINDOW + 1)[:-1]
    lowest, highest = (2595.0 * np.log10(1.0 + hertz / 700.0) for hertz in (_LOWEST, _HIGHEST))
    edges = 700.0 * (10.0 ** (np.linspace(lowest, highest, MEL_BANDS + 2) / 2595.0) - 1.0)
    lines = np.linspace(0.0, SAMPLE_RATE / 2, _LINES // 2 + 1)[:, None]
    steps = np.diff(edges)
    rising, falling = (lines - edges[:-2]) / steps[:-1], (edges[2:] - lines) / steps[1:]
    return window.astype(np.float32), np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)


def _powers(sound: Float32) -> Float32:
    """(frames, bands) power of each band: that of torchaudio's `MelSpectrogram`."""
    window, triangles = _mel()
    padded = np.pad(sound, _LINES // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _LINES)[::HOP]
    lines = np.fft.rfft(frames * window)
    powers: Float32 = (np.square(lines.real) + np.square(lines.imag)).astype(np.float32) @ triangles
    return powers


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
    sound = np.ascontiguousarray(audio, np.float32)
    power = _powers(sound)
    level = 10 * np.log10(np.maximum(power, 1e-10))
    energy = 10 * np.log10(np.maximum(power.sum(axis=1), 1e-10))
    loudest = energy.max()
    bands = np.maximum(level - loudest, _FLOOR_DB - 20) / 20
    energy = np.maximum(energy - loudest, _FLOOR_DB) / 20
    octaves = _pitch(sound, len(energy))
    voiced = energy > -1.25  # within 25 dB of the loudest frame
    octaves = np.where(voiced, octaves, 0.0)
    change = np.zeros_like(octaves)
    both = voiced[1:] & voiced[:-1]
    change[1:] = np.where(both, octaves[1:] - octaves[:-1], 0.0)
    rows = np.concatenate([bands, octaves[:, None], change[:, None], energy[:, None]], axis=1)
    return _fit(rows, frames).astype(np.float32)


def _pitch(sound: Float32, frames: int) -> Float32:
    """Pitch in octaves around 180 Hz by normalised cross-correlation and a median filter."""
    if len(sound) < SAMPLE_RATE // 4:
        return np.zeros(frames, np.float32)
    hertz = pitch(sound, SAMPLE_RATE, HOP, smoothing=15, low=_PITCH_LOW, high=_PITCH_HIGH)
    octaves: Float32 = np.log2(_fit(np.maximum(hertz, _PITCH_LOW), frames) / 180)
    return octaves


def _fit(rows: Float32, count: int) -> Float32:
    """Cut, or repeat the last row, so that there are `count` rows."""
    if len(rows) >= count:
        return rows[:count]
    return np.concatenate([rows, np.repeat(rows[-1:], count - len(rows), axis=0)])
