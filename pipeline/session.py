"""A run as its user holds it: begun, listened to, ended."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, overload

from lipstream.pipeline.component import EventSink
from lipstream.pipeline.delivery.subscription import Subscription
from lipstream.pipeline.errors import PipelineError, UserError
from lipstream.pipeline.events import End, Event, Stats
from lipstream.pipeline.graph import Graph
from lipstream.pipeline.running.runner import Runner
from lipstream.pipeline.running.trace import Tracer
from lipstream.pipeline.switches import Switches

E = TypeVar("E", bound=Event)
R = TypeVar("R")

STOP_SECONDS = 2.0
"""The longest `Session.stop` takes, from any state."""


class Session:
    """One run of a graph, and the events it tells.

    The constructor loads nothing and opens nothing; `start` (or `run`, or entering the context) does. A session runs
    once. Stages of one's own go into `graph` before the start.

    Args:
        graph: what runs.
        lossless: nothing may be skipped to save time; see `Runner`.
        media_time: stamp and order events by media time instead of by the clock; see `Runner`.
        stats_interval: seconds between `Stats` events; 0 for a single one at the end.
        hook_limit: most events that wait for a hook.
        trace: file for a Chrome trace of the run, or None.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        lossless: bool = True,
        media_time: bool = True,
        stats_interval: float = 0.0,
        hook_limit: int = 1000,
        trace: os.PathLike[str] | None = None,
    ) -> None:
        self.graph = graph
        self._lossless = lossless
        self._media_time = media_time
        self._stats_interval = stats_interval
        self._hook_limit = hook_limit
        self._trace = trace
        self._hooks: list[tuple[type[Event], Callable[[Any], Any]]] = []
        self._runner: Runner | None = None
        self._lock = threading.Lock()

    # Hooks.

    @overload
    def on(self, event_type: type[E]) -> Callable[[Callable[[E], R]], Callable[[E], R]]: ...
    @overload
    def on(self, event_type: type[E], function: Callable[[E], R]) -> Callable[[E], R]: ...

    def on(self, event_type: type[Event], function: Callable[[Any], Any] | None = None) -> Any:
        """Call a function for every event of a class and its subclasses; `Event` means all.

        As a decorator, `@pipeline.on(TranscriptFinal)`, or called with the function. A coroutine function is awaited.
        Each hook runs on a thread of its own with a bounded queue (`events.hook_limit`).

        Returns:
            The function, or the decorator.
        """
        if not (isinstance(event_type, type) and issubclass(event_type, Event)):
            raise TypeError(f"on() takes an event class, got {event_type!r}")
        if function is None:
            return lambda decorated: self.on(event_type, decorated)
        with self._lock:
            self._hooks.append((event_type, function))
            if self._runner is not None:
                self._runner.bus.add_hook(event_type, function)
        return function

    def off(self, function: Callable[[Any], Any], event_type: type[Event] | None = None) -> None:
        """Stop calling a function, for one event class or for all.

        Raises:
            ValueError: it was not registered.
        """
        with self._lock:
            kept = [hook for hook in self._hooks if hook[1] != function or event_type not in (None, hook[0])]
            if len(kept) == len(self._hooks):
                raise ValueError(f"{function!r} is not registered")
            self._hooks = kept
            if self._runner is not None:
                self._runner.bus.remove_hooks(function, event_type)

    def add_sink(self, name: str, sink: EventSink) -> None:
        """Add an event sink, before the start."""
        self.graph.add(name, sink)

    # Running.

    def start(self) -> None:
        """Start the run and return at once.

        Raises:
            PipelineError: it was started before.
            GraphError: the graph cannot run.
        """
        with self._lock:
            if self._runner is not None:
                raise PipelineError("this pipeline has already been started; make a new one for another run")
            self._start()

    def _start(self) -> Runner:
        # Before the trace, which would be left empty.
        self.graph.check()
        runner = Runner(
            self.graph,
            lossless=self._lossless,
            media_time=self._media_time,
            stats_interval=self._stats_interval,
            hook_limit=self._hook_limit,
            tracer=self._tracer(),
        )
        for event_type, function in self._hooks:
            runner.bus.add_hook(event_type, function)
        self._runner = runner
        runner.start()
        return runner

    def _tracer(self) -> Tracer | None:
        if self._trace is None:
            return None
        try:
            return Tracer(Path(self._trace))
        except OSError as error:
            raise UserError(f"cannot write the trace '{self._trace}': {error.strerror}") from error

    def stop(self) -> None:
        """End the run: what was captured is worked off as far as it goes, `End` is delivered. Takes at most 2 s.

        May be called from any thread, before the start and repeatedly. From a hook, a sink or a stage it returns at
        once, because the run cannot end before they return.
        """
        runner = self._runner
        if runner is not None:
            runner.stop()
            if not runner.owns(threading.current_thread()):
                runner.done(STOP_SECONDS)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end of the run; returns False if `timeout` seconds passed before.

        Raises:
            StageFailed: a stage failed; `__cause__` has the original error.
            UserError: something the user can mend, such as a file that cannot be read.
            PipelineError: called from a hook, a sink or a stage, which would wait for itself; or before the start.
        """
        runner = self._running()
        if timeout is None and runner.owns(threading.current_thread()):
            raise PipelineError("wait() was called from within the run, which cannot end before this call does")
        return runner.wait(timeout)

    def run(self) -> End:
        """Start, wait for the end, and return the `End` event. Ctrl-C stops cleanly.

        Raises:
            StageFailed: a stage failed; `__cause__` has the original error.
            UserError: something the user can mend, such as a file that cannot be read.
        """
        try:
            self.start()
            self.wait()
        except KeyboardInterrupt:
            self.stop()
            if self._runner is None or not self._runner.alive:
                raise
            self.wait()
        end = self._running().bus.end
        assert end is not None
        return end

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if kind is None:
            self.wait(0)

    def events(self) -> Subscription:
        """The events as they come, up to and including `End`; starts the run if nothing else has.

        A file run waits for a slow reader; a live run drops what later events supersede, and counts it. Leaving the
        loop early is fine, the run goes on without. A run that fails ends the loop with an `End` that says so; `wait`
        raises its error.
        """
        with self._lock:
            runner = self._runner or self._start()
            return runner.bus.subscribe()

    def aevents(self) -> AsyncIterator[Event]:
        """`events` for asyncio: `async for event in pipeline.aevents()`."""
        return self.events()

    @property
    def switches(self) -> Switches:
        """What can be switched off and on during the run, from any thread."""
        return self.graph.switches

    @property
    def begun(self) -> bool:
        """Whether everything is loaded and the sources deliver."""
        return self._runner is not None and self._runner.begun

    def stats(self) -> Stats:
        """The run's metrics as of now."""
        return self._running().stats()

    def _running(self) -> Runner:
        if self._runner is None:
            raise PipelineError("this pipeline has not been started: call start(), run() or events()")
        return self._runner
