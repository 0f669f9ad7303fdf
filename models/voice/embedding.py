"""Vectors that tell voices apart: numpy in, numpy out, on one processor thread."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from lipstream.models.errors import ModelError
from lipstream.models.exported import ExportedNetwork
from lipstream.models.shared import made_of, shared
from lipstream.models.voice.mel import BANDS, HOP, SAMPLE_RATE, mel_power

Float32 = npt.NDArray[np.float32]

WEIGHTS: Final = Path(__file__).parent / "weights"
"""Where the network that comes with the package is."""
GRAPH: Final = "speaker.onnx"
EMBEDDING: Final = 256
"""Length of the vector of a voice."""
WINDOW_FRAMES: Final = 160
"""Frames of the windows that the network was trained on: 1.6 s."""
WINDOW: Final = WINDOW_FRAMES * HOP
"""The same in samples."""
SHORTEST: Final = 0.4
"""Seconds of sound under which a vector says nothing."""
LEVEL: Final = 10 ** (-30 / 20)
"""Root mean square that quieter sound is raised to, as it was for training: -30 dB of full scale."""


class VoiceEmbedder:
    """The voice of a stretch of sound. The constructor never fails and loads nothing; `load` does the work.

    Args:
        folder: of the network.
    """

    def __init__(self, folder: Path = WEIGHTS) -> None:
        self._folder = folder
        self._network: ExportedNetwork | None = None

    def load(self) -> None:
        """Load the network. Idempotent.

        Raises:
            ModelError: it is missing or unusable.
        """
        if self._network is None:
            path = self._folder / GRAPH
            self._network = shared(("speaker", made_of(path)), lambda: ExportedNetwork(path))

    def embed(self, windows: Sequence[Float32]) -> Float32:
        """(B, EMBEDDING) float32 vectors of length 1 of B windows of sound.

        Those of equal length go through the network together. Likeness of two voices is the product of their vectors,
        in [-1, 1]: about 0 for two people, over 0.5 for one.

        Args:
            windows: (N,) float32 each, 16 kHz, about 1.6 s of speech and not less than `SHORTEST`; levels do not
                matter.

        Raises:
            ModelError: not loaded.
        """
        if self._network is None:
            raise ModelError("the network of voices is not loaded: call load() first")
        mels = [mel_power(levelled(window))[: max(1, len(window) // HOP)] for window in windows]
        found = np.zeros((len(mels), EMBEDDING), np.float32)
        for length in dict.fromkeys(map(len, mels)):
            rows = [index for index, each in enumerate(mels) if len(each) == length]
            batch = np.stack([mels[row] for row in rows]).reshape(len(rows), length, BANDS)
            (found[rows],) = self._network(mels=batch)
        return found


def levelled(sound: Float32) -> Float32:
    """Sound that is quieter than `LEVEL` raised to it; other sound as it is."""
    level = float(np.sqrt(np.mean(np.square(sound, dtype=np.float64)))) if len(sound) else 0.0
    return sound if level <= 0 or level >= LEVEL else (sound * np.float32(LEVEL / level)).astype(np.float32)


def mean_voice(vectors: Float32, weights: Float32 | None = None) -> Float32:
    """(EMBEDDING,) the mean of (N, EMBEDDING) vectors, of length 1; zeros for none."""
    if not len(vectors):
        return np.zeros(EMBEDDING, np.float32)
    mean = np.average(vectors, axis=0, weights=weights)
    length = float(np.linalg.norm(mean))
    return (mean / length if length else mean).astype(np.float32)


def span(seconds: float) -> int:
    """Samples of so many seconds."""
    return round(seconds * SAMPLE_RATE)
