"""The public face of a run: `Pipeline`."""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar, overload

from pipeline.component import EventSink
from pipeline.config import Config, Pace, load_config
from pipeline.errors import PipelineError, UserError
from pipeline.events import End, Event, Stats
from pipeline.graph import Graph
from pipeline.runner import Runner
from pipeline.subscription import Subscription
from pipeline.switches import Switches
from pipeline.trace import Tracer

E = TypeVar("E", bound=Event)
Function = TypeVar("Function", bound=Callable[..., Any])
Build = Callable[[Config], Graph]

STOP_SECONDS = 2.0
"""The longest `Pipeline.stop` takes, from any state."""


class Pipeline:
    """One run of captions, live or from a file, and the events it tells.

        live = Pipeline.from_config("live")

        @live.on(TranscriptFinal)
        def caption(event):
            print(event.start, event.text)

        live.run()

    The constructor loads nothing and opens nothing; `start` (or `run`, or entering the context) does. A pipeline runs
    once. Stages of one's own go into `graph` before the start.

    Args:
        config: the configuration.
        build: makes the graph from the configuration; by default the captions graph of the `stages` package.
        trace: file for a Chrome trace of the run, or None.
    """

    def __init__(self, config: Config, build: Build | None = None, trace: os.PathLike[str] | None = None) -> None:
        self.config = config
        self.graph: Graph = (build or _default_build())(config)
        self._trace = trace
        self._hooks: list[tuple[type[Event], Callable[[Any], Any]]] = []
        self._runner: Runner | None = None
        self._lock = threading.Lock()

    @classmethod
    def from_config(
        cls,
        name_or_path: str | os.PathLike[str],
        *,
        build: Build | None = None,
        trace: os.PathLike[str] | None = None,
        **overrides: object,
    ) -> Pipeline:
        """Make a pipeline from a configuration.

        Args:
            name_or_path: a name in configs/ or the path of a YAML file.
            build: see the class.
            trace: see the class.
            overrides: keys to replace, such as `input="talk.mp4"`, `vad={"threshold": 0.6}` or
                `**{"vad.threshold": 0.6}`.

        Raises:
            ConfigError: the configuration is wrong; the message names the key, the value and what is allowed.
        """
        return cls(load_config(name_or_path, overrides), build, trace)

    # Hooks.

    @overload
    def on(self, event_type: type[E]) -> Callable[[Function], Function]: ...
    @overload
    def on(self, event_type: type[E], function: Callable[[E], Any]) -> Callable[[E], Any]: ...

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
            lossless=self.config.lossless,
            media_time=self.config.lossless and self.config.pace is Pace.MAX,
            stats_interval=self.config.events.stats_interval,
            hook_limit=self.config.events.hook_limit,
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

    def __enter__(self) -> Pipeline:
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
        """What can be switched off and on during the run, from any thread; `stages.switches` has the names."""
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


def _default_build() -> Build:
    # By name and late: the dataflow must not depend on the stages that use it.
    build: Build = importlib.import_module("stages.build").build
    return build
