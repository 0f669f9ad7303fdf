"""`explain` without a profile: what the mask of other voices rests on about one moment, as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from lipstream.views.recorded.attention import (
    BAR,
    BARS,
    EDGE,
    LINE,
    MAP,
    PALE,
    PAPER,
    SIDE,
    WIDTH,
    Attention,
    Float32,
    UInt8,
    draw_lips,
    draw_map,
    strip_of,
    write,
)

_NEAR: Final = 0.25
"""Seconds to either side of the moment over which is told how much each side counted."""
_TRACK: Final = 90
_MASK: Final = 200
_LEFT: Final = 130
_GREEN: Final = (90, 160, 60)
_NAMES: Final = {"lips": "lips", "encoder": "frames of the speech encoder", "spectrum": "spectrum"}
"""The sides by what they are called in the picture."""


@dataclass(frozen=True, slots=True, eq=False)
class Influence:
    """What counted in a stretch of a recording: T frames of sound, L lip frames, B bands.

    Attributes:
        lips: the mouths, their times and those of the sound, and as `weights` (T, L) how much the mask of each frame
            changed when lip frames were hidden.
        own: (L,) probability that the mouth is the voice heard.
        gains: (T, B) the mask, low bands first.
        overlap: (T,) bool, where it is applied.
        without: by side, (T,) how much the mask of each frame changed without it.
    """

    lips: Attention
    own: Float32
    gains: Float32
    overlap: npt.NDArray[np.bool_]
    without: dict[str, Float32]

    def changes(self) -> dict[str, float]:
        """How much the mask changed about the moment without each side, in [0, 1]."""
        near = np.abs(self.lips.sound_times - self.lips.at) <= _NEAR
        return {side: float(each[near].mean()) for side, each in self.without.items()}

    def hidden(self) -> Float32:
        """(L,) change of the mask about the moment for each lip frame that was hidden."""
        near = np.abs(self.lips.sound_times - self.lips.at) <= _NEAR
        change: Float32 = self.lips.weights[near].mean(axis=0)
        return change


def draw_influence(influence: Influence) -> UInt8:
    """(H, W, 3) BGR picture.

    From above: how much each side counted; the lip frames about the moment with a bar for each; whether the mouth is
    the voice, every 40 ms; the mask over time and frequency; and which lip frames the mask of each moment rests on.
    """
    lips = influence.lips
    height = 6 * EDGE + 5 * LINE + BARS + strip_of(lips) + _TRACK + _MASK + SIDE + 2 * LINE
    picture = np.full((height, WIDTH, 3), PAPER, np.uint8)
    top = EDGE + LINE
    write(picture, f"{lips.at:.2f} s: what the mask of other voices rests on ({lips.who})", (EDGE, top))
    write(picture, _facts(influence), (EDGE, top + LINE), 0.5)
    bottom = draw_lips(picture, lips, influence.hidden(), top + 2 * LINE)
    bottom = _draw_own(picture, influence, bottom + EDGE)
    bottom = _draw_mask(picture, influence, bottom + EDGE)
    draw_map(picture, lips, bottom + 2 * EDGE, "the mask changes much when these lips are hidden")
    return picture


def _facts(influence: Influence) -> str:
    changes = influence.changes()
    whole = sum(changes.values())
    shares = {side: change / whole if whole > 0 else 0.0 for side, change in changes.items()}
    told = ", ".join(f"{_NAMES[side]} {share:.0%} ({changes[side]:.2f})" for side, share in shares.items())
    near = np.abs(influence.lips.sound_times - influence.lips.at) <= _NEAR
    acted = "applied here" if influence.overlap[near].any() else "not applied here: no overlap of voices"
    return f"share (change of the mask without it): {told}; mask {acted}"


def _columns(times: Float32, at: float) -> npt.NDArray[np.intp]:
    """The pixels of times in a track of the map's seconds."""
    part = (times - at + MAP) / (2 * MAP)
    found: npt.NDArray[np.intp] = (_LEFT + part * (WIDTH - EDGE - _LEFT)).round().astype(np.intp)
    return found


def _draw_own(picture: UInt8, influence: Influence, top: int) -> int:
    """The probability that the mouth is the voice, over time; returns where it ends."""
    lips = influence.lips
    foot = top + _TRACK
    cv2.rectangle(picture, (_LEFT, top), (WIDTH - EDGE, foot), PALE, 1)
    shown = np.flatnonzero((np.abs(lips.lip_times - lips.at) <= MAP) & lips.seen)
    columns = _columns(lips.lip_times, lips.at)
    for index in shown:
        high = round(float(influence.own[index]) * _TRACK)
        cv2.line(picture, (int(columns[index]), foot), (int(columns[index]), foot - high), BAR, 4)
    _mark(picture, top, foot)
    write(picture, "mouth is", (EDGE, top + 30), 0.5)
    write(picture, "the voice", (EDGE, top + 50), 0.5)
    write(picture, "1", (_LEFT - 16, top + 12), 0.45)
    write(picture, "0", (_LEFT - 16, foot), 0.45)
    return foot


def _draw_mask(picture: UInt8, influence: Influence, top: int) -> int:
    """The mask, low bands at the bottom, and a line under it where it is applied; returns where it ends."""
    lips = influence.lips
    shown = np.flatnonzero(np.abs(lips.sound_times - lips.at) <= MAP)
    columns = _columns(lips.sound_times[shown], lips.at)
    width = int(columns[-1] - columns[0]) + 1
    gray = (influence.gains[shown].T[::-1] * 255).astype(np.uint8)
    drawn = cv2.resize(gray, (width, _MASK), interpolation=cv2.INTER_NEAREST)
    foot, left = top + _MASK, int(columns[0])
    picture[top:foot, left : left + width] = drawn[:, :, None]
    for column, applied in zip(columns, influence.overlap[shown], strict=True):
        if applied:
            cv2.rectangle(picture, (int(column), foot + 4), (int(column) + 9, foot + 9), _GREEN, cv2.FILLED)
    _mark(picture, top, foot)
    write(picture, "mask", (EDGE, top + 16), 0.5)
    write(picture, "black: taken", (EDGE, top + 40), 0.4)
    write(picture, "8 kHz", (_LEFT - 48, top + 12), 0.4)
    write(picture, "0", (_LEFT - 16, foot), 0.45)
    write(picture, "green:", (EDGE, foot - 40), 0.4)
    write(picture, "applied", (EDGE, foot - 24), 0.4)
    return foot


def _mark(picture: UInt8, top: int, foot: int) -> None:
    """The moment."""
    middle = (_LEFT + WIDTH - EDGE) // 2
    cv2.line(picture, (middle, top), (middle, foot), _GREEN, 1)
