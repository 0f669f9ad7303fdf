"""Saving what a window shows."""

from __future__ import annotations

import time
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

UInt8 = npt.NDArray[np.uint8]


def save_snapshot(image: UInt8, folder: Path) -> Path:
    """Save a picture as PNG under a name made of the time; never over another file.

    Args:
        image: (H, W, 3) BGR.
        folder: where; made if it is missing.

    Returns:
        The file.

    Raises:
        OSError: it cannot be written; nothing is left of it then.
    """
    good, data = cv2.imencode(".png", image)
    if not good:
        raise OSError("the picture cannot be encoded as PNG")
    folder.mkdir(parents=True, exist_ok=True)
    stem = time.strftime("lipstream-%Y%m%d-%H%M%S")
    for number in count(1):
        path = folder / (f"{stem}.png" if number == 1 else f"{stem}-{number}.png")
        try:
            file = path.open("xb")
        except FileExistsError:
            continue
        try:
            with file:
                file.write(data.tobytes())
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return path
    raise AssertionError
