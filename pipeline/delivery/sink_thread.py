"""One event sink on its thread, and the context it works in."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from lipstream.pipeline.component import EventSink
from lipstream.pipeline.delivery.event_queue import EventQueue
from lipstream.pipeline.delivery.reports import Reports
from lipstream.pipeline.errors import PipelineError
from lipstream.pipeline.events import Event
from lipstream.pipeline.running.metrics import StageMetrics
from lipstream.pipeline.running.supervised import Supervised, Surroundings
from lipstream.pipeline.running.threads import begin
from lipstream.pipeline.streams.packet import Packet


class SinkSupervisor(Protocol):
    """What a sink thread needs of the runner."""

    def mark_open(self, name: str) -> None:
        """Note that a component or sink is open."""

    def failed(self, name: str, error: BaseException) -> None:
        """Note that a component or sink failed for good."""


class SinkThread(Supervised):
    """Opens one event sink, hands it the events, closes it; it is the sink's `Context`.

    Args:
        name: the sink's name in its graph.
        sink: the sink.
        queue: the events for it.
        surroundings: what all who work in the run share.
        supervisor: the runner.
        reports: takes the events that the sink itself publishes.

    Attributes:
        left_out: no thread could be had for it.
    """

    def __init__(
        self,
        name: str,
        sink: EventSink,
        queue: EventQueue,
        surroundings: Surroundings,
        supervisor: SinkSupervisor,
        reports: Reports,
    ) -> None:
        super().__init__(surroundings)
        self.name = name
        self.queue = queue
        self.metrics = StageMetrics()
        self.thread = threading.Thread(target=self.work_off, name=name, daemon=True)
        self.left_out = False
        self._sink = sink
        self._supervisor = supervisor
        self._reports = reports

    # The sink's context.

    def now(self) -> int:
        """Session time (us)."""
        return self.clock.now()

    def publish(self, event: Event) -> None:
        """Send an event to the sinks and hooks, this one too."""
        self._reports.tell(event)

    def connected(self, port: str) -> bool:
        """An event sink has no ports."""
        return False

    def backlog(self, port: str) -> int:
        """An event sink has no ports."""
        return 0

    def emit(self, port: str, packet: Packet[Any]) -> None:
        """An event sink has no ports."""
        raise PipelineError(f"event sink '{self.name}' has no output port '{port}'")

    def advance(self, watermark: int) -> None:
        """An event sink has no ports, so there is nobody to promise anything to."""

    # The thread.

    def start(self) -> None:
        """Begin; what keeps the thread from it is a failure of the sink."""
        error = begin(self.thread)
        if error is not None:
            self.left_out = True
            self._supervisor.failed(self.name, error)

    def work_off(self) -> None:
        """Open the sink, hand it the events, close it, on the thread of the caller."""
        try:
            self._attempt(self._consume)
            self._attempt(self._sink.close)
        finally:
            self.queue.close()
            self._let_go()

    def _attempt(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - handed to the runner, which raises it with its cause
            self.queue.close()
            self._supervisor.failed(self.name, error)

    def _consume(self) -> None:
        self._sink.attach(self)
        self._sink.open()
        self._supervisor.mark_open(self.name)
        while (event := self.queue.get()) is not None:
            self._handle(event)

    def _handle(self, event: Event) -> None:
        start, begun = self.clock.now(), time.monotonic_ns()
        self._sink.handle(event)
        spent = (time.monotonic_ns() - begun) // 1000
        self.metrics.packets_in += 1
        self.metrics.account("handle", spent)
        if (tracer := self._surroundings.tracer) is not None:
            tracer.span(self.name, f"handle {type(event).__name__}", start, spent)

    def _let_go(self) -> None:
        """The sink, which goes on pointing here, would else be kept by what it points to."""
        del self._sink, self._supervisor
        if self.left_out:
            self.thread = threading.Thread(name=self.name, daemon=True)
