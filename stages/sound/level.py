"""How loud sound is."""

from __future__ import annotations

import math

import numpy as np

from lipstream.stages.payloads import SAMPLE_RATE, Float32

FLOOR = -100.0
"""The lowest level, in dB of full scale, and that of silence."""

SILENT = 10 ** (-80 / 20)
"""Peak, in [0, 1], below which sound is silence: noise of the last bit of sixteen is not louder."""


class LevelMeter:
    """Measures the level of consecutive stretches of sound.

    Args:
        rate: measures a second, > 0; each covers as many whole blocks as it takes.
    """

    def __init__(self, rate: float) -> None:
        self._length = SAMPLE_RATE / rate
        self._count = 0
        self._due = self._length
        self._energy = 0.0
        self._samples = 0

    def add(self, samples: Float32) -> float | None:
        """Take a block; returns the root mean square since the last measure, in dB of full scale, when one is due."""
        self._energy += float(np.dot(samples, samples))
        self._samples += len(samples)
        self._count += len(samples)
        # Due on a grid of its own, so that the rate holds on average whatever the size of the blocks.
        if self._count < self._due - len(samples) / 2:
            return None
        self._due += self._length
        power, self._energy, self._samples = self._energy / max(1, self._samples), 0.0, 0
        return round(max(FLOOR, 10 * math.log10(power)), 1) if power > 0 else FLOOR
