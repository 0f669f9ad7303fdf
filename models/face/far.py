"""Small faces: MediaPipe's full-range detector, on one part of the picture after the other.

On the whole of a picture the detector finds faces of about a twelfth of its width. On squares of two thirds of its
height it finds smaller ones, of 24 pixels in 640 x 360, for several times the work; so squares take turns.
"""

from __future__ import annotations

import math

# Neighbours overlap by a sixth of their side: a face at the border of one lies inside the other.
_SIDE = 2 / 3
_STEP = 5 / 6


def squares(width: int, height: int) -> list[tuple[float, float, float]]:
    """Left, top and side in pixels of the squares that cover a picture, row by row."""
    side = _SIDE * min(width, height)
    across, down = (math.ceil((size - side) / (_STEP * side) - 1e-6) for size in (width, height))
    lefts = [index * (width - side) / max(1, across) for index in range(across + 1)]
    tops = [index * (height - side) / max(1, down) for index in range(down + 1)]
    return [(left, top, side) for top in tops for left in lefts]
