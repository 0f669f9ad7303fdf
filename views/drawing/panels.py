"""The pieces of the overlay that have a fixed place: what each shows, and how much room it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from lipstream.models.emotion.classes import EMOTIONS
from lipstream.views.drawing.font import typeface
from lipstream.views.drawing.scene import CaptionLine, EmotionMark, SoundMark
from lipstream.views.drawing.sprites import Colour, Painter
from lipstream.views.drawing.wrap import wrapped

UInt8 = npt.NDArray[np.uint8]

WHITE: Colour = (255, 255, 255)
GREY: Colour = (190, 194, 200)
SHADE: Colour = (14, 14, 14)
SHADE_OPACITY = 0.76
"""Grey text has a contrast of 4.5 to 1 even over a white picture (WCAG 2.2, 1.4.3)."""
_BAND_OPACITY = 0.84
_TRACK: Colour = (70, 74, 82)
_SPEECH: Colour = (96, 214, 128)
_FACE: Colour = (94, 178, 255)
_VOICE: Colour = (255, 170, 90)
_EMOTION: Colour = (150, 196, 255)
_STRIPE: Colour = (255, 190, 60)
_QUIETEST = -60.0
_WARNING_LINES = 4
_WARNING_EMS = 34


class Panel(Protocol):
    """A piece of the overlay.

    Attributes:
        width: pixels.
        height: pixels.
    """

    @property
    def width(self) -> int: ...  # noqa: D102

    @property
    def height(self) -> int: ...  # noqa: D102

    def draw(self, image: UInt8, painter: Painter, left: int, top: int) -> None:
        """Draw it in place."""


@dataclass(frozen=True, slots=True)
class Captions:
    """Two lines of captions on a band; it has room for two when there is one, so that nothing moves.

    Attributes:
        lines: at most two, the older first.
        width: of the band.
        indent: columns left of the text.
        size: of the typeface.
    """

    lines: tuple[CaptionLine, ...]
    width: int
    indent: int
    size: int

    @property
    def height(self) -> int:
        """Two lines and what is around them."""
        return 2 * typeface(self.size).height + 2 * self._edge

    @property
    def _edge(self) -> int:
        return max(3, self.size // 3)

    def draw(self, image: UInt8, painter: Painter, left: int, top: int) -> None:
        """Draw band and text."""
        painter.shade(image, (left, top, left + self.width, top + self.height), SHADE[0], _BAND_OPACITY)
        for row, line in enumerate(self.lines[-2:]):
            line_top = top + self._edge + row * typeface(self.size).height
            self._draw_line(image, painter, line, left + self.indent, line_top)

    def _draw_line(self, image: UInt8, painter: Painter, line: CaptionLine, left: int, top: int) -> None:
        """Word by word, so that each keeps its place and its sprite while text is added or becomes stable."""
        face = typeface(self.size)
        stable = len(line.stable)
        room = self.width - self.indent - face.size // 2
        at, x = 0, 0
        text = line.stable + line.unstable
        for word in text.split():
            start = text.index(word, at)
            x += face.width(" ") if start > at and x else 0
            at = start + len(word)
            if x + face.width(word) > room:
                painter.text(image, face.shortened(word, room - x), left + x, top, self.size, GREY)
                return
            split = min(max(0, stable - start), len(word))
            painter.text(image, word[:split], left + x, top, self.size, WHITE)
            painter.text(image, word[split:], left + x + face.width(word[:split]), top, self.size, GREY)
            x += face.width(word)


@dataclass(frozen=True, slots=True)
class Sound:
    """The level of the sound as a bar, and whether it is speech."""

    sound: SoundMark
    size: int

    @property
    def width(self) -> int:  # noqa: D102
        return 3 * self._edge + self._bar + max(map(typeface(self.size).width, ("speech", "no speech")))

    @property
    def height(self) -> int:  # noqa: D102
        return typeface(self.size).height + self._edge

    @property
    def _edge(self) -> int:
        return max(4, self.size // 2)

    @property
    def _bar(self) -> int:
        return 6 * self.size

    def draw(self, image: UInt8, painter: Painter, left: int, top: int) -> None:  # noqa: D102
        painter.panel(image, (left, top, left + self.width, top + self.height), self._edge, SHADE, SHADE_OPACITY)
        share = min(1.0, max(0.0, 1 - self.sound.level / _QUIETEST))
        middle = top + self.height // 2
        bar = left + self._edge, middle - self.size // 4, left + self._edge + self._bar, middle + self.size // 4
        _bar(image, painter, bar, share, _SPEECH if self.sound.speech else GREY)
        word, colour = ("speech", _SPEECH) if self.sound.speech else ("no speech", GREY)
        text_top = top + self._edge // 2
        painter.text(image, word, left + 2 * self._edge + self._bar, text_top, self.size, colour)


@dataclass(frozen=True, slots=True)
class Text:
    """Lines of text on a panel, as wide as they need; with a stripe on the left for what is a warning."""

    lines: tuple[str, ...]
    size: int
    colour: Colour = WHITE
    stripe: bool = False

    @classmethod
    def warning(cls, text: str, size: int, room: int) -> Text:
        """A warning that takes at most `room` columns."""
        room = min(room - 3 * max(4, size // 2), _WARNING_EMS * size)
        return cls(wrapped(text, size, room, _WARNING_LINES), size, WHITE, stripe=True)

    @classmethod
    def chip(cls, text: str, size: int, room: int, colour: Colour = WHITE) -> Text:
        """A few words on one line of at most `room` columns."""
        return cls((typeface(size).shortened(text, room - 2 * max(4, size // 2)),), size, colour)

    @property
    def _edge(self) -> int:
        return max(4, self.size // 2)

    @property
    def _indent(self) -> int:
        return self._edge * 2 if self.stripe else self._edge

    @property
    def width(self) -> int:  # noqa: D102
        return self._indent + max(map(typeface(self.size).width, self.lines), default=0) + self._edge

    @property
    def height(self) -> int:  # noqa: D102
        return typeface(self.size).height * len(self.lines) + self._edge

    def draw(self, image: UInt8, painter: Painter, left: int, top: int) -> None:  # noqa: D102
        box = left, top, left + self.width, top + self.height
        painter.panel(image, box, 0 if self.stripe else self._edge, SHADE, SHADE_OPACITY)
        if self.stripe:
            painter.panel(image, (left, top, left + self._edge // 2, top + self.height), 0, _STRIPE, 1.0)
        for row, line in enumerate(self.lines):
            line_top = top + self._edge // 2 + row * typeface(self.size).height
            painter.text(image, line, left + self._indent, line_top, self.size, self.colour)


@dataclass(frozen=True, slots=True)
class Figures:
    """Names and values in two columns."""

    figures: tuple[tuple[str, str], ...]
    width: int
    size: int

    @property
    def height(self) -> int:  # noqa: D102
        return typeface(self.size).height * len(self.figures) + self._edge

    @property
    def _edge(self) -> int:
        return max(4, self.size // 2)

    def draw(self, image: UInt8, painter: Painter, left: int, top: int) -> None:  # noqa: D102
        painter.panel(image, (left, top, left + self.width, top + self.height), self._edge, SHADE, SHADE_OPACITY)
        face = typeface(self.size)
        room = self.width - 2 * self._edge
        for row, (name, value) in enumerate(self.figures):
            line_top = top + self._edge // 2 + row * face.height
            right = face.shortened(value, room)
            rest = room - face.width(right)
            painter.text(image, face.shortened(name, rest - self._edge), left + self._edge, line_top, self.size, GREY)
            painter.text(image, right, left + self._edge + rest, line_top, self.size, WHITE)


@dataclass(frozen=True, slots=True)
class Emotion:
    """The emotion: its name, a bar for each, and the share of face and voice in them.

    Attributes:
        mark: what to show.
        size: of the typeface.
        rows: how many bars there is room for; the likeliest if it is not for all.
    """

    mark: EmotionMark
    size: int
    rows: int = len(EMOTIONS)

    @classmethod
    def column(cls, size: int) -> int:
        """The width of the panel."""
        edge = max(4, size // 2)
        return 3 * edge + max(map(typeface(size).width, EMOTIONS)) + 5 * size

    @classmethod
    def fitting(cls, mark: EmotionMark, size: int, room: int) -> Emotion | None:
        """The panel with as many bars as fit in `room` rows of pixels; None if not even the name does."""
        panels = (cls(mark, size, rows) for rows in range(len(EMOTIONS), -1, -1))
        return next((panel for panel in panels if panel.height <= room), None)

    @property
    def width(self) -> int:  # noqa: D102
        return self.column(self.size)

    @property
    def _line(self) -> int:
        return round(self.size * 1.25)

    @property
    def _edge(self) -> int:
        return max(4, self.size // 2)

    @property
    def height(self) -> int:  # noqa: D102
        lines = 1 + self.rows + (1 if self.rows else 0)
        return lines * self._line + typeface(self.size).height - self._line + self._edge

    def draw(self, image: UInt8, painter: Painter, left: int, top: int) -> None:  # noqa: D102
        painter.panel(image, (left, top, left + self.width, top + self.height), self._edge, SHADE, SHADE_OPACITY)
        x, y = left + self._edge, top + self._edge // 2
        face = typeface(self.size)
        painter.text(image, "emotion", x, y, self.size, GREY)
        label = face.shortened(self.mark.label, self.width - 3 * self._edge - face.width("emotion"))
        painter.text(image, label, left + self.width - self._edge - face.width(label), y, self.size, WHITE)
        likeliest = sorted(EMOTIONS, key=lambda name: -self.mark.probabilities.get(name, 0.0))[: self.rows]
        known = self.mark.face_weight + self.mark.voice_weight > 0
        bar_left = left + self.width - self._edge - 5 * self.size
        for name in (name for name in EMOTIONS if name in likeliest):
            y += self._line
            shown = known and name == self.mark.label
            painter.text(image, name, x, y, self.size, WHITE if shown else GREY)
            box = bar_left, y + self.size // 2, bar_left + 5 * self.size, y + self.size
            _bar(image, painter, box, self.mark.probabilities.get(name, 0.0) if known else 0.0, _EMOTION)
        if self.rows:
            self._draw_balance(image, painter, x, y + self._line)

    def _draw_balance(self, image: UInt8, painter: Painter, x: int, y: int) -> None:
        face, right = typeface(self.size), x + self.width - 2 * self._edge
        painter.text(image, "face", x, y, self.size, _FACE)
        painter.text(image, "voice", right - face.width("voice"), y, self.size, _VOICE)
        bar = x + face.width("face") + self._edge, right - face.width("voice") - self._edge
        total = self.mark.face_weight + self.mark.voice_weight
        box = bar[0], y + self.size // 2, bar[1], y + self.size
        _bar(image, painter, box, self.mark.face_weight / total if total else 0.0, _FACE, _VOICE if total else _TRACK)


def _bar(
    image: UInt8, painter: Painter, box: tuple[int, int, int, int], share: float, colour: Colour, rest: Colour = _TRACK
) -> None:
    """A bar that is filled from the left to a share in [0, 1]."""
    left, top, right, bottom = box
    end = left + round((right - left) * min(1.0, max(0.0, share)))
    cv2.rectangle(image, (left, top), (right - 1, bottom - 1), painter.colour(rest), cv2.FILLED)
    if end > left:
        cv2.rectangle(image, (left, top), (end - 1, bottom - 1), painter.colour(colour), cv2.FILLED)
