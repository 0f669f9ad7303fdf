"""Photographs that a collection has twice: FER2013 holds many, some in two of its splits."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

Bool = npt.NDArray[np.bool_]
Float32 = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]

ALIKE: Final = 0.92
"""Correlation from which two images count as the same photograph. Above it most pairs are the same picture with another
watermark, light or frame; under it most are two people under the same light."""

_SIDE: Final = 16
_ROWS: Final = 4096


def twins(images: UInt8, others: UInt8) -> Bool:
    """Which images are also among others, as they are or mirrored, perhaps with another light or a mark on them.

    Args:
        images: (N, H, W) uint8 gray.
        others: (M, H, W) uint8 gray.

    Returns:
        (N,) true for each that looks like one of the others: the correlation of both, at 16 x 16 pixels, is at least
        `ALIKE`.
    """
    if not len(others):
        return np.zeros(len(images), np.bool_)
    ours = _signatures(images)
    theirs = np.concatenate([_signatures(others), _signatures(others[:, :, ::-1])]).T
    parts = [(ours[row : row + _ROWS] @ theirs).max(axis=1) for row in range(0, len(ours), _ROWS)]
    found: Bool = np.concatenate(parts) >= ALIKE
    return found


def _signatures(images: UInt8) -> Float32:
    """(N, 256) of mean 0 and length 1."""
    small = [cv2.resize(np.ascontiguousarray(image), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA) for image in images]
    rows = np.stack(small).reshape(len(images), -1).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    lengths: Float32 = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-6))
    return rows / lengths
