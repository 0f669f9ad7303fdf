"""The face as the expression encoder wants it: upright, gray, framed as in FER2013."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from lipstream.models.emotion.looks import FACE_SIZE
from lipstream.models.upright import averaged, upright

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
UInt8 = npt.NDArray[np.uint8]

_EYES_AND_MOUTH = ((33, 133), (362, 263), (61, 61), (291, 291))
"""Pairs of landmarks whose middles are the eyes and the corners of the mouth."""

_PLACES: Float64 = np.array([[15.1, 19.0], [32.9, 19.0], [16.5, 37.1], [31.5, 37.1]])
"""Where they lie in FER2013's 48 x 48 images: medians over 327 of its training images, made symmetric."""


def face_crop(frame: UInt8, landmarks: Float32) -> UInt8:
    """Cut a face out.

    Args:
        frame: (H, W, 3) uint8 RGB.
        landmarks: (478, 3) in pixels of the frame.

    Returns:
        (48, 48) uint8 gray. Beyond the frame its edge is repeated.
    """
    points = np.array([landmarks[list(pair), :2].mean(axis=0) for pair in _EYES_AND_MOUTH], dtype=np.float64)
    patch = upright(frame, points, _PLACES, FACE_SIZE)
    return averaged(np.asarray(cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY), dtype=np.uint8), FACE_SIZE)
