"""Whether a picture shows something else than the one before: all of it, as after a cut, or a face in it."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from lipstream.models.face.backend import UInt8
from lipstream.models.face.tracking import Box

_STEP = 8
"""Every so many pixels of a picture are looked at."""
_LEAST_CHANGE = 14.0
"""Mean difference of brightness, in levels of 0 to 255, under which nothing is a cut."""
_TIMES_USUAL = 4.0
_MEMORY = 0.9
_PATCH = 12
_SAME_PATCH = 0.8
"""Correlation of a face with itself a frame earlier under which it may be another one."""


class CutDetector:
    """Tells cuts: the picture changes all at once, and far more than it has of late."""

    def __init__(self) -> None:
        self._before: npt.NDArray[np.float32] | None = None
        self._usual = 0.0

    def update(self, image: UInt8) -> bool:
        """Whether there was a cut before this picture, (H, W, 3) uint8; a picture of another size is one."""
        now = image[::_STEP, ::_STEP].mean(axis=2, dtype=np.float32)
        before, self._before = self._before, now
        if before is None:
            return False
        if before.shape != now.shape:
            self._usual = 0.0
            return True
        change = float(np.abs(now - before).mean())
        cut = change > max(_LEAST_CHANGE, _TIMES_USUAL * self._usual)
        if not cut:
            self._usual = _MEMORY * self._usual + (1 - _MEMORY) * change
        return cut


def patch(image: UInt8, box: Box) -> npt.NDArray[np.float32]:
    """(12, 12) float32: a face in gray and coarse, with mean 0 and length 1, for `same_patch`."""
    height, width = image.shape[:2]
    x0, y0 = (int(min(max(0.0, value), size - 1)) for value, size in ((box[0], width), (box[1], height)))
    x1, y1 = max(x0 + 1, min(width, round(box[2]))), max(y0 + 1, min(height, round(box[3])))
    step = max(1, min(x1 - x0, y1 - y0) // (4 * _PATCH))
    part = image[y0:y1:step, x0:x1:step]
    small = cv2.resize(part, (_PATCH, _PATCH), interpolation=cv2.INTER_AREA).mean(axis=2, dtype=np.float32)
    small -= small.mean()
    return np.asarray(small / max(float(np.linalg.norm(small)), 1e-3), np.float32)


def same_patch(before: npt.NDArray[np.float32], after: npt.NDArray[np.float32]) -> bool:
    """Whether a face in one frame and the next can well be one and the same; both from `patch`."""
    return float((before * after).sum()) >= _SAME_PATCH
