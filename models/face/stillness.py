"""Whether a picture of a face stands still as no living face does: a frozen camera, a photo in a film."""

from __future__ import annotations

import math

import cv2
import numpy as np

from lipstream.models.face.backend import UInt8
from lipstream.models.face.tracking import Box

STANDS_STILL = 1.5
"""Change, as `face_change` has it, under which nothing has moved but what a video encoder makes of a still picture."""
_PARTS = 8


def face_change(before: UInt8, after: UInt8, box: Box) -> float:
    """How much a face's part of the picture has changed from one frame to the next.

    The part is looked at where it is in the picture, not where the face has moved to: landmarks tremble on a photo too.
    What counts is the one of 8 x 8 fields in which most has changed, since a living face never rests everywhere.

    Args:
        before: (H, W, 3) uint8.
        after: (H, W, 3) uint8; of another size everything counts as changed.
        box: left, top, right, bottom in pixels.

    Returns:
        Mean absolute difference of a field in levels of 0 to 255; infinite where there is nothing to compare.
    """
    height, width = after.shape[:2]
    left, top = max(0, math.floor(box[0])), max(0, math.floor(box[1]))
    right, bottom = min(width, math.ceil(box[2])), min(height, math.ceil(box[3]))
    if before.shape != after.shape or right <= left or bottom <= top:
        return math.inf
    change = cv2.absdiff(before[top:bottom, left:right], after[top:bottom, left:right]).astype(np.float32)
    return float(cv2.resize(change, (_PARTS, _PARTS), interpolation=cv2.INTER_AREA).mean(axis=2).max())
