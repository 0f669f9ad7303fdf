"""Runs a graph: threads, the common start, failures, the stop, and the end."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Sequence

from lipstream.pipeline.clock import Clock, MonotonicClock
from lipstream.pipeline.component import Source
from lipstream.pipeline.delivery.bus import EventBus
from lipstream.pipeline.errors import StageFailed, UserError
from lipstream.pipeline.events import End, Error, Event, Stats
from lipstream.pipeline.graph import Graph
from lipstream.pipeline.running.metrics import Counters
from lipstream.pipeline.running.node import Node
from lipstream.pipeline.running.overload import LoadWatch
from lipstream.pipeline.running.trace import Tracer
from lipstream.pipeline.running.watchdog import Watchdog
from lipstream.pipeline.streams.channel import Channel
from lipstream.pipeline.streams.inbox import Inbox
from lipstream.pipeline.streams.packet import micros, seconds
from lipstream.pipeline.streams.waits import Signal

log = logging.getLogger(__name__)

DRAIN_SECONDS = 0.8
"""How long after a stop the stages may work off what is queued."""
FLUSH_SECONDS = 1.2
"""Until when, with the queues emptied, they may finish what they hold."""
CUT_OFF_SECONDS = 1.5
"""Until when those may do so that waited for one which does not come back."""
DELIVER_SECONDS = 1.8
"""Until when sinks and hooks may work off their events, `End` included."""

_FRONTIER_STEP = 100_000
"""Microseconds of media time by which the frontier moves without packets where all must be the same in every run."""


class Runner:
    """One run of one graph.

    Args:
        graph: the graph; it is checked.
        clock: session clock.
        lossless: nothing may be skipped to save time, and joins wait as long as it takes; file runs.
        media_time: stamp and order events by media time instead of by the clock; file runs at full speed.
        stats_interval: seconds between `Stats` events; 0 for a single one at the end.
        hook_limit: most events that wait for a hook.
        tracer: where to record spans, or None.

    Raises:
        GraphError: the graph cannot run.
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
        self.switches = graph.switches
        self.tracer = tracer
        self.failure: StageFailed | UserError | None = None
        self._graph = graph
        self._stats_interval = stats_interval
        self._stopped_by_user = False
        self._lock = threading.Lock()
        self._ready = threading.Condition(self._lock)
        self._waiting_to_open = {*graph.components, *graph.sinks}
        self.begun = False
        self._done = threading.Event()
        self._started = False
        self._start_time = time.monotonic()
        self._threads = [threading.Thread(target=self._supervise, name="supervisor", daemon=True)]
        if stats_interval > 0 and not media_time:
            self._threads.append(threading.Thread(target=self._report, name="stats", daemon=True))
        self._build(hook_limit)
        self._watchdog = Watchdog([] if lossless else self.nodes.values(), self.clock, self._publish)
        self.load = self._load_watch()
        if self.load.active:
            watch = threading.Thread(target=self.load.run, args=(self.stopping,), name="load", daemon=True)
            self._threads.append(watch)

    def _build(self, hook_limit: int) -> None:
        lock = threading.RLock()
        self.bus = EventBus(
            self.clock, Signal(lock), ordered=self.media_time, lossless=self.lossless, hook_limit=hook_limit
        )
        for name, sink in self._graph.sinks.items():
            self.bus.add_sink(name, sink, self)
        signals = {name: Signal(lock) for name in self._graph.components}
        edges = {
            edge: Channel(edge.name, edge.bounds, signals[edge.consumer], self.clock, signals[edge.producer])
            for edge in self._graph.edges
        }
        self.channels = list(edges.values())
        self.nodes: dict[str, Node] = {}
        for name, component in self._graph.components.items():
            fed = {edge.input: channel for edge, channel in edges.items() if edge.consumer == name}
            inputs = {port: fed[port] for port in component.inputs if port in fed}
            inbox = None if isinstance(component, Source) else self._inbox(name, inputs, signals[name])
            node = Node(name, component, signals[name], inputs, inbox, self)
            node.events = self.bus.channel(name, signals[name])
            for port in component.outputs:
                node.outputs[port] = [
                    channel for edge, channel in edges.items() if (edge.producer, edge.output) == (name, port)
                ]
            self.nodes[name] = node

    def _load_watch(self) -> LoadWatch:
        # What may not be skipped is not shed either.
        paced = [] if self.lossless else [node for name, node in self.nodes.items() if name in self._graph.paced]
        return LoadWatch(paced, self._graph.sheds, self.clock, self._publish)

    def _inbox(self, name: str, inputs: dict[str, Channel], signal: Signal) -> Inbox:
        skew_limit = None if self.lossless else self._graph.skew_limits[name]
        return Inbox(inputs, signal, self.clock, skew_limit, _FRONTIER_STEP if self.media_time else None)

    # Life of a run.

    def start(self) -> None:
        """Start the run and return at once; the session clock begins once every component and sink is open."""
        with self._lock:
            if self._started:
                raise RuntimeError("this run was already started; make a new one")
            self._started = True
        # All other threads are started by this one, so that an interrupt in here cannot leave half a run behind.
        self._threads[0].start()

    def stop(self) -> None:
        """Ask the run to end and return at once: sources cease, what is queued is worked off for a moment."""
        if not self._done.is_set():
            self._stopped_by_user = True
            self._begin_stop()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until `End` has been delivered everywhere; returns whether that is so.

        A sink or hook that is still busy with an earlier event when the run was stopped is waited for no longer than
        the stop takes; it gets its remaining events, `End` included, when it returns.

        Raises:
            StageFailed: a component failed; `__cause__` has the original error.
            UserError: a component found something the user can mend.
        """
        if not self.done(timeout):
            return False
        if self.failure is not None:
            raise self.failure
        return True

    def done(self, timeout: float | None = None) -> bool:
        """Wait at most `timeout` seconds for the end, whatever it is; returns whether the run is over."""
        # In slices: on Windows a long wait ignores Ctrl-C.
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._done.wait(0.2 if deadline is None else min(0.2, max(0.0, deadline - time.monotonic()))):
            if deadline is not None and time.monotonic() >= deadline:
                return False
        return True

    def owns(self, thread: threading.Thread) -> bool:
        """Whether a thread is one of the run's own, whose waiting for the end would put it off."""
        return thread in (*self._threads, *(node.thread for node in self.nodes.values()), *self.bus.threads)

    @property
    def alive(self) -> bool:
        """Whether the run has begun, so that it will also end."""
        return self._threads[0].ident is not None

    # What the components report.

    def mark_open(self, name: str) -> None:
        """Note that a component or sink is open."""
        with self._ready:
            self._waiting_to_open.discard(name)
            if not self._waiting_to_open:
                self.clock.start()
                self.begun = True
                self._ready.notify_all()

    def opened(self, name: str) -> bool:
        """A component is open; wait for all others. Returns whether the run begins."""
        self.mark_open(name)
        with self._ready:
            self._ready.wait_for(lambda: not self._waiting_to_open or self.stopping.is_set())
            return not self._waiting_to_open

    def failed(self, name: str, error: BaseException) -> None:
        """Note that a component or sink failed for good: remember why, tell everybody, and end the run."""
        with self._lock:
            first = self.failure is None
            if isinstance(error, UserError):
                self.failure = self.failure or error
            else:
                self.failure = self.failure or StageFailed(name, error)
        log.debug("'%s' failed", name, exc_info=error)
        if first:
            kind = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
            message = kind + " ".join(str(error).split())
            self.bus.publish_now(Error(stage=name, message=message, recoverable=False, emitted=self._now()))
        self._begin_stop()

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
        return Stats(
            wall=round(time.monotonic() - self._start_time, 3),
            stages={name: node.metrics.snapshot() for name, node in self.nodes.items()},
            channels=channels,
            counters=self.counters.snapshot() | self.bus.dropped() | self._load_figures(),
            consumers=self.bus.consumers(),
            emitted=self._now(),
        )

    def _load_figures(self) -> dict[str, float]:
        return {"load.level": float(self.load.level)} if self.load.active else {}

    def _publish(self, event: Event) -> None:
        self.bus.publish_now(dataclasses.replace(event, emitted=self._now()))

    def _now(self) -> float:
        """What to stamp on the runner's own events: in media time they go wherever the others have come to."""
        return self.bus.last_emitted if self.media_time else seconds(self.clock.now())

    def _report(self) -> None:
        while not self.stopping.is_set():
            self.clock.sleep(micros(self._stats_interval), self.stopping)
            if not self.stopping.is_set():
                self.bus.publish_now(self.stats())

    # The end.

    def _begin_stop(self) -> None:
        self.stopping.set()
        with self._ready:
            self._ready.notify_all()

    def _supervise(self) -> None:
        """Begin the run; wait for it to end by itself; once it is asked to stop, see to it that it does."""
        try:
            self._start_threads()
            while not self.stopping.is_set():
                # In this order: a hook's thread may begin as late as with `End`, which is the last the bus delivers.
                soon = time.monotonic() + 0.05
                if _join_all([self.bus.thread], soon) and _join_all(self.bus.threads, soon):
                    break
                self._watchdog.look()
            else:
                self._see_to_the_end(time.monotonic())
            self.stopping.set()
            _join_all(self._threads[1:], time.monotonic() + 1)
            if self.tracer is not None:
                self.tracer.close()
        except BaseException as error:  # noqa: BLE001 - there may be no more threads to be had
            self.failed("runner", error)
        finally:
            self._done.set()

    def _start_threads(self) -> None:
        self._start_time = time.monotonic()
        self.bus.start(self.stats, self._stats_interval, self._end)
        for thread in (*(node.thread for node in self.nodes.values()), *self._threads[1:]):
            thread.start()

    def _see_to_the_end(self, begun: float) -> None:
        self.bus.release()
        threads = [node.thread for node in self.nodes.values()]
        if not _join_all(threads, begun + DRAIN_SECONDS):
            for channel in self.channels:
                channel.release()
        if not _join_all(threads, begun + FLUSH_SECONDS):
            for node in self.nodes.values():
                if not node.waiting:
                    node.cut_off()
        _join_all(threads, begun + CUT_OFF_SECONDS)
        self.bus.end_channels()
        # Nothing can hold the bus itself up any more.
        self.bus.thread.join()
        _join_all(self.bus.threads, begun + DELIVER_SECONDS)
        stuck = [thread.name for thread in (*threads, *self.bus.threads) if thread.is_alive()]
        if stuck:
            log.info("still busy after the stop, left behind: %s", ", ".join(stuck))

    def _end(self) -> End:
        reason = "failed" if self.failure else "stopped" if self._stopped_by_user else "finished"
        given = max(node.reached for node in self.nodes.values() if isinstance(node.component, Source))
        duration = given if self.lossless else self.clock.now()
        return End(reason=reason, duration=seconds(duration), emitted=self._now())


def _join_all(threads: Sequence[threading.Thread], deadline: float) -> bool:
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)
