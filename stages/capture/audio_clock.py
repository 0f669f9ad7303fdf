"""Session time of captured sound: the device's sample count, held against the session clock."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque

# Blocks are collected in bins of a second, of which the earliest arrival counts; so many bins are looked back on.
_BIN_US = 1_000_000
_BINS = 60
# A slope needs this long a baseline: over less, what jitter is left in the bins would pass for drift.
_MIN_BASELINE_US = 10_000_000
_MAX_DRIFT = 500e-6
# How fast times are pulled to where they belong, and how hard at most: quickly at first, when a bad start is likely
# and no earlier times hang on it, imperceptibly later.
_STARTUP_US = 2_000_000
_PULL_AT_START_US = 400_000
_MAX_PULL_AT_START = 0.1
_PULL_US = 2_000_000
_MAX_PULL = 0.005
_KNOTS = 256

SUDDEN_LAG_US = 100_000
"""Blocks later than this, all of them for `LAG_WINDOW_US`, are not delayed: samples before them are missing."""
LAG_WINDOW_US = 1_000_000
REPORTED_LAG_US = 10_000
"""The same where the device itself says that it lost samples: less lag, over `REPORTED_WINDOW_US`, is enough."""
REPORTED_WINDOW_US = 200_000


class AudioClock:
    """Maps the sample count of a capture device to session time.

    A block can arrive late but never early, so the earliest arrivals tell the truth: the line through them from below
    (the lower convex hull of arrival minus nominal time over the last minute, at its mean; S. Moon, P. Skelly and
    D. Towsley, "Estimation and removal of clock skew from network delay measurements", 1999) is where samples are in
    session time, up to the device's constant latency. Its slope is the drift of the device's clock. Times follow that
    line smoothly and only ever grow.

    Args:
        rate: nominal rate of the device, samples a second.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._bins: deque[tuple[float, float]] = deque(maxlen=_BINS)
        self._level = 0.0
        self._drift = 0.0
        self._since = 0.0
        self._started: float | None = None
        self._recent: deque[tuple[int, float, int]] = deque()
        self._counts: deque[int] = deque(maxlen=_KNOTS)
        self._times: deque[float] = deque(maxlen=_KNOTS)

    @property
    def drift(self) -> float:
        """By how much the device's clock is slow against the session clock: 0.0002 is 200 ppm."""
        return self._drift

    def update(self, samples: int, arrival: int, delayed: int = 0) -> None:
        """Note that the sample count, of everything up to the newest block, was `samples` at `arrival` (us).

        Args:
            samples: the count.
            arrival: session time at which the block came, microseconds.
            delayed: by how much it is known to have come late, microseconds.
        """
        nominal = samples * 1e6 / self._rate
        offset = arrival - nominal
        if self._started is None:
            self._started, self._level, self._since = nominal, offset, nominal
        self._collect(nominal, offset)
        self._level = min(self._level, offset - self._drift * (nominal - self._since))
        line = self._line(nominal)
        self._recent.append((arrival, offset - line, delayed))
        while arrival - self._recent[0][0] > LAG_WINDOW_US:
            self._recent.popleft()
        self._tie(samples, nominal, line)

    def time_of(self, sample: float) -> int:
        """Session time in microseconds of a sample by its index; it never goes back as the index grows."""
        if not self._counts:
            return round(sample * 1e6 / self._rate)
        after = bisect_right(self._counts, sample)
        if 0 < after < len(self._counts):
            first, last = self._counts[after - 1], self._counts[after]
            share = (sample - first) / (last - first)
            return round(self._times[after - 1] + share * (self._times[after] - self._times[after - 1]))
        knot = min(after, len(self._counts) - 1)
        return round(self._times[knot] + (sample - self._counts[knot]) * 1e6 / self._rate)

    def missing(self, reported: bool) -> int:
        """Microseconds of sound that must have been lost before the newest block; 0 while delay may explain the lag.

        Args:
            reported: the device itself said lately that it lost samples.
        """
        window, lag = (REPORTED_WINDOW_US, REPORTED_LAG_US) if reported else (LAG_WINDOW_US, SUDDEN_LAG_US)
        newest = self._recent[-1][0]
        if newest - self._recent[0][0] < window * 0.9:
            return 0
        # Where the device itself reports a loss it is believed, whatever its clock says.
        lags = (
            (late if reported else late - delayed)
            for arrival, late, delayed in self._recent
            if newest - arrival <= window
        )
        least = min(lags)
        return round(least) if least > lag else 0

    def _line(self, nominal: float) -> float:
        return self._level + self._drift * (nominal - self._since)

    def _collect(self, nominal: float, offset: float) -> None:
        if not self._bins or nominal // _BIN_US != self._bins[-1][0] // _BIN_US:
            self._fit(nominal)
            self._bins.append((nominal, offset))
        elif offset < self._bins[-1][1]:
            self._bins[-1] = (nominal, offset)

    def _fit(self, nominal: float) -> None:
        """Lay the line anew through the bins that are complete."""
        if not self._bins:
            return
        hull = _lower_hull(self._bins)
        middle = sum(x for x, _ in self._bins) / len(self._bins)
        if self._bins[-1][0] - self._bins[0][0] >= _MIN_BASELINE_US:
            right = next(i for i in range(1, len(hull)) if hull[i][0] >= middle)
            (x0, y0), (x1, y1) = hull[right - 1], hull[right]
            self._drift = min(_MAX_DRIFT, max(-_MAX_DRIFT, (y1 - y0) / (x1 - x0)))
        self._since = nominal
        self._level = min(y + self._drift * (nominal - x) for x, y in self._bins)

    def _tie(self, samples: int, nominal: float, line: float) -> None:
        """Fix the time of the newest sample, between where it would follow the last one and where the line has it."""
        if not self._counts:
            self._counts.append(samples)
            self._times.append(nominal + line)
            return
        elapsed = (samples - self._counts[-1]) * 1e6 / self._rate
        if elapsed <= 0:
            return
        followed = self._times[-1] + elapsed * (1 + self._drift)
        assert self._started is not None
        starting = nominal - self._started < _STARTUP_US
        time, most = (_PULL_AT_START_US, _MAX_PULL_AT_START) if starting else (_PULL_US, _MAX_PULL)
        pull = (nominal + line - followed) * min(1.0, elapsed / time)
        self._counts.append(samples)
        self._times.append(followed + min(most * elapsed, max(-most * elapsed, pull)))


def _lower_hull(points: deque[tuple[float, float]]) -> list[tuple[float, float]]:
    hull: list[tuple[float, float]] = []
    for x, y in points:
        while len(hull) > 1 and _above(hull[-2], hull[-1], (x, y)):
            hull.pop()
        hull.append((x, y))
    return hull


def _above(first: tuple[float, float], middle: tuple[float, float], last: tuple[float, float]) -> bool:
    """Whether the middle point lies on or above the line between the others."""
    run, rise = last[0] - first[0], last[1] - first[1]
    return (middle[1] - first[1]) * run >= rise * (middle[0] - first[0])
