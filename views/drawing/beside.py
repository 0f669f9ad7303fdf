"""Panels beside a picture: in a window nothing lies over it, so none ever covers a face."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lipstream.views.drawing.overlay import Placed, caption_size, flowed, place, said, small_size
from lipstream.views.drawing.panels import GREY, Captions, Emotion, Figures, Panel, Sound, Text
from lipstream.views.drawing.scene import Scene, SoundMark

_COLUMN_EMS = 17
"""Least width of the column at the right, in ems of small text: warnings are read there."""
_SILENCE = SoundMark(-100.0, False)


@dataclass(frozen=True, slots=True)
class Beside:
    """Where everything is: the picture at the top left, a column at its right, captions below.

    Attributes:
        picture: width and height of the picture, pixels.
        column: width of the column.
        band: height of the captions.
    """

    picture: tuple[int, int]
    column: int
    band: int

    @classmethod
    def around(cls, width: int, height: int) -> Beside:
        """What is needed around a picture of a size."""
        small = small_size(width, height)
        room = max(Emotion.column(small), Sound(_SILENCE, small).width, _COLUMN_EMS * small)
        size = caption_size(width, height)
        return cls((width, height), room + 2 * _gap(small), Captions((), width, 0, size).height)

    @classmethod
    def within(cls, size: tuple[int, int], most: tuple[int, int]) -> Beside:
        """The same around a picture that is enlarged as far as all of it fits in `most`; it is never made smaller.

        Args:
            size: width and height of the picture as it comes.
            most: width and height of the whole.
        """
        width, height = size
        # What is around a picture grows with it, but for roundings.
        scale = min(most[0] / width, most[1] / height)
        for _ in range(4):
            around = cls.around(round(width * scale), round(height * scale))
            scale *= min(1.0, most[0] / around.width, most[1] / around.height)
        scale = max(1.0, scale)
        return cls.around(round(width * scale), round(height * scale))

    @property
    def width(self) -> int:
        """Of the whole, pixels."""
        return self.picture[0] + self.column

    @property
    def height(self) -> int:
        """Of the whole, pixels."""
        return self.picture[1] + self.band

    def arrange(self, scene: Scene) -> list[Placed]:
        """Where the panels are: none over the picture, none over another.

        At the bottom of the column are warnings, the newest last; at its top sound, what is switched off, notes,
        figures, emotion. What finds no room is left out, warnings last.
        """
        width, height = self.picture
        small = small_size(width, height)
        gap = _gap(small)
        size = caption_size(width, height)
        captions = Captions(scene.captions, self.width, max(gap, (self.width - width) // 4), size)
        placed = [place(captions, 0, height)] if scene.captions else []
        left, room, bottom = width + gap, self.column - 2 * gap, height - gap
        for warning in reversed(said(scene.warnings)):
            card = Text.warning(warning, small, room)
            if bottom - card.height < gap or card.width > room:
                break
            placed.append(place(card, left, bottom - card.height))
            bottom -= card.height + gap
        top = gap
        for row in self._rows(scene, small, room, gap):
            tallest = max(panel.height for panel in row)
            if top + tallest > bottom or row[0].width > room:
                continue
            at = left
            for panel in row:
                placed.append(place(panel, at, top))
                at += panel.width + gap
            top += tallest + gap
        if scene.emotion is not None:
            emotion = Emotion.fitting(scene.emotion, small, bottom - top)
            if emotion is not None:
                placed.append(place(emotion, left, top))
        return placed

    def _rows(self, scene: Scene, small: int, room: int, gap: int) -> Iterator[list[Panel]]:
        if scene.sound is not None:
            yield [Sound(scene.sound, small)]
        chips = [Text.chip(text, small, room) for text in said(scene.switched_off)]
        chips += [Text.chip(text, small, room, GREY) for text in said(scene.notes)]
        yield from flowed(chips, room, gap)
        if scene.figures:
            yield [Figures(scene.figures, min(room, Emotion.column(small)), small)]


def _gap(small: int) -> int:
    return max(3, small // 2)
