"""Session time of what a program hands over, by the program's own clock."""

from __future__ import annotations

import threading

from lipstream.stages.capture.audio_clock import AudioClock


class Timeline:
    """Maps a program's time to session time, both in microseconds.

    In a live run by arrival: what is handed over comes late, never early, so the line through the earliest arrivals is
    where the program's clock is (`AudioClock`), its drift included. Else session time is the program's, counted from
    the first thing that it handed over.

    Args:
        live: see above.
    """

    def __init__(self, live: bool) -> None:
        self._live = live
        self._lock = threading.Lock()
        self._clock = AudioClock(1_000_000)
        self._origin: int | None = None

    @property
    def known(self) -> bool:
        """Whether it has been told anything."""
        with self._lock:
            return self._origin is not None

    def begin(self, time: int) -> None:
        """Note the program's time of the first thing; later calls do nothing."""
        with self._lock:
            if self._origin is None:
                self._origin = time

    def tie(self, time: int, arrival: int) -> int:
        """Note that something up to a time of the program's came at a session time.

        Returns:
            Microseconds that must be missing before it, where the program does not tell times itself.
        """
        with self._lock:
            if self._origin is None:
                self._origin = time
            if not self._live:
                return 0
            self._clock.update(time - self._origin, arrival)
            return self._clock.missing(reported=False)

    def restart(self, time: int, arrival: int) -> None:
        """Begin anew: from here on what is up to a time of the program's is at this session time."""
        with self._lock:
            if not self._live:
                self._origin = time - arrival
                return
            self._clock, self._origin = AudioClock(1_000_000), time
            self._clock.update(0, arrival)

    def time_of(self, time: float) -> int:
        """Session time of a time of the program's."""
        with self._lock:
            passed = time - (self._origin or 0)
            return self._clock.time_of(passed) if self._live else round(passed)
