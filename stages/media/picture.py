"""Sizes and orientation of pictures."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np

from lipstream.stages.payloads import UInt8

_ROTATIONS = {1: cv2.ROTATE_90_COUNTERCLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_CLOCKWISE}


def scaled_size(width: int, height: int, max_side: int, aspect: Fraction = Fraction(1)) -> tuple[int, int]:
    """Width and height in pixels of a picture scaled down to a longest side, with square pixels.

    Args:
        width: stored width.
        height: stored height.
        max_side: longest side wanted; smaller pictures keep their size.
        aspect: width of a stored pixel over its height. The side with too many pixels is made smaller, so that
            nothing is ever scaled up.
    """
    shown_width = width * min(Fraction(1), aspect)
    shown_height = height / max(Fraction(1), aspect)
    scale = min(Fraction(1), max_side / max(shown_width, shown_height))
    return max(1, round(shown_width * scale)), max(1, round(shown_height * scale))


def upright(image: UInt8, quarter_turns: int) -> UInt8:
    """Turn a picture counterclockwise by so many times 90 degrees; C-contiguous, not copied without need."""
    turns = quarter_turns % 4
    return cv2.rotate(image, _ROTATIONS[turns]) if turns else np.ascontiguousarray(image)
