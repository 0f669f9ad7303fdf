"""User code that consumes events: each hook on its own thread, so that none can delay another or the pipeline."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
import time
import traceback
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from pipeline.events import End, Event
from pipeline.metrics import Histogram

log = logging.getLogger(__name__)

Report = Callable[[str, str], None]
"""Called with a hook's name and one line about what went wrong."""


class EventQueue:
    """A bounded queue of events from the pipeline to one reader.

    When it is full, the oldest event that a later one supersedes makes room, then the oldest of all; what is dropped
    is counted. `End` always fits.

    Args:
        limit: most events that wait, >= 1.
    """

    def __init__(self, limit: int) -> None:
        self.dropped = 0
        self._limit = limit
        self._events: deque[Event] = deque()
        self._condition = threading.Condition()
        self._closed = False
        self._finished = False
        self._released = False

    def offer(self, event: Event) -> bool:
        """Add an event without waiting; returns False when one had to be dropped for it."""
        with self._condition:
            if self._closed:
                return True
            kept = len(self._events) < self._limit or isinstance(event, End)
            if not kept:
                self._drop_one()
            self._events.append(event)
            self._condition.notify_all()
            return kept

    def put(self, event: Event) -> None:
        """Add an event, waiting for room; for readers that pull, at the pace of a file run."""
        with self._condition:
            while len(self._events) >= self._limit and not (self._closed or self._released or isinstance(event, End)):
                self._condition.wait()
            if not self._closed:
                self._events.append(event)
                self._condition.notify_all()

    def get(self) -> Event | None:
        """Wait for the next event; None once the queue is closed, or finished and empty."""
        with self._condition:
            while not self._events and not self._closed and not self._finished:
                self._condition.wait()
            if not self._events:
                return None
            event = self._events.popleft()
            self._condition.notify_all()
            return event

    def finish(self) -> None:
        """The writer is done: the reader gets what waits, then None."""
        with self._condition:
            self._finished = True
            self._condition.notify_all()

    def release(self) -> None:
        """Never make the writer wait again."""
        with self._condition:
            self._released = True
            self._condition.notify_all()

    def close(self) -> None:
        """The reader is gone: take nothing more and wake whoever waits."""
        with self._condition:
            self._closed = True
            self._events.clear()
            self._condition.notify_all()

    def _drop_one(self) -> None:
        for index, waiting in enumerate(self._events):
            if waiting.ephemeral:
                del self._events[index]
                break
        else:
            self._events.popleft()
        self.dropped += 1


class Hook:
    """One registered callable and the thread that runs it.

    A call that raises is reported once with its traceback and the next event is delivered all the same. A coroutine
    function is awaited on an event loop of the hook's own thread.

    Args:
        event_type: events of this class and its subclasses are delivered.
        function: called with the event.
        limit: most events that wait for it.
        report: told of the first exception and the first drop.
    """

    def __init__(self, event_type: type[Event], function: Callable[[Any], Any], limit: int, report: Report) -> None:
        self.event_type = event_type
        self.function = function
        self.name = getattr(function, "__qualname__", repr(function))
        self.service = Histogram()
        self.failures = 0
        self._queue = EventQueue(limit)
        self._report = report
        self._thread: threading.Thread | None = None

    @property
    def dropped(self) -> int:
        """Events dropped because the hook was too slow."""
        return self._queue.dropped

    def offer(self, event: Event) -> None:
        """Queue an event if it is of the hook's type; never waits."""
        if not isinstance(event, self.event_type):
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"hook {self.name}", daemon=True)
            self._thread.start()
        if not self._queue.offer(event) and self._queue.dropped == 1:
            self._report(self.name, "the hook is too slow, events for it are being dropped")

    def close(self) -> None:
        """Deliver nothing more."""
        self._queue.close()

    def join(self, timeout: float) -> bool:
        """Wait until the hook has seen everything up to `End`; returns whether it has."""
        if self._thread is None or self._thread is threading.current_thread():
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def finish(self) -> None:
        """Let the thread end once it has worked off its queue."""
        self._queue.finish()

    def _run(self) -> None:
        with asyncio.Runner() as loop:
            while (event := self._queue.get()) is not None:
                self._call(loop, event)

    def _call(self, loop: asyncio.Runner, event: Event) -> None:
        start = time.monotonic_ns()
        try:
            result = self.function(event)
            if inspect.isawaitable(result):
                loop.run(_await(result))
        except Exception as error:  # noqa: BLE001 - a hook is foreign code: nothing it raises may end the run
            self.failures += 1
            if self.failures == 1:
                log.error("hook %s raised on %s:\n%s", self.name, type(event).__name__, traceback.format_exc())
                self._report(self.name, f"the hook raised {type(error).__name__}: {error}")
        self.service.add((time.monotonic_ns() - start) // 1000)


async def _await(awaitable: Awaitable[object]) -> None:
    await awaitable


class Subscription:
    """The events as an iterator; ends after `End`, and stops collecting when it is closed or left.

    Args:
        limit: most events that wait.
        lossless: let the pipeline wait for a slow reader instead of dropping events.
    """

    def __init__(self, limit: int, lossless: bool) -> None:
        self._queue = EventQueue(limit)
        self.offer: Callable[[Event], object] = self._queue.put if lossless else self._queue.offer

    def __iter__(self) -> Iterator[Event]:
        try:
            while (event := self._queue.get()) is not None:
                yield event
                if isinstance(event, End):
                    return
        finally:
            self.close()

    def next(self) -> Event | None:
        """Wait for the next event; None once closed."""
        return self._queue.get()

    def release(self) -> None:
        """Hold the pipeline up no longer, however slowly the events are read."""
        self._queue.release()

    def close(self) -> None:
        """Collect nothing more."""
        self._queue.close()
