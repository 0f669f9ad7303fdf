"""One component on its thread: the loop that feeds it, and the context it works in."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from lipstream.pipeline.component import Component, Source, Stage, check_emission
from lipstream.pipeline.errors import RecoverableError, StreamOrderError
from lipstream.pipeline.events import Event
from lipstream.pipeline.running.lapses import Lapses
from lipstream.pipeline.running.metrics import StageMetrics
from lipstream.pipeline.running.supervised import Supervised, Surroundings
from lipstream.pipeline.running.threads import begin
from lipstream.pipeline.streams.channel import FOREVER, Channel
from lipstream.pipeline.streams.inbox import Delivery, Inbox
from lipstream.pipeline.streams.packet import Packet, seconds
from lipstream.pipeline.streams.waits import Signal

R = TypeVar("R")

_BACK_OFF = (0.01, 1.0)
"""Seconds a source pauses after a first recoverable error, doubled with each further one, and the longest pause."""
_NOTABLE = 1000
"""Microseconds from which on a call of `advance`, which mostly does nothing, is worth a line in the trace."""


class NodeSupervisor(Protocol):
    """What a node needs of the runner."""

    def failed(self, name: str, error: BaseException) -> None:
        """Note that a component or sink failed for good."""

    def opened(self, name: str) -> bool:
        """Report that a component is open, wait for all others; returns whether the run begins."""


class Node(Supervised):
    """Runs one component of a graph; it is the component's `Context`.

    When the run is over it holds the component no more, which goes on holding it.

    Args:
        name: the component's name.
        component: the component.
        signal: what the component waits for, for all its channels.
        inputs: its input channels by port.
        inbox: these, merged; None for a source.
        surroundings: what all who work in the run share.
        supervisor: the runner.

    Attributes:
        outputs: for each output port, the channels it feeds; filled in before the start.
        events: the channel on which it publishes; set before the start.
        retell: what becomes of its events first, None for nothing; set before the start.
        reached: the latest moment of media it has taken or, for a source, given (us).
        calling_since: session time (us) since when the component has been in a call without giving anything, None when
            it is in none or waits for room behind it.
        is_source: whether the component is one.
        if_stuck: what to report when the component is stuck; None for one that is not watched.
    """

    events: Channel
    retell: Callable[[Event], Event | None] | None

    def __init__(
        self,
        name: str,
        component: Component,
        signal: Signal,
        inputs: Mapping[str, Channel],
        inbox: Inbox | None,
        surroundings: Surroundings,
        supervisor: NodeSupervisor,
    ) -> None:
        super().__init__(surroundings)
        self.name = name
        self.is_source = isinstance(component, Source)
        self.if_stuck = component.if_stuck if isinstance(component, Stage) else None
        self.outputs: dict[str, Sequence[Channel]] = {}
        self.retell = None
        self.metrics = StageMetrics()
        self.reached = 0
        self.calling_since: int | None = None
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._component = component
        self._supervisor = supervisor
        self._ports = component.outputs
        self._signal = signal
        self._inputs = inputs
        self._inbox = inbox
        self._frontier = 0
        self._blocked = 0
        self._computed = 0
        self._in_hand: int | None = None
        self._lapses = Lapses(component)

    # The component's context.

    def now(self) -> int:
        """Session time, or the media time reached (us)."""
        return max(self.reached, self._frontier) if self._surroundings.media_time else self.clock.now()

    def connected(self, port: str) -> bool:
        """Whether a port is connected to anything."""
        return port in self._inputs or bool(self.outputs.get(port))

    def backlog(self, port: str) -> int:
        """Microseconds of data waiting on an input port."""
        return self._inputs[port].backlog if port in self._inputs else 0

    def emit(self, port: str, packet: Packet[Any]) -> None:
        """Send a packet to every consumer of an output port."""
        check_emission(self._ports, self.name, port, packet.payload)
        start = self.clock.now()
        self.calling_since = None
        for channel in self.outputs[port]:
            channel.put(packet)
        self.calling_since = self.clock.now()
        self._blocked += self.calling_since - start
        self.metrics.packets_out += 1
        if self._inbox is None:
            self.reached = max(self.reached, packet.end)
        if not self._surroundings.media_time:
            self.metrics.latency.add(start - packet.end)

    def advance(self, watermark: int) -> None:
        """Promise on every output port that nothing earlier will come."""
        for channels in self.outputs.values():
            for channel in channels:
                channel.advance(watermark)

    def publish(self, event: Event) -> None:
        """Send an event to the sinks and hooks."""
        told = event if self.retell is None else self.retell(event)
        if told is None:
            return
        now = self.now()
        # Without media time the order is that of arrival, and the time stamps on the channel mean nothing.
        timestamp = now if self._surroundings.media_time else 0
        self.events.put(Packet(timestamp, dataclasses.replace(told, emitted=seconds(now))))

    # For the runner.

    @property
    def waiting(self) -> bool:
        """Whether it waits for input, so that whoever should give it is to blame for the delay."""
        return bool(self._signal.starved)

    def delay(self, now: int) -> int:
        """How long the oldest packet it has not dealt with has been there, microseconds; 0 if there is none."""
        with self._signal.lock:
            arrivals = [head.arrival for channel in self._inputs.values() if (head := channel.head()) is not None]
        if (in_hand := self._in_hand) is not None:
            arrivals.append(in_hand)
        return max(0, now - min(arrivals, default=now))

    def cut_off(self) -> None:
        """Let those behind it end without it: it does not come back from a call."""
        self.advance(FOREVER)

    # The thread.

    def start(self) -> bool:
        """Begin; what keeps the thread from it is a failure of the component, and is told by returning False."""
        error = begin(self.thread)
        if error is not None:
            self._supervisor.failed(self.name, error)
        return error is None

    def skip(self) -> None:
        """End without having begun."""
        self.thread = threading.Thread(name=self.name, daemon=True)
        self._end()

    def _run(self) -> None:
        try:
            self._attempt(self._work)
            self._end_streams()
            self._attempt(self._component.close)
        finally:
            self._end()

    def _end_streams(self) -> None:
        for channel in self._inputs.values():
            channel.close()
        self.advance(FOREVER)

    def _end(self) -> None:
        self._end_streams()
        self.events.end()
        del self._component, self._lapses, self._supervisor

    def _attempt(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - handed to the runner, which raises it with its cause
            # One that outlived its run finds its streams ended; that is no failure of its own.
            if not (isinstance(error, StreamOrderError) and self.stopping.is_set()):
                self._supervisor.failed(self.name, error)

    def _work(self) -> None:
        """Open the component and feed it until its inputs end or, for a source, the run stops."""
        component = self._component
        component.attach(self)
        component.open()
        if not self._supervisor.opened(self.name):
            return
        if isinstance(component, Source):
            self._draw(component)
            return
        assert isinstance(component, Stage) and self._inbox is not None
        while (delivery := self._inbox.get()) is not None:
            self.metrics.late = self._inbox.late
            self._in_hand = delivery.arrival
            self._feed(component, delivery)
            self._in_hand = None
        self._guarded("finish", component.finish)

    def _draw(self, source: Source) -> None:
        pause, longest = _BACK_OFF
        while not self.stopping.is_set():
            more = self._guarded("produce", source.produce)
            if self._lapses.lasting:
                self.stopping.wait(pause)
                pause = min(2 * pause, longest)
                continue
            pause = _BACK_OFF[0]
            if not more:
                return
            self._promise()

    def _feed(self, stage: Stage, delivery: Delivery) -> None:
        if delivery.packet is not None and delivery.port is not None:
            port, packet = delivery.port, delivery.packet
            self.metrics.packets_in += 1
            self.reached = max(self.reached, packet.end)
            self._trace_depth(port)
            self._guarded("process", lambda: stage.process(port, packet), port)
        self._frontier = delivery.frontier
        if type(stage).advance is not Stage.advance:
            self._guarded("advance", lambda: stage.advance(delivery.frontier))
        self.advance(stage.watermark(delivery.frontier))
        self._promise()

    def _promise(self) -> None:
        if self._surroundings.media_time:
            self.events.advance(self.now())

    def _guarded(self, method: str, work: Callable[[], R], port: str = "") -> R | None:
        """Call a method of the component; a recoverable error is reported, and gives None."""
        what = port or method
        start, self._blocked = self.clock.now(), 0
        self.calling_since = start
        self._computed = time.thread_time_ns()
        try:
            result = work()
        except RecoverableError as error:
            self.metrics.failures += 1
            self._lapses.begin(what, error)
            return None
        finally:
            self.calling_since = None
            self._account(method, start)
        self._lapses.end(what)
        return result

    def _account(self, method: str, start: int) -> None:
        spent = self.clock.now() - start
        # A source waits for its device or its time inside `produce`: its work is what its thread computed.
        work = (time.thread_time_ns() - self._computed) // 1000 if method == "produce" else spent - self._blocked
        self.metrics.account(method, work)
        tracer = self._surroundings.tracer
        if tracer is not None and (method != "advance" or spent >= _NOTABLE):
            tracer.span(self.name, method, start, spent, blocked_us=self._blocked)

    def _trace_depth(self, port: str) -> None:
        if (tracer := self._surroundings.tracer) is not None:
            channel = self._inputs[port]
            tracer.counter(self.name, f"queue {channel.name}", self.clock.now(), channel.depth)
