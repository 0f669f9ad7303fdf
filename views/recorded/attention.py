"""`explain`: which lip frames the sound of one moment attended to, as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]

AROUND: Final = 0.6
"""Seconds to either side of the moment whose lips are shown."""
_MAP: Final = 1.5
"""Seconds to either side that the map shows."""
_WIDTH: Final = 1240
_EDGE: Final = 20
_BARS: Final = 150
_SIDE: Final = 560
_LINE: Final = 26
_PAPER: Final = (255, 255, 255)
_INK: Final = (40, 40, 40)
_PALE: Final = (200, 200, 200)
_BAR: Final = (190, 110, 30)
_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX


@dataclass(frozen=True, slots=True, eq=False)
class Attention:
    """What sound attended to in a stretch of a recording: T frames of sound, L lip frames.

    Attributes:
        at: the moment that is asked for, in seconds of the recording.
        sound_times: (T,) seconds of the recording.
        lip_times: (L,) the same.
        crops: (L, H, H) uint8 gray pictures of the mouth; black where it is not seen.
        seen: (L,) bool, where a mouth is seen.
        weights: (T, L) share of its attention that each frame of the sound gave to each lip frame, in [0, 1].
        who: which network attended, for the title.
    """

    at: float
    sound_times: Float32
    lip_times: Float32
    crops: UInt8
    seen: npt.NDArray[np.bool_]
    weights: Float32
    who: str

    def asked(self) -> Float32:
        """(L,) the attention of the sound at the moment."""
        row: Float32 = self.weights[int(np.abs(self.sound_times - self.at).argmin())]
        return row


def draw_attention(attention: Attention) -> UInt8:
    """(H, W, 3) BGR picture.

    Above the lip frames about the moment with a bar for the attention that each was given, below a map of the seconds
    around: each row is a frame of the sound, each column a lip frame, the darker the more attention.
    """
    height = 3 * _EDGE + 3 * _LINE + _BARS + _strip(attention) + _SIDE + 2 * _LINE
    picture = np.full((height, _WIDTH, 3), _PAPER, np.uint8)
    given = attention.asked()
    to_lips, top = float(given.sum()), _EDGE + _LINE
    _write(picture, f"{attention.at:.2f} s: lip frames that the sound attended to ({attention.who})", (_EDGE, top))
    facts = f"{to_lips:.0%} of its attention went to lips"
    if to_lips > 0:
        facts += f", on average {_mean_lag(attention, given):+.0f} ms away"
    _write(picture, facts, (_EDGE, top + _LINE))
    bottom = _draw_lips(picture, attention, given, top + 2 * _LINE)
    _draw_map(picture, attention, bottom + _EDGE)
    return picture


def _mean_lag(attention: Attention, given: Float32) -> float:
    """Milliseconds by which the lips attended to are later than the moment."""
    return float((given * (attention.lip_times - attention.at)).sum() / given.sum()) * 1000


def _shown(attention: Attention) -> npt.NDArray[np.intp]:
    return np.flatnonzero(np.abs(attention.lip_times - attention.at) <= AROUND + 1e-3)


def _strip(attention: Attention) -> int:
    """Pixels of a lip frame's side."""
    return (_WIDTH - 2 * _EDGE) // max(1, len(_shown(attention)))


def _draw_lips(picture: UInt8, attention: Attention, given: Float32, top: int) -> int:
    """Bars, and the mouths under them; returns where they end."""
    side, foot = _strip(attention), top + _BARS
    most = max(float(given.max(initial=0.0)), 1e-6)
    for place, index in enumerate(_shown(attention)):
        left = _EDGE + place * side
        bar = round(float(given[index]) / most * (_BARS - _LINE))
        cv2.rectangle(picture, (left + 2, foot - bar), (left + side - 3, foot), _BAR, cv2.FILLED)
        mouth = cv2.resize(attention.crops[index], (side, side), interpolation=cv2.INTER_AREA)
        picture[foot + 2 : foot + 2 + side, left : left + side] = mouth[:, :, None] if attention.seen[index] else _PALE
        if abs(attention.lip_times[index] - attention.at) <= 0.02 + 1e-6:
            cv2.rectangle(picture, (left, foot + 2), (left + side - 1, foot + 1 + side), _BAR, 2)
    _write(picture, f"{most:.1%}", (_EDGE, top + _LINE // 2), 0.45)
    return foot + 2 + side


def _draw_map(picture: UInt8, attention: Attention, top: int) -> None:
    heard, looked = (np.abs(times - attention.at) <= _MAP for times in (attention.sound_times, attention.lip_times))
    weights = attention.weights[heard][:, looked]
    shade = 1 - np.sqrt(weights / max(float(weights.max(initial=0.0)), 1e-6))
    gray = cv2.resize((shade * 255).astype(np.uint8), (_SIDE, _SIDE), interpolation=cv2.INTER_NEAREST)
    left = _EDGE + 110
    picture[top : top + _SIDE, left : left + _SIDE] = cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)
    cv2.rectangle(picture, (left, top), (left + _SIDE, top + _SIDE), _PALE, 1)
    times = attention.sound_times[heard]
    first, last = float(times.min()), float(times.max())
    row = top + round((attention.at - first) / max(last - first, 1e-6) * _SIDE)
    cv2.line(picture, (left - 8, row), (left, row), _BAR, 2)
    _write(picture, f"{attention.at:.2f} s", (_EDGE, row + 6), 0.5)
    _write(picture, f"{first:.2f} s", (_EDGE, top + 12), 0.5)
    _write(picture, f"{last:.2f} s", (_EDGE, top + _SIDE), 0.5)
    beside = left + _SIDE + _EDGE
    _write(picture, "down: the sound; across: the lips, of the same seconds", (beside, top + 14), 0.5)
    _write(picture, "dark: much attention (square root)", (beside, top + 14 + _LINE), 0.5)
    _write(picture, "white columns: no mouth seen", (beside, top + 14 + 2 * _LINE), 0.5)


def _write(picture: UInt8, text: str, place: tuple[int, int], size: float = 0.6) -> None:
    cv2.putText(picture, text, place, _FONT, size, _INK, 1, cv2.LINE_AA)
