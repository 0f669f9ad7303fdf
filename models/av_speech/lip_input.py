"""What the lip network is given of each frame: landmarks, blendshapes, and the coarse look of the mouth.

The look is the low part of the two-dimensional cosine transform (DCT-II) of the lip crop, the classical picture
feature of lip reading (Potamianos et al., "Recent Advances in the Automatic Recognition of Audiovisual Speech", Proc.
IEEE 2003): the teeth and the tongue are in it, noise and pores are not, and it costs two small matrix products.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from lipstream.models.av_speech.recording import BLENDSHAPES, POINTS, Float32, UInt8
from lipstream.models.speech.fusion import LipSample

THUMB: Final = 32
"""Side of the small crop that the transform is taken of."""
WAVES: Final = 12
"""Cosine waves in each direction."""
INPUTS: Final = 2 * POINTS + BLENDSHAPES + WAVES * WAVES
"""Numbers a frame."""
_FLAT: Final = 0.05
"""Added to the contrast of a crop, of which white is 1, so that a black one is not blown up."""


def thumbs(crops: UInt8) -> UInt8:
    """(T, 96, 96) crops to (T, 32, 32), each pixel the mean of nine."""
    if len(crops) == 0:
        return np.zeros((0, THUMB, THUMB), np.uint8)
    return np.stack([cv2.resize(crop, (THUMB, THUMB), interpolation=cv2.INTER_AREA) for crop in crops]).astype(np.uint8)


def waves(pictures: Float32, shift: tuple[float, float] = (0.0, 0.0)) -> Float32:
    """Cosine coefficients of crops, of zero mean and unit contrast.

    Args:
        pictures: (T, 32, 32) floats in [0, 1].
        shift: pixels by which the crop is moved to the right and down.

    Returns:
        (T, 144), rows of waves downwards.
    """
    flat = pictures - pictures.mean(axis=(1, 2), keepdims=True)
    flat = flat / (np.sqrt(np.square(flat).mean(axis=(1, 2), keepdims=True)) + _FLAT)
    across, down = _basis(shift[0]), _basis(shift[1])
    found: Float32 = (down @ flat @ across.T).reshape(len(pictures), WAVES * WAVES).astype(np.float32, copy=False)
    return found


def moved(look: Float32, shift: tuple[float, float] = (0.0, 0.0)) -> Float32:
    """The waves of pictures that are moved, from the waves they had; the finer waves, which are lost, count as none.

    Args:
        look: (T, 12, 12) from `waves`, of no shift.
        shift: pixels by which the picture is moved to the right and down.

    Returns:
        (T, 144).
    """
    across, down = (_basis(pixels) @ _basis(0.0).T for pixels in shift)
    found: Float32 = (down @ look @ across.T).reshape(len(look), WAVES * WAVES).astype(np.float32, copy=False)
    return found


def _basis(shift: float) -> Float32:
    """(WAVES, THUMB) orthonormal cosines, the picture under them moved by `shift` pixels."""
    at = np.arange(THUMB) + 0.5 + shift
    basis = np.cos(math.pi / THUMB * np.arange(WAVES)[:, None] * at) * math.sqrt(2 / THUMB)
    basis[0] /= math.sqrt(2)
    return basis.astype(np.float32)


def lip_input(points: npt.NDArray[np.floating], blendshapes: npt.NDArray[np.floating], small: UInt8) -> Float32:
    """(T, INPUTS) float32 of (T, 40, 2) points, (T, 27) blendshapes and (T, 32, 32) thumbs."""
    look = waves(small.astype(np.float32) / np.float32(255))
    parts = (points.reshape(len(points), 2 * POINTS), blendshapes, look)
    return np.concatenate([np.asarray(part, np.float32) for part in parts], axis=1)


def lip_frames(lips: Sequence[LipSample]) -> tuple[Float32, npt.NDArray[np.bool_]]:
    """(L, INPUTS) input of the lip network and (L,) mask of the frames in which lips are seen."""
    frames, mask = np.zeros((len(lips), INPUTS), np.float32), np.zeros(len(lips), np.bool_)
    seen = [
        (index, sample.points, sample.blendshapes, sample.crop)
        for index, sample in enumerate(lips)
        if sample.points is not None and sample.blendshapes is not None and sample.crop is not None
    ]
    if seen:
        indices = [index for index, *_ in seen]
        points, blendshapes, crops = (np.stack([each[place] for each in seen]) for place in (1, 2, 3))
        frames[indices] = lip_input(points, blendshapes, thumbs(crops))
        mask[indices] = True
    return frames, mask
