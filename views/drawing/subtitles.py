"""Captions alone, as subtitles: letters with an edge, centred in the lower part of the picture, nothing else."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from lipstream.config.subtitles import SubtitlesConfig
from lipstream.views.drawing.captions import COLUMN_EMS
from lipstream.views.drawing.font import Typeface, typeface
from lipstream.views.drawing.scene import Scene
from lipstream.views.drawing.sprites import Colour, Sprite

UInt8 = npt.NDArray[np.uint8]

SAFE = 0.05
"""Share of the picture at each edge that nothing is drawn in (EBU R 95, graphics safe area)."""
_WHITE: Colour = (255, 255, 255)
_BLACK: Colour = (0, 0, 0)
USUAL_CHARS = 42
"""Characters that take `COLUMN_EMS`."""
_EDGE = 0.07
_SMALLEST = 8
_KEPT = 32


class Subtitles:
    """Draws the captions of scenes; keeps what it has drawn before, so use one for all pictures of a run.

    Letters are as high as asked for, or less where a line of as many characters as there may be would not fit between
    the edges; a line that is wider all the same is drawn smaller.

    Args:
        rules: the size of the letters, and how long lines may be.
    """

    def __init__(self, rules: SubtitlesConfig) -> None:
        self._share = rules.size / 100
        self._ems = COLUMN_EMS * max(rules.max_chars, USUAL_CHARS) / USUAL_CHARS
        self._lines: OrderedDict[tuple[str, int], tuple[Sprite, Sprite, int, int]] = OrderedDict()

    def draw(self, image: UInt8, scene: Scene) -> None:
        """Draw the captions of a scene over a picture.

        Args:
            image: (H, W, 3) uint8, C-contiguous, writable; drawn in place.
            scene: of which all but the captions is left out.
        """
        height, width = image.shape[:2]
        texts = [text for line in scene.captions if (text := (line.stable + line.unstable).strip())]
        size = max(_SMALLEST, round(min(self._share * height, (1 - 2 * SAFE) * width / self._ems)))
        bottom = round((1 - SAFE) * height)
        for text, top in zip(texts, _tops(texts, bottom, size), strict=True):
            edge, ink, wide, border = self._line(text, size, (1 - 2 * SAFE) * width)
            left = (width - wide) // 2
            edge.blend(image, left - border, top - border)
            ink.blend(image, left, top)

    def _line(self, text: str, size: int, room: float) -> tuple[Sprite, Sprite, int, int]:
        """Edge and letters of a line, its width, and how far the edge reaches out of the letters' picture."""
        found = self._lines.get((text, size))
        if found is None:
            mask = _fitting(text, size, room).mask(text)
            border = max(1, round(_EDGE * size))
            padded = cv2.copyMakeBorder(mask, border, border, border, border, cv2.BORDER_CONSTANT, value=0)
            round_brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * border + 1, 2 * border + 1))
            edge = np.asarray(cv2.dilate(padded, round_brush), np.uint8)
            # Black and white are the same in any order of the channels.
            found = Sprite(edge, _BLACK), Sprite(mask, _WHITE), mask.shape[1], border
            self._lines[text, size] = found
            if len(self._lines) > _KEPT:
                self._lines.popitem(last=False)
        return found


def _fitting(text: str, size: int, room: float) -> Typeface:
    """The typeface of a size, or of the largest below it in which a line fits."""
    while size > _SMALLEST and typeface(size).width(text) > room:
        size -= 1
    return typeface(size)


def _tops(texts: Sequence[str], bottom: int, size: int) -> list[int]:
    step = typeface(size).height
    return [bottom - step * (len(texts) - index) for index in range(len(texts))]
