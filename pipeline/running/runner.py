"""Runs a graph: threads, the common start, failures, the stop, and the end."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence

from lipstream.pipeline.clock import Clock, MonotonicClock
from lipstream.pipeline.component import Source
from lipstream.pipeline.delivery.bus import EventBus
from lipstream.pipeline.delivery.reports import Reports
from lipstream.pipeline.delivery.standstill import Stragglers
from lipstream.pipeline.errors import StageFailed, UserError
from lipstream.pipeline.events import End, Error, Stats
from lipstream.pipeline.graph import Graph
from lipstream.pipeline.latch import Latch
from lipstream.pipeline.running import memory
from lipstream.pipeline.running.failures import copied, in_one_line
from lipstream.pipeline.running.metrics import Counters
from lipstream.pipeline.running.node import Node
from lipstream.pipeline.running.overload import LoadWatch
from lipstream.pipeline.running.pace import PaceWatch
from lipstream.pipeline.running.supervised import Surroundings
from lipstream.pipeline.running.threads import Launch, ProgramEnds, begin
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
_LOOK_SECONDS = 0.05
"""How often the supervisor looks after those who may be stuck."""


class Runner:
    """One run of one graph.

    `start`, `stop` and `wait` are called on threads that Ctrl-C may interrupt at any point. So they share no lock with
    the threads of the run that these need to end, and leave the work to one of those, the supervisor.

    Args:
        graph: the graph; it is checked.
        clock: session clock.
        lossless: nothing may be skipped to save time, and joins wait as long as it takes; file runs.
        media_time: stamp and order events by media time instead of by the clock; file runs at full speed.
        stats_interval: seconds between `Stats` events; 0 for a single one at the end.
        hook_limit: most events that wait for a hook.
        tracer: where to record spans, or None.

    Attributes:
        begun: whether everything is open, so that the sources deliver.
        failure: what the run fails of; `wait` raises one like it.

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
        self.begun = False
        self.failure: StageFailed | UserError | None = None
        self.stopping: threading.Event = Latch()
        self._stats_interval = stats_interval
        self._stopped_by_user = False
        self._abandoned = False
        self._claim = threading.Lock()
        self._lock = threading.Lock()
        self._waiting_to_open = {*graph.components, *graph.sinks}
        self._gate = Latch()
        self._news: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._done = Latch()
        self._start_time = time.monotonic()
        self._launch = Launch(threading.Thread(target=self._supervise, name="supervisor", daemon=True))
        self._build(graph, lossless, media_time, hook_limit, tracer)
        self._helpers: list[threading.Thread] = []
        if stats_interval > 0 and not media_time:
            self._helpers.append(self._helper("stats", self._report))
        if self.load.active:
            self._helpers.append(self._helper("load", lambda: self.load.run(self.stopping)))

    def _build(self, graph: Graph, lossless: bool, media_time: bool, hook_limit: int, tracer: Tracer | None) -> None:
        lock = threading.RLock()
        reports = Reports(self.clock, media_time)
        paced: list[Node] = []
        self.load = LoadWatch(paced, graph.sheds, self.clock, reports.tell)
        self._surroundings = Surroundings(
            self.clock, self.stopping, lossless, media_time, Counters(), self.load, graph.switches, tracer
        )
        self.bus = EventBus(self._surroundings, self, reports, Signal(lock), hook_limit)
        for name, sink in graph.sinks.items():
            self.bus.add_sink(name, sink)
        signals = {name: Signal(lock) for name in graph.components}
        edges = {
            edge: Channel(edge.name, edge.bounds, signals[edge.consumer], self.clock, signals[edge.producer])
            for edge in graph.edges
        }
        self.channels = list(edges.values())
        self.nodes: dict[str, Node] = {}
        for name, component in graph.components.items():
            fed = {edge.input: channel for edge, channel in edges.items() if edge.consumer == name}
            inputs = {port: fed[port] for port in component.inputs if port in fed}
            inbox = None
            if not isinstance(component, Source):
                skew_limit = None if lossless else graph.skew_limits[name]
                inbox = Inbox(inputs, signals[name], self.clock, skew_limit, _FRONTIER_STEP if media_time else None)
            node = Node(name, component, signals[name], inputs, inbox, self._surroundings, self)
            node.events = self.bus.channel(name, signals[name])
            node.retell = graph.retold.get(name)
            for port in component.outputs:
                node.outputs[port] = [
                    channel for edge, channel in edges.items() if (edge.producer, edge.output) == (name, port)
                ]
            self.nodes[name] = node
        # What may not be skipped is not shed either.
        self._paced = [node for name, node in self.nodes.items() if name in graph.paced]
        paced += [] if lossless else self._paced

    def _helper(self, name: str, work: Callable[[], None]) -> threading.Thread:
        return threading.Thread(target=self._attempt, args=(name, work), name=name, daemon=True)

    # Life of a run.

    def start(self) -> None:
        """Start the run and return at once; the session clock begins once every component and sink is open."""
        if not self._claim.acquire(blocking=False):
            raise RuntimeError("this run was already started; make a new one")
        self._launch.go()
        self._stand_in()

    def _stand_in(self) -> None:
        """Do the supervisor's work on the thread of the caller, if no thread could be had for it."""
        error = self._launch.failure()
        if error is not None:
            self.failed("runner", error)
            self._supervise()

    def stop(self) -> None:
        """Ask the run to end and return at once: sources cease, what is queued is worked off for a moment.

        It takes no lock, and may be called by the garbage collector.
        """
        if not self._done.is_set():
            self._stopped_by_user = True
            self._begin_stop()

    def abandon(self) -> None:
        """End a run that nobody can stop any more, unless it is at its end anyway."""
        if self.bus.end is None:
            self._abandoned = True
            self.stop()

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
            raise copied(self.failure)
        return True

    def done(self, timeout: float | None = None) -> bool:
        """Wait at most `timeout` seconds for the end, whatever it is; returns whether the run is over."""
        self._stand_in()
        return self._done.wait(timeout)

    def owns(self, thread: threading.Thread) -> bool:
        """Whether a thread is one of the run's own, whose waiting for the end would put it off."""
        own = (self._launch.thread, *self._helpers, *(node.thread for node in self.nodes.values()), *self.bus.threads)
        return thread in own

    @property
    def launched(self) -> bool:
        """Whether the run has begun, so that it will also end."""
        return self._launch.gone

    # What the components report.

    def mark_open(self, name: str) -> None:
        """Note that a component or sink is open."""
        with self._lock:
            self._waiting_to_open.discard(name)
            if not self._waiting_to_open and not self.begun:
                # What networks were loaded through.
                memory.give_back()
                self.clock.start()
                self.begun = True
                self._gate.set()

    @property
    def loading(self) -> frozenset[str]:
        """The components and sinks that are not open yet."""
        with self._lock:
            return frozenset(self._waiting_to_open)

    def opened(self, name: str) -> bool:
        """A component is open; wait for all others. Returns whether the run begins."""
        self.mark_open(name)
        self._gate.wait()
        return self.begun

    def failed(self, name: str, error: BaseException) -> None:
        """Note that a component or sink failed for good: remember why, tell everybody, and end the run."""
        if isinstance(error, ProgramEnds):
            # Nothing is wrong: the run ends with the program, as `stop` would end it.
            self.stop()
            return
        with self._lock:
            first = self.failure is None
            if first:
                self.failure = error if isinstance(error, UserError) else StageFailed(name, error)
        log.debug("'%s' failed", name, exc_info=error)
        if first:
            self.bus.reports.tell(Error(stage=name, message=in_one_line(error), recoverable=False))
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
            counters=self._surroundings.counters.snapshot() | self.bus.dropped() | self.load.figures(),
            consumers=self.bus.consumers(),
            emitted=self._now(),
        )

    def end(self) -> End:
        """The `End` of the run as it stands."""
        reason = "failed" if self.failure else "stopped" if self._stopped_by_user else "finished"
        given = max(node.reached for node in self.nodes.values() if node.is_source)
        duration = given if self._surroundings.lossless else self.clock.now()
        return End(reason=reason, duration=seconds(duration), emitted=self._now())

    def delivered(self) -> None:
        """Note that the bus has done its work."""
        self._news.put(None)

    def _now(self) -> float:
        """What to stamp on the runner's own events: in media time they go wherever the others have come to."""
        return self.bus.last_emitted if self._surroundings.media_time else seconds(self.clock.now())

    def _report(self) -> None:
        while not self.stopping.is_set():
            self.clock.sleep(micros(self._stats_interval), self.stopping)
            if not self.stopping.is_set():
                self.bus.reports.tell(self.stats())

    # The end.

    def _begin_stop(self) -> None:
        self.stopping.set()
        self._gate.set()
        self._news.put(None)

    def _supervise(self) -> None:
        """See the run through from its start to its end, whatever fails."""
        memory.share_heaps()
        self._attempt("runner", self._start_threads)
        self._attempt("runner", self._watch)
        if not self._attempt("runner", self._see_to_the_end):
            self._attempt("runner", self._deliver_the_end)
        self._attempt("runner", self._let_go)
        memory.give_back()
        self._done.set()

    def _attempt(self, name: str, work: Callable[[], object]) -> bool:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised by `wait`
            self.failed(name, error)
            return False
        return True

    def _start_threads(self) -> None:
        self._start_time = time.monotonic()
        self.bus.start(self._stats_interval)
        for node in self.nodes.values():
            # Without a thread for each there is no run, and what would not be used is not opened.
            if self.failure is not None or not node.start():
                node.skip()
        for thread in self._helpers:
            if self.failure is None and (error := begin(thread)) is not None:
                self.failed(thread.name, error)

    def _watch(self) -> None:
        """Wait until the run has ended by itself, or is asked to stop."""
        watchdog = Watchdog(
            [] if self._surroundings.lossless else self.nodes.values(), self.clock, self.bus.reports.tell
        )
        # Live, what is too much is left out, which is told by itself.
        lossless, media_time = self._surroundings.lossless, self._surroundings.media_time
        waited_for = list(self._paced) if lossless and not media_time else []
        pace = PaceWatch(waited_for, self.clock, self.bus.reports.tell)
        stragglers = Stragglers(self.clock)
        while not self.stopping.is_set():
            # In this order: a hook's thread may begin as late as with `End`, which is the last the bus delivers.
            if self.bus.thread.is_alive():
                self._wait_for_news()
            elif _join_all(self.bus.threads, time.monotonic() + _LOOK_SECONDS):
                return
            else:
                stragglers.look(self.bus.busy)
            watchdog.look()
            pace.look()

    def _wait_for_news(self) -> None:
        try:
            self._news.get(timeout=_LOOK_SECONDS)
        except queue.Empty:
            return

    def _see_to_the_end(self) -> None:
        """Once it is asked to stop, see to it that the run does."""
        if not self.stopping.is_set():
            return
        if self._abandoned:
            log.warning(
                "nobody holds the pipeline any more, so its run is stopped: keep it for as long as it is to run"
            )
        begun = time.monotonic()
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
        _join_all([self.bus.thread], None)
        self._deliver_the_end(begun)
        stuck = [thread.name for thread in (*threads, *self.bus.threads) if thread.is_alive()]
        if stuck:
            log.info("still busy after the stop, left behind: %s", ", ".join(stuck))

    def _deliver_the_end(self, begun: float | None = None) -> None:
        """Deliver `End`, if the bus has not; wait for those who get it as long as a stop that has `begun` then may."""
        self.bus.conclude()
        _join_all(self.bus.threads, (begun or time.monotonic()) + DELIVER_SECONDS)

    def _let_go(self) -> None:
        """Do what is left when the threads have ended, so that nothing of the run keeps itself."""
        self.stopping.set()
        self.bus.conclude()
        self.bus.work_off()
        _join_all(self._helpers, time.monotonic() + 1)
        if self._surroundings.tracer is not None:
            self._surroundings.tracer.close()
        self.load.let_go()
        self.bus.let_go()
        self._helpers = []


def _join_all(threads: Sequence[threading.Thread], deadline: float | None) -> bool:
    """Wait until a time for those threads to end that have begun; returns whether they have."""
    begun = [thread for thread in threads if thread.ident is not None]
    for thread in begun:
        thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
    return not any(thread.is_alive() for thread in begun)
