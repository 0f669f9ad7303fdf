"""The bounded queue between the pipeline and one reader of its events."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable

from lipstream.pipeline.events import End, Event

_SLICE = 0.2
"""Seconds of one wait for an event: the main thread may be waiting, and on Windows an endless wait ignores Ctrl-C."""


class EventQueue:
    """A bounded queue of events from the pipeline to one reader.

    Args:
        limit: most events that wait, >= 1.

    Attributes:
        dropped: events that did not fit.
    """

    def __init__(self, limit: int) -> None:
        self.dropped: int = 0
        self._limit = limit
        self._events: deque[Event] = deque()
        self._condition = threading.Condition()
        self._closed = False
        self._finished = False
        self._released = False
        self._waker: Callable[[], object] | None = None

    # The writer's side.

    def offer(self, event: Event) -> bool:
        """Add an event without waiting; returns False when one had to be dropped.

        That is the oldest event which a later one supersedes, among the waiting ones or this one, or else the oldest
        of all. `End` always fits.
        """
        with self._condition:
            fits = len(self._events) < self._limit or isinstance(event, End) or self._closed
            if fits or self._drop_for(event):
                self._append(event)
            return fits

    def put(self, event: Event) -> None:
        """Add an event, waiting for room unless it is `End`."""
        with self._condition:
            while len(self._events) >= self._limit and not (self._closed or self._released or isinstance(event, End)):
                self._condition.wait()
            self._append(event)

    def preload(self, events: Iterable[Event]) -> None:
        """Begin with events of the past, however many."""
        with self._condition:
            self._events.extend(events)
            self._notify()

    def finish(self) -> None:
        """The writer is done: the reader gets what waits, then None."""
        with self._condition:
            self._finished = True
            self._notify()

    def release(self) -> None:
        """Never make the writer wait again."""
        with self._condition:
            self._released = True
            self._notify()

    def _append(self, event: Event) -> None:
        if not self._closed:
            self._events.append(event)
            self._notify()

    def _drop_for(self, event: Event) -> bool:
        """Make room; returns False if it is the event itself that has to go."""
        self.dropped += 1
        for index, waiting in enumerate(self._events):
            if waiting.ephemeral:
                del self._events[index]
                return True
        if event.ephemeral:
            return False
        self._events.popleft()
        return True

    def _notify(self) -> None:
        self._condition.notify_all()
        waker, self._waker = self._waker, None
        if waker is not None:
            waker()

    # The reader's side.

    def get(self) -> Event | None:
        """Wait for the next event; None once the queue is closed, or finished and empty."""
        with self._condition:
            while not self._ready():
                self._condition.wait(_SLICE)
            return self._take()

    def get_or_wake(self, waker: Callable[[], object]) -> tuple[bool, Event | None]:
        """What `get` would return, if it would do so at once.

        Args:
            waker: called once, on any thread, when it is worth trying again; it must neither wait nor raise.

        Returns:
            Whether there was an answer, and the answer.
        """
        with self._condition:
            if self._ready():
                return True, self._take()
            self._waker = waker
            return False, None

    def close(self) -> None:
        """The reader is gone: take nothing more and wake whoever waits."""
        with self._condition:
            self._closed = True
            self._events.clear()
            self._notify()

    @property
    def closed(self) -> bool:
        """Whether the reader is gone."""
        return self._closed

    def _ready(self) -> bool:
        return bool(self._events) or self._closed or self._finished

    def _take(self) -> Event | None:
        if not self._events:
            return None
        event = self._events.popleft()
        self._condition.notify_all()
        return event
