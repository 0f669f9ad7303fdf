"""Notices a capture device whose sample rate is not the one it was opened with."""

from __future__ import annotations

WINDOW_US = 1_000_000
"""Length of one measurement, microseconds."""
WINDOWS = 4
"""So many measurements, one after the other, must be off the same way: a stall and the burst after it are not."""
TOLERANCE = 0.03
"""By how much a measurement may be off, as a part of the rate. No crystal is off by a hundredth of it."""


class RateWatch:
    """Holds the samples a device delivers against the session clock.

    A headset that changes its profile may go on delivering at another rate than it was opened with, and nothing says
    so: everything said would then be too high or too low, and the timeline would run away.

    Args:
        rate: the rate it was opened with, samples a second.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._begun: int | None = None
        self._samples = 0
        self._measured: list[float] = []

    def update(self, samples: int, arrival: int) -> float | None:
        """Note that a block of so many samples came at `arrival` (us); returns the true rate if it is another one."""
        if self._begun is None:
            self._begun = arrival
            return None
        self._samples += samples
        span = arrival - self._begun
        if span < WINDOW_US:
            return None
        ratio = self._samples * 1e6 / span / self._rate
        self._begun, self._samples = arrival, 0
        if abs(ratio - 1) <= TOLERANCE:
            self._measured.clear()
            return None
        if self._measured and (self._measured[-1] > 1) != (ratio > 1):
            self._measured.clear()
        self._measured.append(ratio)
        if len(self._measured) < WINDOWS:
            return None
        # The first of them may have begun before the change.
        return self._rate * self._measured[-1]
