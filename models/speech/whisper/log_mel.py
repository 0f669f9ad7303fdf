"""The spectrogram that Whisper hears.

As in the openai-whisper package (audio.py): 25 ms windows every 10 ms, mel bands by Slaney, the logarithm of their
powers, no more than 80 dB under the loudest, scaled to around [-1, 1].
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torchaudio.functional import melscale_fbanks

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
        filters = melscale_fbanks(_WINDOW // 2 + 1, 0.0, SAMPLE_RATE / 2, bands, SAMPLE_RATE, "slaney", "slaney")
        self._filters = filters.T.contiguous()
        self._window = torch.hann_window(_WINDOW)

    def __call__(self, audio: Float32) -> Tensor:
        """(N,) float32 at 16 kHz in [-1, 1] -> (bands, N // 160) float32; sound of less than a window is padded."""
        padded: npt.NDArray[np.float32] = np.pad(audio, (0, max(0, _WINDOW - len(audio))))
        sound = torch.from_numpy(np.ascontiguousarray(padded, np.float32))
        lines = torch.stft(sound, _WINDOW, HOP, window=self._window, return_complex=True)
        powers = self._filters @ lines[:, :-1].abs().square()
        levels = powers.clamp_min(1e-10).log10()
        levels = torch.maximum(levels, levels.max() - _RANGE)
        return (levels[:, : max(1, len(audio) // HOP)] + 4.0) / 4.0
