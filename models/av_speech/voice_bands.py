"""Sound in bands, and gains of bands on sound: how a voice is taken out of a mixture.

Windows of 48 ms, 24 ms apart, as many a second as the Moonshine encoder has frames. Below 2 kHz a band is one line of
the spectrum (21 Hz), so that the harmonics of two voices lie apart; above, bands widen as those of hearing do.

Shapes: N samples at 16 kHz, T = N // 384 + 1 frames, BANDS bands.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from lipstream.models.speech.engine import SAMPLE_RATE

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


def _band_of_line() -> Tensor:
    edges = torch.logspace(0, 1, _WIDE + 1, (_LINES - 1) / _SINGLE) * _SINGLE
    above = torch.bucketize(torch.arange(_SINGLE, _LINES, dtype=torch.float32), edges[1:-1], right=True)
    return torch.cat((torch.arange(_SINGLE), _SINGLE + above))


_BAND: Final = _band_of_line()


def spectrum(sound: Tensor) -> Tensor:
    """(N,) samples -> (T, lines) complex."""
    padded = sound if len(sound) > WINDOW else torch.nn.functional.pad(sound, (0, WINDOW + 1 - len(sound)))
    found = torch.stft(padded, WINDOW, HOP, window=_window(sound), pad_mode="constant", return_complex=True)
    return found.T[: len(sound) // HOP + 1]


def powers(lines: Tensor) -> Tensor:
    """(T, lines) complex -> (T, BANDS) power of each band."""
    of_lines = lines.abs().square()
    return of_lines.new_zeros(len(lines), BANDS).index_add_(1, _BAND.to(lines.device), of_lines)


def with_gains(lines: Tensor, gains: Tensor, length: int) -> Tensor:
    """Sound of a spectrum whose bands are scaled.

    Args:
        lines: (T, lines) complex, of `spectrum`.
        gains: (T, BANDS).
        length: samples wanted.

    Returns:
        (length,) samples; with gains of 1 those that the spectrum was taken of.
    """
    scaled = (lines * gains[:, _BAND.to(gains.device)]).T
    sound: Tensor = torch.istft(scaled, WINDOW, HOP, window=_window(gains), length=length)
    return sound


def _window(like: Tensor) -> Tensor:
    return torch.hann_window(WINDOW).sqrt().to(like)
