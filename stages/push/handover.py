"""Between a program's thread and a source's: a bounded queue, by length in time and by items."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

from lipstream.pipeline import PipelineError
from lipstream.pipeline.clock import Clock

T = TypeVar("T")

START_SECONDS = 5.0
"""How long a run may take to begin before who waits for room is told that there is none."""


class Handover(Generic[T]):
    """Things on their way from a program to a source.

    Args:
        seconds: most seconds of them that wait. One that is longer is taken where nothing waits, as it would never fit:
            who puts it in keeps each to `longest`.
        items: most of them that wait.

    Attributes:
        lost: seconds that did not fit, so far.
        longest: seconds of one thing that fit where nothing waits.
    """

    def __init__(self, seconds: float, items: int) -> None:
        self.lost = 0.0
        self.longest = seconds
        self._items = items
        self._queue: deque[tuple[T, float, bool]] = deque()
        self._marks = 0
        self._waiting = 0.0
        self._changed = threading.Condition()
        self._ended = False
        self._closed = False
        self._clock: Clock | None = None

    def attach(self, clock: Clock) -> None:
        """A run takes from here now, by this clock."""
        with self._changed:
            self._clock = clock
            self._changed.notify_all()

    def now(self) -> int:
        """Session time in microseconds; 0 before the session has begun."""
        return 0 if self._clock is None else self._clock.now()

    @property
    def waiting(self) -> float:
        """Seconds that wait."""
        with self._changed:
            return self._waiting

    @property
    def over(self) -> bool:
        """Whether nothing waits and nothing more will come."""
        with self._changed:
            return self._ended and not self._queue

    @property
    def open(self) -> bool:
        """Whether what is put gets anywhere."""
        with self._changed:
            return not (self._ended or self._closed)

    def put(self, item: T, seconds: float, block: bool) -> bool:
        """Hand something over.

        Args:
            item: what.
            seconds: how long it lasts.
            block: wait until there is room; else what finds none is lost and counted.

        Returns:
            Whether it was taken.

        Raises:
            PipelineError: there is no room, and no run that would make some.
        """
        with self._changed:
            while self._is_full(seconds):
                if not block:
                    self.lost += seconds
                    return False
                if self._clock is None and not self._changed.wait_for(lambda: self._clock, START_SECONDS):
                    raise PipelineError("the run that this is pushed to has not been started: call start() first")
                if self._is_full(seconds):
                    self._changed.wait()
            if self._ended or self._closed:
                return False
            self._add(item, seconds)
            return True

    def replace(self, item: T) -> bool:
        """Hand something over in place of all that waits; returns whether it was taken."""
        with self._changed:
            if self._ended or self._closed:
                return False
            self._clear()
            self._add(item, 0.0)
            return True

    def mark(self, item: T) -> None:
        """Put a note behind what waits; it takes no room, and of several in a row the last is kept."""
        with self._changed:
            if self._ended or self._closed:
                return
            if self._queue and self._queue[-1][2]:
                self._queue.pop()
                self._marks -= 1
            self._add(item, 0.0, mark=True)

    def get(self, timeout: float) -> T | None:
        """The next thing; None if none came for `timeout` seconds, or none will come any more."""
        with self._changed:
            if not self._queue and not self._ended:
                self._changed.wait(timeout)
            if not self._queue:
                return None
            item, seconds, mark = self._queue.popleft()
            self._waiting -= seconds
            self._marks -= mark
            self._changed.notify_all()
            return item

    def end(self) -> None:
        """Nothing more will come."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def close(self) -> None:
        """Nobody takes anything any more: throw away what waits and all that will be put."""
        with self._changed:
            self._closed = True
            self._clear()
            self._changed.notify_all()

    def _is_full(self, seconds: float) -> bool:
        waiting = len(self._queue) - self._marks
        if self._ended or self._closed or not waiting:
            return False
        return waiting >= self._items or self._waiting + seconds > self.longest

    def _clear(self) -> None:
        self._queue.clear()
        self._waiting, self._marks = 0.0, 0

    def _add(self, item: T, seconds: float, mark: bool = False) -> None:
        self._queue.append((item, seconds, mark))
        self._waiting += seconds
        self._marks += mark
        self._changed.notify_all()
