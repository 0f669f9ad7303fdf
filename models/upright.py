"""A face cut out of a picture upright, at a size of one's own, by points whose places are known."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
UInt8 = npt.NDArray[np.uint8]

_MOST_OVERSAMPLING = 6


def upright(picture: UInt8, points: Float64, places: Float64, side: int) -> UInt8:
    """Turn, scale and shift a picture so that points come to their places, sampled finely.

    A warp straight to a small side would skip pixels of a large face: this samples up to six times as finely, and
    `averaged` brings it to its side.

    Args:
        picture: (H, W, 3) uint8. Beyond it its edge is repeated.
        points: (N, 2) x and y in pixels of the picture.
        places: (N, 2) where they are to lie, in pixels of the result at its side.
        side: pixels of the square that is wanted in the end.

    Returns:
        (K * side, K * side, 3) uint8, K from 1 to 6.
    """
    to_place = _similarity(points, places)
    scale = math.hypot(to_place[0, 0], to_place[1, 0])
    fine = min(_MOST_OVERSAMPLING, max(1, math.ceil(1 / max(scale, 1e-6))))
    to_fine = to_place * fine
    to_fine[:, 2] += (fine - 1) / 2  # pixel centres
    size = (side * fine, side * fine)
    found = cv2.warpAffine(picture, to_fine, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, dtype=np.uint8)


def averaged(picture: UInt8, side: int) -> UInt8:
    """A square picture at its side, each pixel the mean of those it was sampled by."""
    if len(picture) != side:
        picture = np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return picture


def _similarity(source: Float64, target: Float64) -> Float64:
    """(2, 3) turn, scale and shift that takes points to points with the least squared error."""
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    a, b = source - source_mean, target - target_mean
    norm = max(float(np.square(a).sum()), 1e-9)
    cos = float((a * b).sum()) / norm
    sin = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / norm
    turn = np.array([[cos, -sin], [sin, cos]])
    return np.column_stack([turn, target_mean - turn @ source_mean])
