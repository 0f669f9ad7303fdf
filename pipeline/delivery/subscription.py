"""The events of a run as an iterator, for plain and for asyncio code."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Iterator

from lipstream.pipeline.delivery.event_queue import EventQueue
from lipstream.pipeline.events import End, Event


class Subscription(Iterator[Event], AsyncIterator[Event]):
    """The events as they come, up to and including `End`.

    It stops collecting when it is closed or when nothing refers to it any more, so that a loop which is left early
    does not hold the run up.

    Args:
        queue: what the pipeline fills.
    """

    def __init__(self, queue: EventQueue) -> None:
        self._queue = queue

    def __iter__(self) -> Subscription:
        return self

    def __next__(self) -> Event:
        event = self._queue.get()
        if event is None:
            raise StopIteration
        return self._passed(event)

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Event:
        # No thread waits for the event: a cancelled wait must not swallow one.
        loop = asyncio.get_running_loop()
        awake = asyncio.Event()
        wake = functools.partial(_call_soon, loop, awake)
        while not (answer := self._queue.get_or_wake(wake))[0]:
            await awake.wait()
            awake.clear()
        event = answer[1]
        if event is None:
            raise StopAsyncIteration
        return self._passed(event)

    def close(self) -> None:
        """Collect nothing more."""
        self._queue.close()

    def __del__(self) -> None:
        self._queue.close()

    def _passed(self, event: Event) -> Event:
        if isinstance(event, End):
            self.close()
        return event


def _call_soon(loop: asyncio.AbstractEventLoop, awake: asyncio.Event) -> None:
    if loop.is_closed():
        return
    try:
        loop.call_soon_threadsafe(awake.set)
    except RuntimeError:
        # Closed since; then nobody waits any more.
        return
