"""How good a picture or a sound is, as fusion sees it: three numbers each, around 0 to 1."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]

QUALITIES = 3

TOKEN = 7 + QUALITIES
"""Numbers that fusion sees of a piece of evidence: log-probabilities and quality."""


def face_quality(crops: UInt8, talking: float) -> Float32:
    """Contrast, sharpness, and whether the face was judged as talking.

    Args:
        crops: (N, 48, 48) uint8 gray.
        talking: 1 where the mouth counted half because it talks, else 0.

    Returns:
        (N, 3) float32.
    """
    gray = crops.astype(np.float32)
    contrast = gray.std(axis=(1, 2))
    across, down = np.abs(np.diff(gray, axis=2)).mean(axis=(1, 2)), np.abs(np.diff(gray, axis=1)).mean(axis=(1, 2))
    sharpness = (across + down) / (contrast + 1.0)
    flags = np.full(len(crops), talking, np.float32)
    return np.stack([contrast / 64, sharpness * 2, flags], axis=1).astype(np.float32)


def voice_quality(sound: Float32) -> Float32:
    """Mean and deviation of the energy below the loudest frame, which noise flattens, and how the pitch jumps.

    Args:
        sound: (T, PROSODY) of `prosody`.

    Returns:
        (3,) float32.
    """
    energy, change = sound[:, -1].astype(np.float32), sound[:, -2].astype(np.float32)
    return np.array([energy.mean() + 1, energy.std(), np.abs(change).mean() * 5], dtype=np.float32)
