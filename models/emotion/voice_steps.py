"""Frames of the speech encoder as the voice branch takes them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]

ENCODER = 3 * 288
"""Numbers in a frame of the speech encoder: 288 of each of three inner layers, side by side."""

STEP = 4
"""Encoder frames in a step of 96 ms. The steps are what is pooled: finer ones cost more and tell no more."""


def steps_of(encoded: Float32) -> Float32:
    """(T, ENCODER) encoder frames to (T // STEP, ENCODER) steps, their means; what is left over at the end is dropped.

    Less than a step becomes one.
    """
    whole = max(1, len(encoded) // STEP)
    steps: Float32 = encoded[: whole * STEP].reshape(whole, -1, encoded.shape[1]).mean(axis=1)
    return steps
