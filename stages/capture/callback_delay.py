"""How long captured sound lay with the sound system before the program was given it."""

from __future__ import annotations

_WINDOW_US = 10_000_000
_LEAST_US = 50_000
# No sound system keeps more: a clock that says so has been set, or stands still.
_MOST_US = 2_000_000


class CallbackDelay:
    """Tells a callback that came late from samples that are missing: both make blocks arrive later than their count.

    The sound system's clock has an unknown zero and the device a constant latency, so the delay counts from the least
    of the last 10 to 20 s. A clock that does not tell the truth therefore excuses a loss for no longer than that.
    """

    def __init__(self) -> None:
        self._begun: int | None = None
        self._least = 0
        self._least_before = 0

    def update(self, arrival: int, recorded: float | None) -> int:
        """Note a block; returns by how much its callback was late in microseconds, 0 if nobody can tell.

        Args:
            arrival: session time of the callback, microseconds.
            recorded: when its last sample was recorded, in seconds on the sound system's clock; None if not known.
        """
        if recorded is None:
            return 0
        lag = arrival - round(recorded * 1e6)
        if self._begun is None:
            self._begun, self._least, self._least_before = arrival, lag, lag
        elif arrival - self._begun > _WINDOW_US:
            self._begun, self._least, self._least_before = arrival, lag, self._least
        self._least = min(self._least, lag)
        late = lag - min(self._least, self._least_before)
        # Less is jitter, and some sound systems only estimate the time.
        return late if _LEAST_US <= late <= _MOST_US else 0
