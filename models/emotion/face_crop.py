"""The face as the expression encoder wants it: upright, gray, framed as in FER2013."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from lipstream.models.emotion.looks import FACE_SIZE

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
UInt8 = npt.NDArray[np.uint8]

_EYES_AND_MOUTH = ((33, 133), (362, 263), (61, 61), (291, 291))
"""Pairs of landmarks whose middles are the eyes and the corners of the mouth."""

_PLACES: Float64 = np.array([[15.1, 19.0], [32.9, 19.0], [16.5, 37.1], [31.5, 37.1]])
"""Where they lie in FER2013's 48 x 48 images: medians over 327 of its training images, made symmetric."""

_MOST_OVERSAMPLING = 6


def face_crop(frame: UInt8, landmarks: Float32) -> UInt8:
    """Cut a face out.

    Args:
        frame: (H, W, 3) uint8 RGB.
        landmarks: (478, 3) in pixels of the frame.

    Returns:
        (48, 48) uint8 gray. Beyond the frame its edge is repeated.
    """
    points = np.array([landmarks[list(pair), :2].mean(axis=0) for pair in _EYES_AND_MOUTH], dtype=np.float64)
    to_crop = _similarity(points, _PLACES)
    scale = math.hypot(to_crop[0, 0], to_crop[1, 0])
    # Sampled finely first and then averaged: a warp straight to 48 pixels would skip pixels of a large face.
    fine = min(_MOST_OVERSAMPLING, max(1, math.ceil(1 / max(scale, 1e-6))))
    side = FACE_SIZE * fine
    to_fine = to_crop * fine
    to_fine[:, 2] += (fine - 1) / 2  # pixel centres
    patch = cv2.warpAffine(frame, to_fine, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    gray = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY)
    if fine > 1:
        gray = cv2.resize(gray, (FACE_SIZE, FACE_SIZE), interpolation=cv2.INTER_AREA)
    return np.asarray(gray, dtype=np.uint8)


def _similarity(source: Float64, target: Float64) -> Float64:
    """(2, 3) turn, scale and shift that takes points to points with the least squared error."""
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    a, b = source - source_mean, target - target_mean
    norm = max(float(np.square(a).sum()), 1e-9)
    cos = float((a * b).sum()) / norm
    sin = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / norm
    turn = np.array([[cos, -sin], [sin, cos]])
    return np.column_stack([turn, target_mean - turn @ source_mean])
