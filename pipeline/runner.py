"""Runs a graph: threads, the common start, failures, the stop, and the end."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from pipeline.bus import EventBus
from pipeline.channel import Channel, Signal
from pipeline.clock import Clock, MonotonicClock
from pipeline.component import Source
from pipeline.errors import StageFailed, UserError
from pipeline.events import End, Error, Stats
from pipeline.graph import Graph
from pipeline.inbox import Inbox
from pipeline.metrics import Counters
from pipeline.node import Node
from pipeline.packet import micros, seconds
from pipeline.trace import Tracer

log = logging.getLogger(__name__)

DRAIN_SECONDS = 1.0
"""After a stop, how long the stages may work off what is queued."""
FLUSH_SECONDS = 0.7
"""After that, with the queues emptied, how long they may take to finish what they hold."""


class Runner:
    """One run of one graph.

    Args:
        graph: a checked graph.
        clock: session clock.
        lossless: nothing may be skipped to save time; file runs.
        media_time: stamp and order events by media time instead of by the clock; file runs at full speed.
        stats_interval: seconds between `Stats` events; 0 for a single one at the end.
        hook_limit: most events that wait for a hook.
        tracer: where to record spans, or None.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        clock: Clock | None = None,
        lossless: bool = True,
        media_time: bool = True,
        stats_interval: float = 0.0,
        hook_limit: int = 1000,
        tracer: Tracer | None = None,
    ) -> None:
        graph.check()
        self.clock = clock or MonotonicClock()
        self.lossless = lossless
        self.media_time = media_time
        self.stopping = threading.Event()
        self.counters = Counters()
        self.tracer = tracer
        self.bus = EventBus(self.clock, ordered=media_time, hook_limit=hook_limit)
        self.failure: StageFailed | UserError | None = None
        self._graph = graph
        self._stats_interval = stats_interval
        self._stopped_by_user = False
        self._lock = threading.Lock()
        self._ready = threading.Condition(self._lock)
        self._waiting_to_open = set(graph.components)
        self._done = threading.Event()
        self._started = False
        self._start_time = 0.0
        self.nodes, self.channels = self._build()

    def _build(self) -> tuple[dict[str, Node], list[Channel]]:
        signals = {name: Signal() for name in self._graph.components}
        channels = {
            edge: Channel(edge.name, edge.bounds, signals[edge.consumer], self.clock) for edge in self._graph.edges
        }
        nodes = {}
        for name, component in self._graph.components.items():
            fed = {edge.input: channel for edge, channel in channels.items() if edge.consumer == name}
            inputs = {port: fed[port] for port in component.inputs if port in fed}
            outputs: dict[str, Sequence[Channel]] = {
                port: [channel for edge, channel in channels.items() if (edge.producer, edge.output) == (name, port)]
                for port in component.outputs
            }
            inbox = None
            if not isinstance(component, Source):
                limit, coupled = self._graph.skew_limits[name], self._graph.coupled(name)
                inbox = Inbox(inputs, signals[name], self.clock, limit, coupled)
            nodes[name] = Node(name, component, inbox, inputs, outputs, self.bus.channel(name), self)
        return nodes, list(channels.values())

    # Life of a run.

    def start(self) -> None:
        """Start every thread; the session clock begins once every component is open."""
        if self._started:
            raise RuntimeError("this run was already started; make a new one")
        self._started = True
        self._start_time = time.monotonic()
        for name, sink in self._graph.sinks.items():
            self.bus.add_sink(name, sink, self.failed)
        self.bus.start(self._end)
        for node in self.nodes.values():
            node.thread.start()
        threading.Thread(target=self._close_down, name="stop", daemon=True).start()
        if self._stats_interval > 0:
            threading.Thread(target=self._report, name="stats", daemon=True).start()

    def stop(self) -> None:
        """Ask the run to end and return at once: sources cease, what is queued is worked off for a moment."""
        if not self._done.is_set():
            self._stopped_by_user = True
            self._begin_stop()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until `End` has been delivered everywhere; returns whether that is so.

        A hook that is still busy with an earlier event when the run was stopped is waited for no longer than the stop
        takes; it gets its remaining events, `End` included, when it returns.

        Raises:
            StageFailed: a component failed; `__cause__` has the original error.
            UserError: a component found something the user can mend.
        """
        # In slices: an unbounded wait cannot be interrupted by Ctrl-C on every platform.
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._done.wait(0.2 if deadline is None else min(0.2, max(0.0, deadline - time.monotonic()))):
            if deadline is not None and time.monotonic() >= deadline:
                return False
        if self.failure is not None:
            raise self.failure from self.failure.__cause__
        return True

    def done(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds for the end, whatever it is; returns whether the run is over."""
        return self._done.wait(timeout)

    @property
    def running(self) -> bool:
        """Whether the run has started and not yet ended."""
        return self._started and not self._done.is_set()

    # What the nodes report.

    def opened(self, name: str) -> bool:
        """A component is open; wait for all others. Returns whether the run begins."""
        with self._ready:
            self._waiting_to_open.discard(name)
            if not self._waiting_to_open:
                self.clock.start()
                self._ready.notify_all()
            self._ready.wait_for(lambda: not self._waiting_to_open or self.stopping.is_set())
            return not self._waiting_to_open

    def failed(self, name: str, error: BaseException) -> None:
        """A component failed for good: remember why, tell the sinks and hooks, and end the run."""
        with self._lock:
            first = self.failure is None
            if first:
                self.failure = error if isinstance(error, UserError) else StageFailed(name, error)
                self.failure.__cause__ = None if isinstance(error, UserError) else error
        if first:
            log.debug("component '%s' failed", name, exc_info=error)
            message = " ".join(str(error).split()) or type(error).__name__
            now = 0.0 if self.media_time else seconds(self.clock.now())
            self.bus.publish_now(Error(stage=name, message=message, recoverable=False, emitted=now))
        self._begin_stop()

    # The end.

    def _begin_stop(self) -> None:
        self.stopping.set()
        with self._ready:
            self._ready.notify_all()

    def _close_down(self) -> None:
        """Wait for the run to end by itself; once it is asked to stop, see to it that it does."""
        while not self.stopping.wait(0.05):
            if not any(node.thread.is_alive() for node in self.nodes.values()) and self.bus.join(lambda: 0.05):
                break
        if self.stopping.is_set():
            self._escalate()
        self.stopping.set()
        if self.tracer is not None:
            self.tracer.close()
        self._done.set()

    def _escalate(self) -> None:
        threads = [node.thread for node in self.nodes.values()]
        if not _join_all(threads, DRAIN_SECONDS):
            for channel in self.channels:
                channel.release()
            if not _join_all(threads, FLUSH_SECONDS):
                stuck = ", ".join(thread.name for thread in threads if thread.is_alive())
                log.warning("still busy after the stop, left behind: %s", stuck)
        self.bus.end_channels()
        deadline = time.monotonic() + 0.2
        self.bus.join(lambda: deadline - time.monotonic())

    def _end(self) -> End:
        self.bus.publish_now(self.stats())
        reason = "failed" if self.failure else "stopped" if self._stopped_by_user else "finished"
        reached = max((node.reached for node in self.nodes.values()), default=0)
        return End(reason=reason, duration=seconds(reached), emitted=self.bus.last_emitted)

    def stats(self) -> Stats:
        """A snapshot of all metrics."""
        channels = {
            channel.name: {
                "put": float(channel.counts.put),
                "taken": float(channel.counts.taken),
                "dropped": float(channel.counts.dropped + channel.counts.discarded),
                "depth": float(channel.depth),
                "peak_depth": float(channel.counts.peak),
            }
            for channel in self.channels
        }
        counters = self.counters.snapshot()
        for hook in self.bus.hooks:
            if hook.dropped:
                counters[f"hook {hook.name} dropped"] = float(hook.dropped)
        return Stats(
            wall=round(time.monotonic() - self._start_time, 3),
            stages={name: node.metrics.snapshot() for name, node in self.nodes.items()},
            channels=channels,
            counters=counters,
            emitted=self.bus.last_emitted if self.media_time else seconds(self.clock.now()),
        )

    def _report(self) -> None:
        while not self.stopping.is_set():
            self.clock.sleep(micros(self._stats_interval), self.stopping)
            if not self.stopping.is_set():
                self.bus.publish_now(self.stats())


def _join_all(threads: Sequence[threading.Thread], timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)
