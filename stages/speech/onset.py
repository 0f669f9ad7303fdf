"""Where speech begins: enough voice within a short time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from lipstream.config.schema import LONGEST_ONSET, VadConfig
from lipstream.pipeline import micros
from lipstream.stages.payloads import SAMPLE_RATE, Float32

WINDOW = 512
"""Samples of one decision of the network."""
WINDOW_SECONDS = WINDOW / SAMPLE_RATE
_HYSTERESIS = 0.15
"""By how much the threshold at which voice ends is lower than that at which it begins, as in Silero's own iterator."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A window and how likely it is speech.

    Attributes:
        samples: (WINDOW,) float32.
        timestamp: of the first sample, microseconds.
        probability: that it is speech, in [0, 1].
    """

    samples: Float32
    timestamp: int
    probability: float

    @property
    def end(self) -> int:
        """Its end, microseconds."""
        return self.timestamp + micros(WINDOW_SECONDS)


@dataclass(frozen=True, slots=True)
class Beginning:
    """Speech has begun.

    Attributes:
        windows: the pre-roll, and what was heard since.
        start: first voiced moment, microseconds.
    """

    windows: list[Heard]
    start: int


def low_threshold(threshold: float) -> float:
    """The probability below which voice that began at `threshold` is over."""
    return max(0.01, threshold - _HYSTERESIS)


class Onset:
    """Waits for speech, and keeps the pre-roll meanwhile.

    Args:
        config: `threshold`, `min_speech` and `pre_roll`.
    """

    def __init__(self, config: VadConfig) -> None:
        self._config = config
        self._low = low_threshold(config.threshold)
        self._waiting: deque[Heard] = deque()
        self._voiced = 0
        self._start = 0

    @property
    def voiced(self) -> bool:
        """Whether voice was heard of late, if not enough of it."""
        return self._voiced > 0

    @property
    def held(self) -> int | None:
        """Timestamp (us) of the oldest window kept; None if none is."""
        return self._waiting[0].timestamp if self._waiting else None

    def add(self, heard: Heard) -> Beginning | None:
        """Take a window; tells, once, that speech has begun with what was heard up to it."""
        self._waiting.append(heard)
        if self._voiced and heard.timestamp - self._start >= micros(self._config.min_speech + LONGEST_ONSET):
            # Scattered voiced moments are no speech, however many there are.
            self._voiced = 0
        if heard.probability >= self._config.threshold:
            self._start = heard.timestamp if not self._voiced else self._start
            self._voiced += 1
        elif heard.probability < self._low:
            self._voiced = 0
        if self._voiced and self._voiced * WINDOW_SECONDS >= self._config.min_speech:
            return self._begin()
        keep_from = (self._start if self._voiced else heard.end) - micros(self._config.pre_roll)
        while self._waiting and self._waiting[0].end <= keep_from:
            self._waiting.popleft()
        return None

    def _begin(self) -> Beginning:
        beginning = Beginning(list(self._waiting), self._start)
        self._waiting.clear()
        self._voiced = 0
        return beginning
