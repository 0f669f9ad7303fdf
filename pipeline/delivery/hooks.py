"""User code that consumes events: each hook on its own thread, so that none can delay another or the pipeline."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
import time
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

from lipstream.pipeline.delivery.event_queue import EventQueue
from lipstream.pipeline.events import Event
from lipstream.pipeline.running.metrics import StageMetrics

log = logging.getLogger(__name__)

HookReport = Callable[[str, str], None]
"""Called with a hook's name and one line about what went wrong."""


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

    def __init__(self, event_type: type[Event], function: Callable[[Any], Any], limit: int, report: HookReport) -> None:
        self.event_type = event_type
        self.function = function
        self.name = getattr(function, "__qualname__", repr(function))
        self.metrics = StageMetrics()
        self.thread: threading.Thread | None = None
        self._queue = EventQueue(limit)
        self._report = report

    @property
    def dropped(self) -> int:
        """Events dropped because the hook was too slow."""
        return self._queue.dropped

    def offer(self, event: Event) -> None:
        """Queue an event if it is of the hook's type; never waits."""
        if not isinstance(event, self.event_type):
            return
        if self.thread is None:
            self.thread = threading.Thread(target=self._run, name=f"hook {self.name}", daemon=True)
            self.thread.start()
        if not self._queue.offer(event) and self._queue.dropped == 1:
            log.warning("hook %s is too slow, events for it are being dropped", self.name)
            self._report(self.name, "the hook is too slow, events for it are being dropped")

    def close(self) -> None:
        """Deliver nothing more."""
        self._queue.close()

    def finish(self) -> None:
        """Let the thread end once it has worked off its queue."""
        self._queue.finish()

    def _run(self) -> None:
        loop = asyncio.Runner()
        try:
            while (event := self._queue.get()) is not None:
                self._call(loop, event)
        finally:
            loop.close()

    def _call(self, loop: asyncio.Runner, event: Event) -> None:
        start = time.monotonic_ns()
        try:
            result = self.function(event)
            if inspect.isawaitable(result):
                loop.run(_await(result))
        except BaseException as error:  # noqa: BLE001 - a hook is foreign code: nothing it raises may end the run
            self.metrics.failures += 1
            if self.metrics.failures == 1:
                log.error("hook %s raised on %s:\n%s", self.name, type(event).__name__, traceback.format_exc())
                self._report(self.name, f"the hook raised {type(error).__name__}: {error}")
        self.metrics.packets_in += 1
        self.metrics.account("handle", (time.monotonic_ns() - start) // 1000)


async def _await(awaitable: Awaitable[object]) -> None:
    await awaitable
