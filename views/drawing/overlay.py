"""Draws a `Scene` over a picture, in place: the live window and rendered videos look the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from lipstream.views.drawing.captions import COLUMN_EMS
from lipstream.views.drawing.panels import GREY, Captions, Emotion, Figures, Panel, Sound, Text
from lipstream.views.drawing.scene import FaceMark, Scene
from lipstream.views.drawing.sprites import Colour, Order, Painter

UInt8 = npt.NDArray[np.uint8]

_SPEAKER: Colour = (255, 214, 64)
_OTHERS: Colour = (150, 154, 160)
_LIPS_DIM: Colour = (70, 150, 120)
_LIPS_BRIGHT: Colour = (120, 255, 190)
_SUBPIXEL_BITS = 4
_CAPTION_HEIGHT = 0.055
_CAPTION_SLACK = 1.11
"""Small letters are hinted to whole pixels, which makes text up to a tenth wider than its ems."""
_SMALLEST = 10


@dataclass(frozen=True, slots=True)
class Placed:
    """A panel and where it is: left, top, right, bottom in pixels, within the picture."""

    panel: Panel
    box: tuple[int, int, int, int]


class Overlay:
    """Draws scenes; keeps what it has drawn before, so use one for all pictures of a run.

    Under a wide picture captions are as long as under a narrow one: `captions.COLUMN_EMS`, with letters sized by the
    picture's height, or by its width where that is less.

    Args:
        order: of the channels of the pictures, "rgb" or "bgr".
    """

    def __init__(self, order: Order) -> None:
        self._painter = Painter(order)

    def draw(self, image: UInt8, scene: Scene) -> None:
        """Draw a scene over a picture.

        Args:
            image: (H, W, 3) uint8, C-contiguous, writable; drawn in place.
            scene: what to draw.
        """
        height, width = image.shape[:2]
        self.draw_faces(image, scene)
        self.draw_panels(image, arrange(scene, width, height))

    def draw_faces(self, image: UInt8, scene: Scene) -> None:
        """Draw the faces of a scene alone over a picture, which may be a part of a larger one."""
        for face in sorted(scene.faces, key=lambda mark: mark.speaker):
            self._draw_face(image, face, scene.lips_count)

    def draw_panels(self, image: UInt8, panels: Sequence[Placed]) -> None:
        """Draw panels alone, at their places."""
        for placed in panels:
            placed.panel.draw(image, self._painter, *placed.box[:2])

    def _draw_face(self, image: UInt8, face: FaceMark, lips_count: float) -> None:
        height, width = image.shape[:2]
        thin = max(1, round(min(width, height) / 320))
        (left, top), (right, bottom) = _pixels((face.box[:2], face.box[2:]), width, height)
        colour = self._painter.colour(_SPEAKER if face.speaker else _OTHERS)
        cv2.rectangle(image, (left, top), (right, bottom), colour, 2 * thin if face.speaker else thin)
        if not face.lips:
            return
        count = min(1.0, max(0.0, lips_count)) if face.speaker else 0.0
        pairs = zip(_LIPS_DIM, _LIPS_BRIGHT, strict=True)
        red, green, blue = (round(dim + count * (bright - dim)) for dim, bright in pairs)
        points = _pixels(face.lips, width, height, 1 << _SUBPIXEL_BITS)
        thickness = thin + round(count * thin) if face.speaker else thin
        colour = self._painter.colour((red, green, blue) if face.speaker else _OTHERS)
        cv2.polylines(image, [points], True, colour, thickness, cv2.LINE_AA, _SUBPIXEL_BITS)


def arrange(scene: Scene, width: int, height: int) -> list[Placed]:
    """Where the panels of a scene are in a picture of a size: within it, and never over each other.

    Captions are a band at the bottom, whose place is kept free without them, so that nothing moves when they come.
    Above it at the left are warnings, the newest at the bottom: faces are seldom there. At the top left are sound, what
    is switched off and notes; at the right figures and emotion. What finds no room is left out, warnings last.
    """
    small = small_size(width, height)
    gap = max(3, small // 2)
    size = caption_size(width, height)
    indent = max(gap, (width - round(COLUMN_EMS * size)) // 2)
    band = Captions(scene.captions, width, indent, size)
    bottom = height - band.height - gap
    placed = [place(band, 0, height - band.height)] if scene.captions and band.height <= height else []
    column = Emotion.column(small)
    right = list(_right(scene, small, gap, (width - gap - column, bottom))) if column + 2 * gap <= width else []
    left_room = width - column - 3 * gap if right else width - 2 * gap
    return [*placed, *right, *_left(scene, small, gap, (left_room, bottom))]


def small_size(width: int, height: int) -> int:
    """Size of all text but captions over a picture of a size."""
    return max(_SMALLEST, round(0.03 * min(height, width)))


def caption_size(width: int, height: int) -> int:
    """Size of captions over a picture of a size."""
    return max(_SMALLEST, int(min(_CAPTION_HEIGHT * height, width / (COLUMN_EMS * _CAPTION_SLACK))))


def _right(scene: Scene, size: int, gap: int, corner: tuple[int, int]) -> Iterator[Placed]:
    left, bottom = corner
    top = gap
    if scene.figures:
        figures = Figures(scene.figures, Emotion.column(size), size)
        if top + figures.height <= bottom:
            yield place(figures, left, top)
            top += figures.height + gap
    if scene.emotion is not None:
        emotion = Emotion.fitting(scene.emotion, size, bottom - top)
        if emotion is not None:
            yield place(emotion, left, top)


def _left(scene: Scene, size: int, gap: int, corner: tuple[int, int]) -> Iterator[Placed]:
    room, bottom = corner
    for warning in reversed(said(scene.warnings)):
        card = Text.warning(warning, size, room)
        if bottom - card.height < gap or card.width > room:
            break
        yield place(card, gap, bottom - card.height)
        bottom -= card.height + gap
    chips = [Text.chip(text, size, room) for text in said(scene.switched_off)]
    chips += [Text.chip(text, size, room, GREY) for text in said(scene.notes)]
    rows: list[list[Panel]] = [[Sound(scene.sound, size)]] if scene.sound is not None else []
    top = gap
    for row in (*rows, *flowed(chips, room, gap)):
        tallest = max(panel.height for panel in row)
        if top + tallest > bottom or row[0].width > room:
            continue
        left = gap
        for panel in row:
            yield place(panel, left, top)
            left += panel.width + gap
        top += tallest + gap


def said(texts: Sequence[str]) -> list[str]:
    """Those that say anything."""
    return [text for text in texts if text.strip()]


def flowed(panels: Sequence[Panel], room: int, gap: int) -> list[list[Panel]]:
    """Panels side by side, as many in a row as there is room for."""
    rows: list[list[Panel]] = []
    used = room
    for panel in panels:
        if used + gap + panel.width > room:
            rows.append([])
            used = -gap
        rows[-1].append(panel)
        used += gap + panel.width
    return rows


def place(panel: Panel, left: int, top: int) -> Placed:
    """A panel at a place."""
    return Placed(panel, (left, top, left + panel.width, top + panel.height))


def _pixels(points: object, width: int, height: int, scale: int = 1) -> npt.NDArray[np.int32]:
    """(N, 2) whole pixels, or parts of pixels, of fractions of the picture; far outside is as good as very far."""
    fractions = np.clip(np.asarray(points, np.float64), -4.0, 5.0)
    return np.round(fractions * (width * scale, height * scale)).astype(np.int32)
