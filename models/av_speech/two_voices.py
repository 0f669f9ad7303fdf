"""Two visible people who speak at once: of every band, how much is the one's and how much the other's.

Each mouth has its own mask, and where the masks are wrong they mostly want the same voice, the louder one. So they
compete: of a band each has the part that its mask has of both, as a Wiener filter has it of two estimated powers.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from lipstream.models.av_speech.recording import Bool, Float32

_POWER: Final = 2.0
"""Of the masks, which are of loudness, before they are compared: above 1, who has more of a band has most of it."""
_FLOOR: Final = 0.05
"""Least gain: what is taken away whole leaves holes that a recogniser takes for sounds."""
_LEAST: Final = 1e-6


def competing(one: Float32, other: Float32) -> Float32:
    """(T, BANDS) what of each band is the one's, from (T, BANDS) masks in [0, 1] of the one and of the other."""
    mine, theirs = np.power(one, _POWER), np.power(other, _POWER)
    return np.asarray(mine / (mine + theirs + _LEAST), np.float32)


def softened(gains: Float32, faded: Float32) -> Float32:
    """(T, BANDS) what to multiply the sound by: `gains` where (T,) `faded` is 1, and 1 where it is 0."""
    return np.asarray(np.power(np.maximum(gains, _FLOOR), faded[:, None]), np.float32)


def both_heard(one: Bool, other: Bool) -> Bool:
    """(T,) where both mouths are found to speak among other voices, by what is found of each."""
    return one & other
