"""User code that consumes events: each hook on its own thread, so that none can delay another or the pipeline."""

from __future__ import annotations

import inspect
import logging
import threading
import time
import traceback
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from lipstream.pipeline.delivery.event_queue import EventQueue
from lipstream.pipeline.delivery.reports import Reports
from lipstream.pipeline.events import End, Error, Event
from lipstream.pipeline.running.metrics import StageMetrics
from lipstream.pipeline.running.threads import begin

if TYPE_CHECKING:
    import asyncio

log = logging.getLogger(__name__)

Failed = Callable[[str, BaseException], None]
"""Takes the name of who failed for good, and of what."""


class Hook:
    """One registered callable and the thread that runs it, which begins with the first event for it.

    A call that raises is reported once with its traceback and the next event is delivered all the same. A coroutine
    function is awaited on an event loop of the hook's own thread.

    Args:
        event_type: events of this class and its subclasses are delivered.
        function: called with the event.
        limit: most events that wait for it.
        reports: told of the first exception and the first drop.
    """

    def __init__(self, event_type: type[Event], function: Callable[[Any], Any], limit: int, reports: Reports) -> None:
        self.event_type = event_type
        self.function = function
        self.name = getattr(function, "__qualname__", repr(function))
        self.label = f"hook {self.name}"
        self.metrics = StageMetrics()
        self.thread: threading.Thread | None = None
        self._queue = EventQueue(limit, self.label)
        self._reports = reports

    @property
    def dropped(self) -> int:
        """Events dropped because the hook was too slow."""
        return self._queue.dropped

    def offer(self, event: Event, failed: Failed) -> None:
        """Queue an event if it is of the hook's type; never waits.

        Args:
            event: the event.
            failed: told that the hook's thread cannot be started.
        """
        if not isinstance(event, self.event_type):
            return
        if not self._queue.offer(event) and self._queue.dropped == 1:
            log.warning("%s is too slow, events for it are being dropped", self.label)
            self._report("the hook is too slow, events for it are being dropped")
        self._begin(failed)

    def expect_end(self, failed: Failed) -> None:
        """Begin if it has not, and will get `End`: it may have heard of nothing else."""
        if issubclass(End, self.event_type):
            self._begin(failed)

    def conclude(self, end: End) -> None:
        """Let it work off its queue and end; `End`, if it is of the hook's type, is the last."""
        self._queue.conclude(end if isinstance(end, self.event_type) else None)

    def close(self) -> None:
        """Deliver nothing more."""
        self._queue.close()

    @property
    def left_out(self) -> bool:
        """Whether there are events for it but no thread could be had."""
        return self.thread is None and self._queue.waits

    def work_off(self) -> None:
        """Deliver what waits, on the thread of the caller, until there will be no more."""
        import asyncio  # Here, because it loads slowly, and many runs have no hooks.

        loop = asyncio.Runner()
        try:
            while (event := self._queue.get()) is not None:
                self._call(loop, event)
        finally:
            loop.close()

    def _begin(self, failed: Failed) -> None:
        if self.thread is not None:
            return
        # Known before it begins: the hook may at once ask the run whether it is one of its own.
        self.thread = threading.Thread(target=self.work_off, name=self.label, daemon=True)
        error = begin(self.thread)
        if error is not None:
            # There may be one to be had at the next event.
            self.thread = None
            failed(self.label, error)

    def _call(self, loop: asyncio.Runner, event: Event) -> None:
        start = time.monotonic_ns()
        try:
            result = self.function(event)
            if inspect.isawaitable(result):
                loop.run(_await(result))
        except BaseException as error:  # noqa: BLE001 - a hook is foreign code: nothing it raises may end the run
            self.metrics.failures += 1
            if self.metrics.failures == 1:
                log.error("%s raised on %s:\n%s", self.label, type(event).__name__, traceback.format_exc())
                self._report(f"the hook raised {type(error).__name__}: {error}")
        self.metrics.packets_in += 1
        self.metrics.account("handle", (time.monotonic_ns() - start) // 1000)

    def _report(self, message: str) -> None:
        self._reports.tell(Error(stage=self.label, message=message, recoverable=True))


async def _await(awaitable: Awaitable[object]) -> None:
    await awaitable
