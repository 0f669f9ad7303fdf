"""One component on its thread: the loop that feeds it, and the context it works in."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from pipeline.channel import FOREVER, Channel
from pipeline.clock import Clock
from pipeline.component import Component, Source, Stage
from pipeline.errors import RecoverableError, StreamOrderError
from pipeline.events import Event
from pipeline.inbox import Delivery, Inbox
from pipeline.metrics import Counters, StageMetrics
from pipeline.packet import Packet, seconds
from pipeline.trace import Tracer

R = TypeVar("R")


class Supervisor(Protocol):
    """What a node needs of the runner."""

    clock: Clock
    stopping: threading.Event
    lossless: bool
    media_time: bool
    counters: Counters
    tracer: Tracer | None

    def opened(self, name: str) -> bool:
        """Report that a component is open, wait for all others; returns whether the run begins."""

    def failed(self, name: str, error: BaseException) -> None:
        """Report that a component failed for good."""


class Node:
    """Runs one component of a graph; it is the component's `Context`.

    Args:
        name: the component's name.
        component: the component.
        inbox: its merged inputs, None for a source.
        inputs: its input channels by port.
        outputs: for each output port, the channels it feeds.
        events: the channel on which it publishes.
        supervisor: the runner.
    """

    def __init__(
        self,
        name: str,
        component: Component,
        inbox: Inbox | None,
        inputs: Mapping[str, Channel],
        outputs: Mapping[str, Sequence[Channel]],
        events: Channel,
        supervisor: Supervisor,
    ) -> None:
        self.name = name
        self.component = component
        self.inputs = inputs
        self.outputs = outputs
        self.events = events
        self.metrics = StageMetrics()
        self.reached = 0
        self.thread = threading.Thread(target=self.run, name=name, daemon=True)
        self._inbox = inbox
        self._supervisor = supervisor
        self._blocked = 0
        self._failing: set[str] = set()

    # The component's context.

    @property
    def clock(self) -> Clock:
        """The session clock."""
        return self._supervisor.clock

    @property
    def stopping(self) -> threading.Event:
        """Set when the run is asked to end."""
        return self._supervisor.stopping

    @property
    def lossless(self) -> bool:
        """True for file runs."""
        return self._supervisor.lossless

    def now(self) -> int:
        """Session time, or the media time reached (us)."""
        return self.reached if self._supervisor.media_time else self.clock.now()

    def connected(self, port: str) -> bool:
        """Whether a port is connected to anything."""
        return port in self.inputs or bool(self.outputs.get(port))

    def count(self, name: str, amount: float) -> None:
        """Add to one of the run's named totals."""
        self._supervisor.counters.add(name, amount)

    def backlog(self, port: str) -> int:
        """Microseconds of data waiting on an input port."""
        return self.inputs[port].backlog

    def emit(self, port: str, packet: Packet[Any]) -> None:
        """Send a packet to every consumer of an output port."""
        declared = self.component.outputs[port].type
        if not isinstance(packet.payload, declared):
            raise TypeError(
                f"'{self.name}.{port}' carries {declared.__name__}, got {type(packet.payload).__name__} to emit"
            )
        start = self.clock.now()
        for channel in self.outputs.get(port, ()):
            channel.put(packet)
        self._blocked += self.clock.now() - start
        self.metrics.packets_out += 1
        if self._inbox is None:
            self.reached = max(self.reached, packet.end)
        if not self._supervisor.media_time:
            self.metrics.latency.add(start - packet.end)

    def advance(self, watermark: int) -> None:
        """Promise on every output port that nothing earlier will come."""
        for channels in self.outputs.values():
            for channel in channels:
                channel.advance(watermark)

    def publish(self, event: Event) -> None:
        """Send an event to the sinks and hooks."""
        now = max(self.now(), self.events.watermark if self._supervisor.media_time else 0)
        self.events.put(Packet(now, dataclasses.replace(event, emitted=seconds(now))))

    # The thread.

    def run(self) -> None:
        """Open the component, feed it until its inputs end or the run stops, close it."""
        try:
            self.component.attach(self)
            try:
                self.component.open()
                if self._supervisor.opened(self.name):
                    self._loop()
            finally:
                self.component.close()
        except StreamOrderError as error:
            # A component that outlived its run finds its streams ended; that is no failure of its own.
            if not self.stopping.is_set():
                self._supervisor.failed(self.name, error)
        except BaseException as error:  # noqa: BLE001 - handed to the runner, which raises it with its cause
            self._supervisor.failed(self.name, error)
        finally:
            for channel in self.inputs.values():
                channel.close()
            self.advance(FOREVER)
            self.events.end()

    def _loop(self) -> None:
        if isinstance(self.component, Source):
            source = self.component
            while not self.stopping.is_set() and self._guarded("produce", source.produce, True):
                self.events.advance(self._promise())
            return
        assert isinstance(self.component, Stage) and self._inbox is not None
        stage = self.component
        while (delivery := self._inbox.get()) is not None:
            self._feed(stage, delivery)
        self._guarded("finish", stage.finish)

    def _feed(self, stage: Stage, delivery: Delivery) -> None:
        if delivery.packet is not None and delivery.port is not None:
            port, packet = delivery.port, delivery.packet
            self.metrics.packets_in += 1
            self.reached = max(self.reached, packet.end)
            self._trace_depth(port)
            self._guarded("process", lambda: stage.process(port, packet))
        self._guarded("advance", lambda: stage.advance(delivery.frontier))
        self.advance(stage.watermark(delivery.frontier))
        self.events.advance(max(self._promise(), delivery.frontier if self._supervisor.media_time else 0))

    def _promise(self) -> int:
        return self.reached if self._supervisor.media_time else 0

    def _guarded(self, what: str, work: Callable[[], R | None], otherwise: R | None = None) -> R | None:
        start, self._blocked = self.clock.now(), 0
        try:
            result = work()
        except RecoverableError as error:
            self.metrics.failures += 1
            self._failing.add(error.modality)
            self.component.degrade(error.modality, error.reason)
            return otherwise
        if what in ("process", "produce"):
            while self._failing:
                self.component.recover(self._failing.pop())
            self._account(what, start)
        return result

    def _account(self, what: str, start: int) -> None:
        spent = self.clock.now() - start
        self.metrics.service.add(spent - self._blocked)
        if (tracer := self._supervisor.tracer) is not None:
            tracer.span(self.name, what, start, spent, blocked_us=self._blocked)

    def _trace_depth(self, port: str) -> None:
        if (tracer := self._supervisor.tracer) is not None:
            channel = self.inputs[port]
            tracer.counter(self.name, f"queue {channel.name}", self.clock.now(), channel.depth)
