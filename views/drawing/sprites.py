"""Small pictures that are made once and laid over a frame in place."""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from lipstream.views.drawing.font import typeface

UInt8 = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]
"""Red, green, blue in [0, 255]."""
Order = Literal["rgb", "bgr"]

_KEPT_SPRITES = 512
_SMOOTHING = 4


class Sprite:
    """A picture with transparency, colour already multiplied by opacity (Porter and Duff's "over", SIGGRAPH 1984).

    Args:
        opacity: (h, w) uint8, 255 covers what is below.
        colour: in the order of the pictures it is laid over.
    """

    def __init__(self, opacity: UInt8, colour: Colour) -> None:
        opacity = np.repeat(opacity[:, :, None], 3, axis=2)
        self._keep = np.ascontiguousarray(255 - opacity)
        self._add = cv2.multiply(opacity, np.full_like(opacity, colour), scale=1 / 255)

    def blend(self, image: UInt8, left: int, top: int) -> None:
        """Lay it over a picture; what reaches out of the picture is left out."""
        height, width = self._keep.shape[:2]
        x, y = max(0, left), max(0, top)
        right, bottom = min(image.shape[1], left + width), min(image.shape[0], top + height)
        if x >= right or y >= bottom:
            return
        below = image[y:bottom, x:right]
        part = np.s_[y - top : bottom - top, x - left : right - left]
        cv2.multiply(below, self._keep[part], dst=below, scale=1 / 255)
        cv2.add(below, self._add[part], dst=below)


class Painter:
    """Draws words and panels, and keeps their sprites for the next frame.

    Args:
        order: of the channels of the pictures.
    """

    def __init__(self, order: Order) -> None:
        self._order = order
        self._sprites: OrderedDict[tuple[object, ...], Sprite] = OrderedDict()

    def colour(self, colour: Colour) -> Colour:
        """A colour in the order of the pictures."""
        return colour if self._order == "rgb" else (colour[2], colour[1], colour[0])

    def text(self, image: UInt8, text: str, left: int, top: int, size: int, colour: Colour) -> None:
        """Draw one line; `top` is that of its `Typeface.height` rows."""
        if not text.strip():
            return
        key = (text, size, colour)
        sprite = self._sprites.get(key)
        if sprite is None:
            sprite = self._keep(key, Sprite(typeface(size).mask(text), self.colour(colour)))
        else:
            self._sprites.move_to_end(key)
        sprite.blend(image, left - typeface(size).bleed, top)

    def panel(self, image: UInt8, box: tuple[int, int, int, int], radius: int, colour: Colour, opacity: float) -> None:
        """Draw a plain panel with round corners: left, top, right, bottom in pixels."""
        left, top, right, bottom = box
        key = (right - left, bottom - top, radius, colour, opacity)
        sprite = self._sprites.get(key)
        if sprite is None:
            shape = _round_rectangle(right - left, bottom - top, radius, round(255 * opacity))
            sprite = self._keep(key, Sprite(shape, self.colour(colour)))
        else:
            self._sprites.move_to_end(key)
        sprite.blend(image, left, top)

    def shade(self, image: UInt8, box: tuple[int, int, int, int], grey: int, opacity: float) -> None:
        """Lay a grey, square panel over a picture: left, top, right, bottom in pixels, within it."""
        left, top, right, bottom = box
        part = image[top:bottom, left:right]
        cv2.convertScaleAbs(part, dst=part, alpha=1 - opacity, beta=grey * opacity)

    def _keep(self, key: tuple[object, ...], sprite: Sprite) -> Sprite:
        self._sprites[key] = sprite
        if len(self._sprites) > _KEPT_SPRITES:
            self._sprites.popitem(last=False)
        return sprite


def _round_rectangle(width: int, height: int, radius: int, opacity: int) -> UInt8:
    if not radius:
        return np.full((height, width), opacity, np.uint8)
    # Pillow draws hard edges: draw large and shrink.
    large = Image.new("L", (width * _SMOOTHING, height * _SMOOTHING))
    corners = (0, 0, width * _SMOOTHING - 1, height * _SMOOTHING - 1)
    ImageDraw.Draw(large).rounded_rectangle(corners, radius * _SMOOTHING, fill=opacity)
    return np.asarray(large.resize((width, height), Image.Resampling.BOX))
