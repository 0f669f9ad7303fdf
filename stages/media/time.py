"""Timestamps of recorded media: isolated errors taken out, resets bridged."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

F = TypeVar("F")

MAX_GAP_US = 30 * 60 * 1_000_000
"""A jump forward of more than this is a reset of the recorder's clock, not a gap."""
MAX_BACK_US = 1_000_000
"""A jump back of more than this is a reset, not a repetition."""
_OUT_OF_LINE_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Timed(Generic[F]):
    """A decoded frame and its place on the container's clock.

    Attributes:
        frame: the frame.
        time: presentation time in microseconds, None if the container does not tell.
        duration: how much time the frame covers, microseconds.
    """

    frame: F
    time: int | None
    duration: int


def without_strays(frames: Iterable[Timed[F]]) -> Iterator[Timed[F]]:
    """Forget a time stamp that lies more than a second off the line of both its neighbours: a transmission error.

    Taken at its word, one wrong stamp would put minutes of silence into the sound. Looks one frame ahead.
    """
    expected: int | None = None
    held: Timed[F] | None = None
    for frame in frames:
        if held is not None:
            if expected is not None and _is_stray(held, expected, frame):
                held = dataclasses.replace(held, time=None)
            yield held
            expected = _end(held, expected)
        held = frame
    if held is not None:
        yield held


def _is_stray(held: Timed[F], expected: int, following: Timed[F]) -> bool:
    if held.time is None or following.time is None or abs(held.time - expected) <= _OUT_OF_LINE_US:
        return False
    return abs(following.time - expected - held.duration) <= _OUT_OF_LINE_US


def _end(frame: Timed[F], expected: int | None) -> int | None:
    start = expected if frame.time is None else frame.time
    return None if start is None else start + frame.duration


class SessionTime:
    """Maps one track's container times to session time.

    A recorder that restarts, or files that were joined, make the timestamps jump far forward or back. Such a reset is
    bridged: what follows is put right behind what came before. Each track bridges its own resets, so that after one
    sound and picture may differ by as much as their ends did.

    Args:
        origin: the container's time that is session time zero, microseconds.
        max_gaps: most microseconds by which the time may jump forward in all; further jumps are bridged like resets.
            None for no such limit. Gaps of up to a second are not counted.
    """

    def __init__(self, origin: int, max_gaps: int | None = None) -> None:
        self.resets = 0
        self._shift = -origin
        self._gaps_left = max_gaps

    def place(self, time: int | None, expected: int | None) -> int:
        """Session time of a frame in microseconds.

        Args:
            time: its container time, None if not known.
            expected: session time at which the frame before ended, None for the first.
        """
        if time is None:
            return expected or 0
        placed = time + self._shift
        if expected is not None and not expected - MAX_BACK_US <= placed <= expected + self._longest_gap():
            self._shift += expected - placed
            self.resets += 1
            return expected
        if expected is not None and self._gaps_left is not None and placed - expected > _OUT_OF_LINE_US:
            self._gaps_left -= placed - expected
        return placed

    def _longest_gap(self) -> int:
        return MAX_GAP_US if self._gaps_left is None else max(_OUT_OF_LINE_US, min(MAX_GAP_US, self._gaps_left))
