"""Tools for testing sources, stages and whole graphs without devices and without sleeping."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar, overload

from lipstream.pipeline.clock import Clock
from lipstream.pipeline.component import EventSink, Port, Source, Stage, check_emission
from lipstream.pipeline.errors import RecoverableError, StreamOrderError
from lipstream.pipeline.events import End, Event
from lipstream.pipeline.running.lapses import Lapses
from lipstream.pipeline.running.runner import Runner
from lipstream.pipeline.streams.channel import FOREVER, Channel
from lipstream.pipeline.streams.packet import Packet, seconds
from lipstream.pipeline.switches import Switches

R = TypeVar("R")


class ScriptedClock(Clock):
    """Session time that moves only when told to.

    Args:
        now: the time it begins at, in microseconds.
    """

    def __init__(self, now: int = 0) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._waiting: list[threading.Condition] = []
        self._moved = threading.Condition()

    def start(self) -> None:
        """Do nothing: the script decides what time it is."""

    def now(self) -> int:
        """The scripted time in microseconds."""
        return self._now

    def advance(self, duration: int) -> None:
        """Move time on by `duration` us and wake whoever waits for it."""
        with self._moved:
            self._now += duration
            self._moved.notify_all()
        with self._lock:
            waiting = list(self._waiting)
        for condition in waiting:
            with condition:
                condition.notify_all()

    def wait(self, condition: threading.Condition, timeout: int | None) -> None:
        """Wait on a held condition until notified or until time is moved."""
        with self._lock:
            self._waiting.append(condition)
        try:
            condition.wait()
        finally:
            with self._lock:
                self._waiting.remove(condition)

    def sleep(self, duration: int, stop: threading.Event) -> None:
        """Wait until the script has moved time on by `duration` us, or until `stop` is set."""
        until = self._now + duration
        with self._moved:
            while self._now < until and not stop.is_set():
                # Only the check of `stop` needs the real clock.
                self._moved.wait(0.01)


def at_rest(runner: Runner) -> bool:
    """Whether nothing is on its way in a run while its clock stands still.

    Packets that are kept for others to join, which will not come before time goes on, are not on their way.
    """
    waiting = all(node.waiting for node in runner.nodes.values() if not node.is_source)
    return waiting and not any(map(_on_its_way, runner.channels))


def _on_its_way(channel: Channel) -> bool:
    with channel.consumer.lock:
        return channel.depth > 0 and not any(channel.consumer.waits())


class FakeSource(Source):
    """A source that plays a list of packets on its port "out".

    Args:
        packets: what to emit. A callable among them is called in its place, to raise an error or to move a clock.
        payload_type: declared type of the port.
    """

    outputs: ClassVar[Mapping[str, Port]] = {"out": Port(object)}

    def __init__(self, packets: Iterable[Packet[Any] | Callable[[], object]], payload_type: type | None = None) -> None:
        self._script = iter(packets)
        if payload_type is not None:
            self.outputs = {"out": Port(payload_type)}  # type: ignore[misc] # per instance, for tests

    def produce(self) -> bool:
        """Emit the next packet, or call the next callable."""
        step = next(self._script, None)
        if step is None:
            return False
        if isinstance(step, Packet):
            self.context.emit("out", step)
        else:
            step()
        return True


class EventRecorder(EventSink):
    """Keeps every event in `events`."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def handle(self, event: Event) -> None:
        """Keep an event."""
        self.events.append(event)

    def of(self, event_type: type[Event]) -> list[Any]:
        """The events of one class."""
        return [event for event in self.events if isinstance(event, event_type)]

    @property
    def ended(self) -> bool:
        """Whether `End` came exactly once and last."""
        return len(self.of(End)) == 1 and isinstance(self.events[-1], End)


