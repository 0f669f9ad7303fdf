"""Where in a segment the visible speaker and other voices are heard at the same time.

People who talk take turns and cut in on each other. What is said by one alone is all to be read; only what is said at
once is worth taking apart. So whose moment it is is told for every frame, from about a second around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from lipstream.models.av_speech.recording import LIP_RATE, Bool, Float32
from lipstream.models.av_speech.voice_bands import RATE

AROUND: Final = 1.0
"""Seconds over which what a frame shows is averaged."""
_MOTION: Final = 0.6
"""Seconds over which the opening of the mouth is taken to move or not."""
_REST: Final = 0.5
"""Seconds without overlap that are passed over: a turn is longer."""
_SHORTEST: Final = 2.0
"""Seconds of an overlap. A shorter one is a word or two, and to take it apart costs more than it brings."""
_MOSTLY: Final = 0.8
"""Share of a segment that a shorter overlap must fill to count all the same."""
_LEAST: Final = 1 / 3
"""Share of a segment that overlaps must fill together. Where people cut in on each other overlaps are a part of what is
said, and to take them apart costs words of both."""
_AUDIBLE: Final = 0.4
"""Loudness of a frame that counts for the mixture, in parts of the loudest frame's."""
_MIXED: Final = (0.3, 0.85)
"""Share of the own voice in a frame in which others are heard too."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What must be reached, on the average over `AROUND`.

    Attributes:
        own: probability that the visible mouth, which moves, is the voice heard.
        other: probability that another voice is heard.
        mixed: share of the loudness in frames in which both are heard.
    """

    own: float
    other: float
    mixed: float


BEGINS: Final = Bounds(own=0.1, other=0.5, mixed=0.4)
"""Where an overlap is certain."""
LASTS: Final = Bounds(own=0.0, other=0.3, mixed=0.25)
"""As far as it reaches to either side. Beside others a mouth is not told to be heard all the time."""
MOVES: Final = 0.012
"""Standard deviation of the opening of a mouth that moves, in distances between the outer corners of the eyes."""


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """What is known of a segment: the mouth in L lip frames at 25 Hz, the sound in T frames of 24 ms.

    Attributes:
        own: (L,) float32 probability that the mouth is the voice heard.
        opening: (L,) float32 gap between the inner lips (`lipstream.models.face.lips.opening`).
        seen: (L,) where a mouth is seen; elsewhere `own` and `opening` mean nothing.
        loud: (T,) float32 loudness.
        kept: (T,) float32 share of it that is the own voice's.
        other: (T,) float32 probability that another voice is heard.
    """

    own: Float32
    opening: Float32
    seen: Bool
    loud: Float32
    kept: Float32
    other: Float32


def overlapping(moments: Moments) -> Bool:
    """(T,) the frames in which the visible speaker speaks and others are heard too.

    An overlap begins where everything says so (`BEGINS`) and lasts as long as nothing speaks against it (`LASTS`).
    """
    of_lips, count = moments.seen.astype(np.float32), len(moments.loud)
    own = _at_frames(_mean(moments.own, of_lips, AROUND * LIP_RATE), count)
    moves = _at_frames(_mean(_motion(moments), of_lips, AROUND * LIP_RATE), count) >= MOVES
    audible = moments.loud * (moments.loud > _AUDIBLE * moments.loud.max(initial=0.0))
    both = ((moments.kept > _MIXED[0]) & (moments.kept < _MIXED[1])).astype(np.float32)
    mixed = _mean(both, audible, AROUND * RATE)
    other = _mean(moments.other, np.ones_like(moments.other), AROUND * RATE)

    begins, lasts = (
        moves & (own >= bounds.own) & (other >= bounds.other) & (mixed >= bounds.mixed) for bounds in (BEGINS, LASTS)
    )
    found = _without_gaps(_reached(begins, lasts), round(_REST * RATE))
    found = _without_short(found, min(_SHORTEST * RATE, _MOSTLY * count))
    return found if found.sum() >= _LEAST * count else np.zeros_like(found)


def _motion(moments: Moments) -> Float32:
    """(L,) standard deviation of the opening around each lip frame."""
    weights, size = moments.seen.astype(np.float32), _MOTION * LIP_RATE
    square = _mean(np.square(moments.opening), weights, size) - np.square(_mean(moments.opening, weights, size))
    return np.sqrt(np.maximum(0.0, square))


def _mean(values: Float32, weights: Float32, size: float) -> Float32:
    """(N,) the weighted mean of `size` values around each; 0 where there is no weight."""
    kernel = np.ones(2 * round((size - 1) / 2) + 1)
    half = len(kernel) // 2
    total, weight = (
        np.convolve(each.astype(np.float64), kernel)[half:][: len(values)] for each in (values * weights, weights)
    )
    return np.where(weight > 1e-9, total / np.maximum(weight, 1e-9), 0.0).astype(np.float32)


def _at_frames(values: Float32, count: int) -> Float32:
    """Values of lip frames in `count` frames of sound."""
    times = np.arange(count) / RATE
    return np.interp(times, np.arange(len(values)) / LIP_RATE, values).astype(np.float32)


def _runs(flags: Bool) -> list[tuple[int, int]]:
    """First and end of each stretch that is true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    return [(int(first), int(end)) for first, end in edges.reshape(-1, 2)]


def _reached(begins: Bool, lasts: Bool) -> Bool:
    """The stretches of `lasts` in which it begins somewhere."""
    found = np.zeros_like(lasts)
    for first, end in _runs(lasts):
        found[first:end] = begins[first:end].any()
    return found


def _without_gaps(flags: Bool, size: int) -> Bool:
    """Stretches that are less than `size` frames apart become one."""
    filled = flags.copy()
    runs = _runs(flags)
    for (_, end), (first, _) in pairwise(runs):
        filled[end:first] |= first - end < size
    return filled


def _without_short(flags: Bool, size: float) -> Bool:
    """Without the stretches of less than `size` frames."""
    kept = np.zeros_like(flags)
    for first, end in _runs(flags):
        kept[first:end] = end - first >= size
    return kept
