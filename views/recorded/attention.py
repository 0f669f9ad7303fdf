"""`explain`: which lip frames counted for the sound of one moment, as a picture: by attention, or by hiding them."""

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
MAP: Final = 1.5
"""Seconds to either side that the map shows."""
WIDTH: Final = 1240
EDGE: Final = 20
BARS: Final = 150
SIDE: Final = 560
LINE: Final = 26
PAPER: Final = (255, 255, 255)
_INK: Final = (40, 40, 40)
PALE: Final = (200, 200, 200)
BAR: Final = (190, 110, 30)
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
    height = 3 * EDGE + 3 * LINE + BARS + strip_of(attention) + SIDE + 2 * LINE
    picture = np.full((height, WIDTH, 3), PAPER, np.uint8)
    given = attention.asked()
    to_lips, top = float(given.sum()), EDGE + LINE
    write(picture, f"{attention.at:.2f} s: lip frames that the sound attended to ({attention.who})", (EDGE, top))
    facts = f"{to_lips:.0%} of its attention went to lips"
    if to_lips > 0:
        facts += f", on average {_mean_lag(attention, given):+.0f} ms away"
    write(picture, facts, (EDGE, top + LINE))
    bottom = draw_lips(picture, attention, given, top + 2 * LINE)
    draw_map(picture, attention, bottom + EDGE)
    return picture


def _mean_lag(attention: Attention, given: Float32) -> float:
    """Milliseconds by which the lips attended to are later than the moment."""
    return float((given * (attention.lip_times - attention.at)).sum() / given.sum()) * 1000


def shown_of(attention: Attention) -> npt.NDArray[np.intp]:
    """The lip frames that are shown as pictures."""
    return np.flatnonzero(np.abs(attention.lip_times - attention.at) <= AROUND + 1e-3)


def strip_of(attention: Attention) -> int:
    """Pixels of a lip frame's side."""
    return (WIDTH - 2 * EDGE) // max(1, len(shown_of(attention)))


def draw_lips(picture: UInt8, attention: Attention, given: Float32, top: int) -> int:
    """Bars, and the mouths under them.

    Args:
        picture: drawn in place.
        attention: whose lips.
        given: (L,) what a bar stands for.
        top: row at which it begins.

    Returns:
        The row at which it ends.
    """
    side, foot = strip_of(attention), top + BARS
    most = max(float(given.max(initial=0.0)), 1e-6)
    for place, index in enumerate(shown_of(attention)):
        left = EDGE + place * side
        bar = round(float(given[index]) / most * (BARS - LINE))
        cv2.rectangle(picture, (left + 2, foot - bar), (left + side - 3, foot), BAR, cv2.FILLED)
        mouth = cv2.resize(attention.crops[index], (side, side), interpolation=cv2.INTER_AREA)
        picture[foot + 2 : foot + 2 + side, left : left + side] = mouth[:, :, None] if attention.seen[index] else PALE
        if abs(attention.lip_times[index] - attention.at) <= 0.02 + 1e-6:
            cv2.rectangle(picture, (left, foot + 2), (left + side - 1, foot + 1 + side), BAR, 2)
    write(picture, f"{most:.1%}", (EDGE, top + LINE // 2), 0.45)
    return foot + 2 + side


def draw_map(picture: UInt8, attention: Attention, top: int, dark: str = "much attention") -> None:
    """A map: each row a frame of the sound, each column a lip frame.

    Args:
        picture: drawn in place.
        attention: what to draw.
        top: row at which it begins; it is `SIDE` rows high.
        dark: what a dark place means.
    """
    heard, looked = (np.abs(times - attention.at) <= MAP for times in (attention.sound_times, attention.lip_times))
    weights = attention.weights[heard][:, looked]
    shade = 1 - np.sqrt(weights / max(float(weights.max(initial=0.0)), 1e-6))
    gray = cv2.resize((shade * 255).astype(np.uint8), (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)
    left = EDGE + 110
    picture[top : top + SIDE, left : left + SIDE] = cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)
    cv2.rectangle(picture, (left, top), (left + SIDE, top + SIDE), PALE, 1)
    times = attention.sound_times[heard]
    first, last = float(times.min()), float(times.max())
    row = top + round((attention.at - first) / max(last - first, 1e-6) * SIDE)
    cv2.line(picture, (left - 8, row), (left, row), BAR, 2)
    write(picture, f"{attention.at:.2f} s", (EDGE, row + 6), 0.5)
    write(picture, f"{first:.2f} s", (EDGE, top + 12), 0.5)
    write(picture, f"{last:.2f} s", (EDGE, top + SIDE), 0.5)
    beside = left + SIDE + EDGE
    write(picture, "down: the sound; across: the lips, of the same seconds", (beside, top + 14), 0.5)
    write(picture, f"dark: {dark} (square root)", (beside, top + 14 + LINE), 0.5)
    write(picture, "white columns: no mouth seen", (beside, top + 14 + 2 * LINE), 0.5)


def write(picture: UInt8, text: str, place: tuple[int, int], size: float = 0.6) -> None:
    """Write a line of ASCII; `place` is where its baseline begins."""
    cv2.putText(picture, text, place, _FONT, size, _INK, 1, cv2.LINE_AA)
