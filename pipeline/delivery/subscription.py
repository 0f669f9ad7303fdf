"""The events of a run as an iterator, for plain and for asyncio code."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar, cast

from lipstream.pipeline.delivery.event_queue import EventQueue
from lipstream.pipeline.events import End, Event

if TYPE_CHECKING:
    import asyncio

E_co = TypeVar("E_co", bound=Event, covariant=True)


class Subscription(Iterator[E_co], AsyncIterator[E_co], Generic[E_co]):
    """The events as they come, up to and including `End`; of some classes only, if it was asked for them.

    A run that loses nothing waits for its readers. So a reader that is not read any more is closed: by `close`, by
    leaving the context (`with pipeline.events() as events: ...`), or by letting go of it, as a loop does that is left.
    Several threads, or several tasks, may share one: each event goes to one of them, and the end comes to all.

    Args:
        queue: what the pipeline fills.
        wanted: the classes of the events that are given; none means all.
    """

    def __init__(self, queue: EventQueue, wanted: tuple[type[Event], ...] = ()) -> None:
        self._queue = queue
        self._gives_end = not wanted or any(issubclass(End, each) for each in wanted)
        self._run: object = None
        self._interrupted: Callable[[], object] = lambda: None

    def keep(self, run: object, interrupted: Callable[[], object] | None = None) -> Self:
        """Keep a run from being let go of for as long as this reader reads.

        Args:
            run: what holds it.
            interrupted: called if Ctrl-C interrupts a wait for an event; given by who began the run for this reader.
        """
        self._run = run
        self._interrupted = interrupted or self._interrupted
        return self

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> E_co:
        try:
            event = self._passed(self._queue.get())
        except KeyboardInterrupt:
            self._interrupted()
            raise
        if event is None:
            raise StopIteration
        return event

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E_co:
        # No thread waits for the event: a cancelled wait must not swallow one.
        import asyncio  # Here, because it loads slowly, and most runs have no use for it.

        loop = asyncio.get_running_loop()
        awake = asyncio.Event()
        wake = functools.partial(_call_soon, loop, awake)
        try:
            while not (answer := self._queue.get_or_wake(wake))[0]:
                await awake.wait()
                awake.clear()
            event = self._passed(answer[1])
        except KeyboardInterrupt:
            self._interrupted()
            raise
        finally:
            self._queue.forget(wake)
        if event is None:
            raise StopAsyncIteration
        return event

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Read nothing more, and hold nothing up any more. Idempotent."""
        self._queue.close()
        self._run, self._interrupted = None, lambda: None

    def __del__(self) -> None:
        # Not there if the constructor failed.
        queue: EventQueue | None = getattr(self, "_queue", None)
        if queue is not None:
            queue.close()

    def _passed(self, event: Event | None) -> E_co | None:
        """What is given of what came; None at the end."""
        if event is None or isinstance(event, End):
            self.close()
        return None if isinstance(event, End) and not self._gives_end else cast("E_co | None", event)


def _call_soon(loop: asyncio.AbstractEventLoop, awake: asyncio.Event) -> None:
    if loop.is_closed():
        return
    try:
        loop.call_soon_threadsafe(awake.set)
    except RuntimeError:
        # Closed since; then nobody waits any more.
        return
