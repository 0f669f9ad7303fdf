"""The session clock: one time base, integer microseconds from session start."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod


class Clock(ABC):
    """Source of session time."""

    @abstractmethod
    def start(self) -> None:
        """Set session time to zero, now."""

    @abstractmethod
    def now(self) -> int:
        """Session time in microseconds; never goes back."""

    @abstractmethod
    def wait(self, condition: threading.Condition, timeout: int | None) -> None:
        """Wait on a held condition for at most `timeout` microseconds of session time (None: until notified)."""

    @abstractmethod
    def sleep(self, duration: int, stop: threading.Event) -> None:
        """Sleep for `duration` microseconds of session time, or until `stop` is set."""


class MonotonicClock(Clock):
    """Session time from the operating system's monotonic clock; 0 until it is started."""

    def __init__(self) -> None:
        self._origin: int | None = None

    def start(self) -> None:
        """Set session time to zero, now."""
        self._origin = time.monotonic_ns()

    def now(self) -> int:
        """Session time in microseconds."""
        return 0 if self._origin is None else (time.monotonic_ns() - self._origin) // 1000

    def wait(self, condition: threading.Condition, timeout: int | None) -> None:
        """Wait on a held condition for at most `timeout` microseconds."""
        condition.wait(None if timeout is None else timeout / 1e6)

    def sleep(self, duration: int, stop: threading.Event) -> None:
        """Sleep for `duration` microseconds, or until `stop` is set."""
        if duration > 0:
            stop.wait(duration / 1e6)
