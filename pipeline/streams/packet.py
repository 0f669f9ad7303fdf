"""The unit of data on a stream, and the units of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

MICROS_PER_SECOND = 1_000_000

T_co = TypeVar("T_co", covariant=True)


def micros(seconds: float) -> int:
    """Convert seconds to integer microseconds, rounding to the nearest."""
    return round(seconds * MICROS_PER_SECOND)


def seconds(microseconds: int) -> float:
    """Convert integer microseconds to seconds."""
    return microseconds / MICROS_PER_SECOND


@dataclass(frozen=True, slots=True)
class Packet(Generic[T_co]):
    """One timestamped item on a stream.

    Attributes:
        timestamp: start of what the payload covers, in microseconds on the session clock.
        payload: the data; treated as immutable once emitted, because several consumers may hold it.
        duration: how much time the payload covers, in microseconds, >= 0.
    """

    timestamp: int
    payload: T_co
    duration: int = 0

    @property
    def end(self) -> int:
        """End of what the payload covers, in microseconds."""
        return self.timestamp + self.duration
