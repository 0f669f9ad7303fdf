"""Voice activity detection: Silero VAD, run straight in onnxruntime.

The network and its use are those of the `silero-vad` package (https://github.com/snakers4/silero-vad), bit for bit. Its
Python wrapper is left out: importing it sets torch to one thread for the whole process, and its detour through torch
tensors takes half as long again as the network itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lipstream.models import assets
from lipstream.models.errors import ModelError
from lipstream.models.ort_session import open_session
from lipstream.models.shared import made_of, shared

SAMPLE_RATE = 16_000
"""Sample rate in Hz of the audio the network expects."""

WINDOW = 512
"""Samples in a window (32 ms)."""

_CONTEXT = 64  # The network also sees this many samples from the end of the window before.

Float32 = npt.NDArray[np.float32]


class SileroVad:
    """How likely each window of a stream holds speech. One object follows one stream; not thread-safe."""

    def __init__(self) -> None:
        self._session: Any = None
        self._input = np.zeros((1, _CONTEXT + WINDOW), np.float32)
        self._feed = {"input": self._input, "sr": np.array(SAMPLE_RATE, np.int64)}
        self.reset()

    def load(self) -> None:
        """Load the network. Idempotent.

        Raises:
            AssetError: its file cannot be had.
            ModelError: its file cannot be run here.
        """
        if self._session is not None:
            return
        path = assets.resolve("silero_vad.onnx")
        self._session = shared(("silero", made_of(path)), lambda: open_session(path, threads=1))

    def reset(self) -> None:
        """Forget the stream so far: the next window starts a new one."""
        self._input.fill(0.0)
        self._feed["state"] = np.zeros((2, 1, 128), np.float32)

    def probability(self, window: Float32) -> float:
        """The probability, in [0, 1], that the next window of the stream holds speech.

        Args:
            window: (512,) float32 samples at 16 kHz in [-1, 1], directly following the window before.

        Raises:
            ModelError: not loaded.
            ValueError: wrong number of samples.
        """
        if self._session is None:
            raise ModelError("the voice activity network is not loaded: call load() first")
        if window.shape != (WINDOW,):
            raise ValueError(f"a window has shape ({WINDOW},), not {window.shape}")
        self._input[0, _CONTEXT:] = window
        speech, self._feed["state"] = self._session.run(None, self._feed)
        self._input[0, :_CONTEXT] = self._input[0, -_CONTEXT:]
        return float(speech[0, 0])
