"""What the lip network is given of each frame: landmarks, blendshapes, and the coarse look of the mouth.

The look is the low part of the two-dimensional cosine transform (DCT-II) of the lip crop, the classical picture
feature of lip reading (Potamianos et al., "Recent Advances in the Automatic Recognition of Audiovisual Speech", Proc.
IEEE 2003): the teeth and the tongue are in it, noise and pores are not, and it costs two small matrix products.
"""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lipstream.models.av_speech.recording import BLENDSHAPES, POINTS, UInt8

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


def waves(pictures: Tensor, shift: tuple[float, float] = (0.0, 0.0)) -> Tensor:
    """Cosine coefficients of crops, of zero mean and unit contrast.

    Args:
        pictures: (T, 32, 32) floats in [0, 1].
        shift: pixels by which the crop is moved to the right and down.

    Returns:
        (T, 144), rows of waves downwards.
    """
    flat = pictures - pictures.mean(dim=(1, 2), keepdim=True)
    flat = flat / (flat.square().mean(dim=(1, 2), keepdim=True).sqrt() + _FLAT)
    across, down = _basis(shift[0]).to(pictures), _basis(shift[1]).to(pictures)
    return (down @ flat @ across.T).flatten(1)


def _basis(shift: float) -> Tensor:
    """(WAVES, THUMB) orthonormal cosines, the picture under them moved by `shift` pixels."""
    at = torch.arange(THUMB, dtype=torch.float32) + 0.5 + shift
    basis = torch.cos(math.pi / THUMB * torch.arange(WAVES)[:, None] * at) * math.sqrt(2 / THUMB)
    basis[0] /= math.sqrt(2)
    return basis


def lip_input(points: npt.NDArray[np.floating], blendshapes: npt.NDArray[np.floating], small: UInt8) -> Tensor:
    """(T, INPUTS) float32 of (T, 40, 2) points, (T, 27) blendshapes and (T, 32, 32) thumbs."""
    shape = torch.from_numpy(np.asarray(points, np.float32)).flatten(1)
    action = torch.from_numpy(np.asarray(blendshapes, np.float32))
    return torch.cat((shape, action, waves(torch.from_numpy(small).float() / 255)), dim=1)
