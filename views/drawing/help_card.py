"""The card of keys in the middle of the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lipstream.views.drawing.font import typeface
from lipstream.views.drawing.panels import GREY, SHADE, WHITE
from lipstream.views.drawing.sprites import Painter

UInt8 = npt.NDArray[np.uint8]

_OPACITY = 0.92
_LARGEST_SHARE = 0.045


@dataclass(frozen=True, slots=True)
class HelpCard:
    """Keys and what they do, a line each; as large as the picture allows.

    Attributes:
        keys: key and meaning.
        width: of the picture.
        height: of the picture.
    """

    keys: tuple[tuple[str, str], ...]
    width: int
    height: int

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Where it is in the picture: left, top, right, bottom in pixels."""
        wide, high = self._extent(self._size)
        left, top = (self.width - wide) // 2, (self.height - high) // 2
        return left, top, left + wide, top + high

    def draw(self, image: UInt8, painter: Painter) -> None:
        """Draw it in place, over whatever is there."""
        size = self._size
        left, top, right, bottom = self.box
        painter.panel(image, (left, top, right, bottom), size // 2, SHADE, _OPACITY)
        for row, (key, meaning) in enumerate(self.keys):
            line_top = top + size // 2 + row * typeface(size).height
            painter.text(image, key, left + size, line_top, size, WHITE)
            painter.text(image, meaning, left + 3 * size, line_top, size, GREY)

    @property
    def _size(self) -> int:
        sizes = range(max(8, int(self.height * _LARGEST_SHARE)), 7, -1)
        return next((size for size in sizes if self._fits(size)), 7)

    def _fits(self, size: int) -> bool:
        wide, high = self._extent(size)
        return wide <= self.width and high <= self.height

    def _extent(self, size: int) -> tuple[int, int]:
        face = typeface(size)
        widest = max((face.width(meaning) for _, meaning in self.keys), default=0)
        return 4 * size + widest, size + face.height * len(self.keys)