@dataclass
class StageRun(Sequence[Packet[Any]]):
    """What came out of a stage: a sequence of the packets of all ports in the order of emission.

    Attributes:
        emitted: (port, packet) in the order of emission.
        events: the events it published.
        counters: the run's named totals.
    """

    emitted: list[tuple[str, Packet[Any]]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    counters: dict[str, float] = field(default_factory=dict)

    def on(self, port: str) -> list[Packet[Any]]:
        """The packets of one port."""
        return [packet for name, packet in self.emitted if name == port]

    def only(self, port: str) -> StageRun:
        """The same, with the packets of one port alone."""
        return dataclasses.replace(self, emitted=[(name, packet) for name, packet in self.emitted if name == port])

    @property
    def payloads(self) -> list[Any]:
        """The payloads of all packets."""
        return [packet.payload for packet in self]

    def __len__(self) -> int:
        return len(self.emitted)

    @overload
    def __getitem__(self, index: int) -> Packet[Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[Packet[Any]]: ...

    def __getitem__(self, index: int | slice) -> Packet[Any] | list[Packet[Any]]:
        packets = [packet for _, packet in self.emitted]
        return packets[index]

    def __iter__(self) -> Iterator[Packet[Any]]:
        return (packet for _, packet in self.emitted)


class _RecordingContext:
    """A context without a runner: keeps what a component emits and holds it to its promises."""

    def __init__(
        self,
        run: StageRun,
        component: Source | Stage,
        clock: Clock,
        lossless: bool,
        shed: Collection[str] = (),
        switches: Switches | None = None,
    ) -> None:
        self.name = type(component).__name__
        self.clock = clock
        self.stopping = threading.Event()
        self.lossless = lossless
        self.shed = shed
        self.switches = switches or Switches()
        self.reached = 0
        self.inputs: set[str] = set()
        self.lapses = Lapses(component)
        self._run = run
        self._component = component
        self._promised = dict.fromkeys(component.outputs, -FOREVER)

    def now(self) -> int:
        return self.reached

    def emit(self, port: str, packet: Packet[Any]) -> None:
        check_emission(self._component.outputs, self.name, port, packet.payload)
        if packet.timestamp < self._promised[port]:
            raise StreamOrderError(
                f"port '{port}': packet at {packet.timestamp} us after a promise of {self._promised[port]} us"
            )
        self._promised[port] = packet.timestamp
        if isinstance(self._component, Source):
            self.reached = max(self.reached, packet.end)
        self._run.emitted.append((port, packet))

    def advance(self, watermark: int) -> None:
        self._promised = {port: max(promised, watermark) for port, promised in self._promised.items()}

    def publish(self, event: Event) -> None:
        self._run.events.append(dataclasses.replace(event, emitted=seconds(self.now())))

    def backlog(self, port: str) -> int:
        return 0

    def sheds(self, name: str) -> bool:
        return name in self.shed

    def switched_off(self, name: str) -> bool:
        return not self.switches.is_on(name)

    def connected(self, port: str) -> bool:
        return port in self.inputs or port in self._component.outputs

    def count(self, name: str, amount: float) -> None:
        self._run.counters[name] = self._run.counters.get(name, 0.0) + amount


def run_stage(
    stage: Stage,
    packets: Iterable[Packet[Any]] | Mapping[str, Iterable[Packet[Any]]],
    *,
    clock: Clock | None = None,
    lossless: bool = True,
    shed: Collection[str] = (),
    switches: Switches | None = None,
) -> StageRun:
    """Run a stage from `open` to `close` over some packets, in this thread.

    Args:
        stage: the stage.
        packets: for a stage with one input that is not optional, its packets; else the packets by input port. Ports
            left out count as not connected. Packets of several ports are delivered ordered by timestamp, as in a graph.
        clock: session clock; a scripted one at 0 by default.
        lossless: what the stage is told about the run.
        shed: names of the kinds of work it is told to leave out.
        switches: what it is told is switched on or off; they may be turned while it runs. All on by default.

    Returns:
        What the stage emitted and published. A `RecoverableError` becomes `Degraded` and the packet is skipped, as in
        a graph; any other error is raised.

    Raises:
        StreamOrderError: the stage emitted a packet earlier than it had promised.
    """
    if not isinstance(packets, Mapping):
        needed = [port for port, declared in stage.inputs.items() if not declared.optional]
        if len(needed) != 1:
            raise ValueError(f"{type(stage).__name__} has inputs {list(stage.inputs)}: give packets by port")
        packets = {needed[0]: packets}
    order = list(stage.inputs)
    if unknown := [port for port in packets if port not in order]:
        raise ValueError(f"{type(stage).__name__} has no input port '{unknown[0]}' (it has: {', '.join(order)})")
    run = StageRun()
    context = _RecordingContext(run, stage, clock or ScriptedClock(), lossless, shed, switches)
    context.inputs = set(packets)
    stage.attach(context)
    sequence = sorted(
        ((port, packet) for port, stream in packets.items() for packet in stream),
        key=lambda item: (item[1].timestamp, order.index(item[0])),
    )
    try:
        stage.open()
        for port, packet in sequence:
            _feed(stage, context, port, packet)
        _guard(context, "finish", stage.finish)
    finally:
        stage.close()
    return run


def _feed(stage: Stage, context: _RecordingContext, port: str, packet: Packet[Any]) -> None:
    context.reached = max(context.reached, packet.end)
    _guard(context, port, lambda: stage.process(port, packet))
    _guard(context, "advance", lambda: stage.advance(packet.timestamp))
    context.advance(stage.watermark(packet.timestamp))


def _guard(context: _RecordingContext, what: str, work: Callable[[], R]) -> R | None:
    """Call a method of a component as a graph does: a recoverable error is reported, and gives None."""
    try:
        result = work()
    except RecoverableError as error:
        context.lapses.begin(what, error)
        return None
    context.lapses.end(what)
    return result


def run_source(
    source: Source,
    *,
    clock: Clock | None = None,
    lossless: bool = True,
    steps: int = 1_000_000,
    switches: Switches | None = None,
) -> StageRun:
    """Run a source from `open` to `close` in this thread, for at most `steps` calls of `produce`.

    `switches` is what it is told is switched on or off, as for `run_stage`.
    A `RecoverableError` becomes `Degraded` and the source is called again, as in a graph; any other error is raised.
    """
    run = StageRun()
    context = _RecordingContext(run, source, clock or ScriptedClock(), lossless, switches=switches)
    source.attach(context)
    try:
        source.open()
        for _ in range(steps):
            more = _guard(context, "produce", source.produce)
            if not more and not context.lapses.lasting:
                break
    finally:
        source.close()
    return run
