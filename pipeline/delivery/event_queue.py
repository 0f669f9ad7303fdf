"""The bounded queue between the pipeline and one reader of its events."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable

from lipstream.pipeline.clock import Clock
from lipstream.pipeline.events import End, Event
from lipstream.pipeline.latch import Latch

_SLICE = 0.2
"""Seconds of one wait for an event."""


class EventQueue:
    """A bounded queue of events from the pipeline to one reader. `End` comes once, and nothing after it.

    Several threads or tasks may read for it: each event goes to one of them, and all of them come to the end.

    Args:
        limit: most events that wait, >= 1.
        name: the reader, as in events and messages.
        wanted: classes of events that are kept; none keeps all. `End` is never left out.

    Attributes:
        dropped: events that did not fit.
        reported: the writer's note that it has reported this reader as standing still.
    """

    def __init__(self, limit: int, name: str = "", wanted: tuple[type[Event], ...] = ()) -> None:
        self.name = name
        self.dropped: int = 0
        self.reported = False
        self._limit = limit
        self._wanted = (*wanted, End) if wanted else (Event,)
        self._events: deque[Event] = deque()
        # Taken as it is, and not by way of the condition, whose code an interrupt of a reader could leave with the lock
        # held; reentrant, for a reader that is given up may be closed by the garbage collector, in any thread.
        self._lock = threading.RLock()
        self._room = threading.Condition(self._lock)
        self._closed = False
        self._finished = False
        self._released = False
        self._wakers: set[Callable[[], object]] = set()

    # The writer's side.

    def put(self, event: Event) -> None:
        """Add an event, however many wait."""
        with self._lock:
            self._append(event)

    def offer(self, event: Event) -> bool:
        """Add an event if there is room, and return False if one had to be dropped.

        That is the oldest event which a later one supersedes, among the waiting ones or this one, or else the oldest
        of all.
        """
        with self._lock:
            if not self._takes(event) or len(self._events) < self._limit:
                self._append(event)
                return True
            if self._drop_for(event):
                self._append(event)
            return False

    def wait_for_room(self, clock: Clock, patience: int) -> bool:
        """Wait until no more events wait than there may.

        Args:
            clock: session clock.
            patience: for how long, microseconds of session time.

        Returns:
            False if the reader has not made room in that time.
        """
        with self._lock:
            deadline = clock.now() + patience
            while self.over_full and clock.now() < deadline:
                clock.wait(self._room, deadline - clock.now())
            return not self.over_full

    @property
    def over_full(self) -> bool:
        """Whether the writer has to wait before it adds more."""
        return len(self._events) > self._limit and not (self._closed or self._released)

    def preload(self, events: Iterable[Event]) -> None:
        """Begin with events of the past, however many."""
        with self._lock:
            self._events.extend(event for event in events if self._takes(event))
            self._notify()

    def conclude(self, end: End | None = None) -> None:
        """The writer is done: the reader gets what waits, this last event, then None. Idempotent."""
        with self._lock:
            if end is not None:
                self._append(end)
            self._finished = True
            self._notify()

    def release(self) -> None:
        """Never make the writer wait again."""
        with self._lock:
            self._released = True
            self._room.notify_all()

    def _takes(self, event: Event) -> bool:
        return isinstance(event, self._wanted) and not (self._closed or self._finished)

    def _append(self, event: Event) -> None:
        if self._takes(event):
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
        wakers, self._wakers = self._wakers, set()
        for waker in wakers:
            waker()

    # The reader's side.

    def get(self) -> Event | None:
        """Wait for the next event; None once the queue is closed, or finished and empty."""
        while not (answer := self.get_or_wake())[0]:
            woken = Latch()
            answer = self.get_or_wake(woken.set)
            if answer[0]:
                break
            try:
                woken.wait(_SLICE)
            finally:
                self.forget(woken.set)
        return answer[1]

    def get_or_wake(self, waker: Callable[[], object] | None = None) -> tuple[bool, Event | None]:
        """What `get` would return, if it would do so at once.

        Args:
            waker: called once, on any thread, when it is worth trying again, unless it is told to `forget`; it must
                neither wait nor raise.

        Returns:
            Whether there was an answer, and the answer.
        """
        with self._lock:
            if self._events:
                self._room.notify_all()
                return True, self._events.popleft()
            if self._closed or self._finished:
                return True, None
            if waker is not None:
                self._wakers.add(waker)
            return False, None

    def forget(self, waker: Callable[[], object]) -> None:
        """Do not call it: who it would have woken does not wait any more."""
        with self._lock:
            self._wakers.discard(waker)

    def close(self) -> None:
        """The reader is gone: take nothing more and wake whoever waits. Idempotent."""
        with self._lock:
            self._closed = True
            self._events.clear()
            self._notify()
            self._room.notify_all()

    @property
    def closed(self) -> bool:
        """Whether the reader is gone."""
        return self._closed

    @property
    def waits(self) -> bool:
        """Whether there are events that nobody has read."""
        return bool(self._events)
