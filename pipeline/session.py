"""A run as its user holds it: begun, listened to, ended."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable
from functools import partial
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

R = TypeVar("R")
E = TypeVar("E", bound=Event)
E1 = TypeVar("E1", bound=Event)
E2 = TypeVar("E2", bound=Event)
E3 = TypeVar("E3", bound=Event)

STOP_SECONDS = 2.0
"""The longest `Session.stop` takes, from any state."""

_running: weakref.WeakSet[Runner] = weakref.WeakSet()


class Session:
    """One run of a graph, and the events it tells.

    The constructor loads nothing and opens nothing; `start` (or `run`, or entering the context) does. A session runs
    once. Stages of one's own go into `graph` before the start.

    A run lasts no longer than somebody holds it. What begins one, or waits for it, stops it when Ctrl-C or any other
    error comes in between. But an interrupt may also come when that has just returned, and before the caller has a
    `try` round it: then nobody may be left who knows of the run. So it is stopped, too, when neither the session nor an
    iterator over its events is referred to any more, and at the latest when the program ends.

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

        Raises:
            TypeError: it is no class of events, or nothing that can be called.
        """
        _check_event_type("on", event_type)
        if function is None:
            return lambda decorated: self.on(event_type, decorated)
        if not callable(function):
            raise TypeError(f"on() takes what is called with an event, got {function!r}")
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
        """Add an event sink, before the start.

        Raises:
            GraphError: the name is taken, or the run has begun: `on` and `events` are there for who comes later.
        """
        self.graph.add(name, sink)

    # Running.

    def start(self) -> None:
        """Start the run and return at once.

        Raises:
            PipelineError: it was started before.
            GraphError: the graph cannot run.
        """
        self._stopped_by_errors(self._start)

    def _start(self) -> None:
        with self._lock:
            if self._runner is not None:
                raise PipelineError("this pipeline has already been started; make a new one for another run")
            self._begin()

    def _stopped_by_errors(self, work: Callable[[], R]) -> R:
        """Do what begins the run or waits for it; interrupted, the run is stopped, as its caller may not know of it."""
        try:
            done = work()
        except PipelineError:
            # It has not begun, or is over.
            raise
        except BaseException:
            self.stop()
            raise
        return done

    def _begin(self) -> Runner:
        # Before the trace, which would be left empty.
        self.graph.check()
        tracer = self._tracer()
        runner = None
        try:
            runner = Runner(
                self.graph,
                lossless=self._lossless,
                media_time=self._media_time,
                stats_interval=self._stats_interval,
                hook_limit=self._hook_limit,
                tracer=tracer,
            )
            for event_type, function in self._hooks:
                runner.bus.add_hook(event_type, function)
            self._runner = runner
            self.graph.begun = True
            _running.add(runner)
            runner.start()
        except BaseException:
            if runner is None or not runner.launched:
                # As if nothing had been.
                self._runner = None
                self.graph.begun = False
                if tracer is not None:
                    tracer.close()
            raise
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
        if runner is None:
            return
        try:
            runner.stop()
            if not runner.owns(threading.current_thread()):
                runner.done(STOP_SECONDS)
        except BaseException:
            # It may have come before the run knew.
            runner.stop()
            raise

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end of the run; returns False if `timeout` seconds passed before. Ctrl-C stops the run.

        Raises:
            StageFailed: a stage failed; `__cause__` has the original error.
            UserError: something the user can mend, such as a file that cannot be read.
            PipelineError: called from a hook, a sink or a stage, which would wait for itself; or before the start.
        """
        return self._stopped_by_errors(partial(self._wait, timeout))

    def _wait(self, timeout: float | None) -> bool:
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
            if self._runner is None:
                raise
            self.wait()
        end = self._running().bus.end
        assert end is not None
        return end

    def __enter__(self) -> Self:
        try:
            self.start()
        except PipelineError:
            raise
        except BaseException:
            # `__exit__` will not be called.
            self.stop()
            raise
        return self

    def __del__(self) -> None:
        # Not there if the constructor failed.
        runner: Runner | None = getattr(self, "_runner", None)
        if runner is not None:
            runner.abandon()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stop()
        except BaseException:
            # It may have come before that had begun.
            self.stop()
            raise
        if kind is None:
            self.wait(0)

    async def astop(self) -> None:
        """`stop` for asyncio: the event loop goes on meanwhile."""
        import asyncio  # See `Subscription`.

        await asyncio.to_thread(self.stop)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.astop()
        if kind is None:
            self.wait(0)

    @overload
    def events(self) -> Subscription[Event]: ...
    @overload
    def events(self, first: type[E], /) -> Subscription[E]: ...
    @overload
    def events(self, first: type[E1], second: type[E2], /) -> Subscription[E1 | E2]: ...
    @overload
    def events(self, first: type[E1], second: type[E2], third: type[E3], /) -> Subscription[E1 | E2 | E3]: ...
    @overload
    def events(self, *wanted: type[Event]) -> Subscription[Event]: ...

    def events(self, *wanted: type[Event]) -> Subscription[Any]:
        """The events as they come, up to and including `End`; starts the run if nothing else has.

        A file run waits for a slow reader; a live run drops what later events supersede, and counts it. Leaving the
        loop early is fine: as long as the pipeline is held, the run goes on without. But who keeps the iterator without
        reading on holds a file run up, and is told so; `with pipeline.events() as events: ...` closes it in any case. A
        run that fails ends the loop with an `End` that says so; `wait` raises its error.

        Args:
            wanted: classes of events, of which and of whose subclasses all are given; none means every event. `End`
                ends the loop even if it is not among them.
        """
        for each in wanted:
            _check_event_type("events", each)
        by = _caller()
        return self._stopped_by_errors(partial(self._subscribe, wanted, by))

    @overload
    def aevents(self) -> Subscription[Event]: ...
    @overload
    def aevents(self, first: type[E], /) -> Subscription[E]: ...
    @overload
    def aevents(self, first: type[E1], second: type[E2], /) -> Subscription[E1 | E2]: ...
    @overload
    def aevents(self, first: type[E1], second: type[E2], third: type[E3], /) -> Subscription[E1 | E2 | E3]: ...
    @overload
    def aevents(self, *wanted: type[Event]) -> Subscription[Event]: ...

    def aevents(self, *wanted: type[Event]) -> Subscription[Any]:
        """`events` for asyncio: `async for event in pipeline.aevents(): ...`."""
        return self.events(*wanted)

    def _subscribe(self, wanted: tuple[type[Event], ...], by: str) -> Subscription[Any]:
        with self._lock:
            mine = self._runner is None
            runner = self._runner or self._begin()
            return runner.bus.subscribe(*wanted, by=by).keep(self, self.stop if mine else None)

    @property
    def switches(self) -> Switches:
        """What can be switched off and on during the run, from any thread."""
        return self.graph.switches

    @property
    def begun(self) -> bool:
        """Whether everything is loaded and the sources deliver."""
        return self._runner is not None and self._runner.begun

    @property
    def loading(self) -> frozenset[str]:
        """The components that are not open yet, by name; all of them before the start."""
        return frozenset(self.graph.components) if self._runner is None else self._runner.loading

    def stats(self) -> Stats:
        """The run's metrics as of now."""
        return self._running().stats()

    def _running(self) -> Runner:
        if self._runner is None:
            raise PipelineError("this pipeline has not been started: call start(), run() or events()")
        return self._runner


def _check_event_type(method: str, event_type: object) -> None:
    if not (isinstance(event_type, type) and issubclass(event_type, Event)):
        raise TypeError(f"{method}() takes an event class, got {event_type!r}")


def _caller() -> str:
    """Where the pipeline is used: file and line, for messages."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__") == __name__:
        frame = frame.f_back
    return f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}"


@atexit.register
def _end_all() -> None:
    """Let no run be cut off by the end of the program, nor outputs be left half done."""
    # Who has stopped one already and goes all the same, as on a second Ctrl-C, does not want to wait.
    runners = [runner for runner in _running if not runner.stopping.is_set()]
    for runner in runners:
        runner.stop()
    deadline = time.monotonic() + STOP_SECONDS
    for runner in runners:
        runner.done(max(0.0, deadline - time.monotonic()))
