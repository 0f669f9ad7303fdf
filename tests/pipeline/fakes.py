"""Small components and helpers the tests of the dataflow share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import pytest

from lipstream import Pipeline
from lipstream.config import Config
from lipstream.events import TranscriptFinal, TranscriptPartial
from lipstream.pipeline import End, Event, EventSink, Graph, Packet, Port, Sink, Source, Stage
from lipstream.pipeline.running.runner import Runner
from lipstream.pipeline.testing import EventRecorder, FakeSource

PATIENCE = 60.0
"""Seconds after which something that should have happened is taken to never happen."""


def eventually(condition: Callable[[], object]) -> None:
    """Wait for something another thread does."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.001)


def stream(*timestamps: int, duration: int = 0) -> list[Packet[object]]:
    """Packets whose payload is their timestamp."""
    return [Packet(timestamp, timestamp, duration) for timestamp in timestamps]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(Event):
    """An event for the tests."""

    text: str


class Forward(Stage):
    """Passes packets on, after doing something with each."""

    inputs: ClassVar = {"in": Port(object)}
    outputs: ClassVar = {"out": Port(object)}

    def __init__(self, work: Callable[[Packet], object] = lambda packet: None) -> None:
        self.work = work
        self.finished = False
        self.closed = 0

    def process(self, port, packet):
        self.work(packet)
        self.emit("out", packet.payload, packet.timestamp, packet.duration)

    def finish(self):
        self.finished = True

    def close(self):
        self.closed += 1


class Hold(Stage):
    """Passes packets on only at the end, and promises nothing before."""

    inputs: ClassVar = {"in": Port(object)}
    outputs: ClassVar = {"out": Port(object)}

    def __init__(self) -> None:
        self.held: list[Packet] = []

    def process(self, port, packet):
        self.held.append(packet)

    def watermark(self, frontier):
        return self.held[0].timestamp if self.held else frontier

    def finish(self):
        for packet in self.held:
            self.emit("out", packet.payload, packet.timestamp)


class Announce(Stage):
    """Publishes a note for each packet."""

    inputs: ClassVar = {"in": Port(object)}

    def process(self, port, packet):
        self.publish(Note(text=f"{self.context.name} {packet.payload}"))

    def finish(self):
        self.publish(Note(text=f"{self.context.name} finished"))


class Collect(Sink):
    """Keeps what it gets, after doing something with each packet."""

    inputs: ClassVar = {"in": Port(object)}

    def __init__(self, work: Callable[[Packet], object] = lambda packet: None) -> None:
        self.work = work
        self.packets: list[Packet] = []
        self.finished = False
        self.closed = 0

    def process(self, port, packet):
        self.packets.append(packet)
        self.work(packet)

    def finish(self):
        self.finished = True

    def close(self):
        self.closed += 1

    @property
    def timestamps(self) -> list[int]:
        return [packet.timestamp for packet in self.packets]


class Join(Sink):
    """Keeps (port, timestamp) of what it gets on two inputs."""

    inputs: ClassVar = {"left": Port(object), "right": Port(object)}

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []

    def process(self, port, packet):
        self.seen.append((port, packet.timestamp))


class Endless(Source):
    """Gives a packet each millisecond of its own time until it is stopped."""

    outputs: ClassVar = {"out": Port(object)}

    def __init__(self) -> None:
        self.count = 0

    def produce(self):
        self.emit("out", self.count, self.count * 1000, 1000)
        self.count += 1
        return True


class Idle(Source):
    """Gives nothing until it is stopped."""

    outputs: ClassVar = {"out": Port(object)}

    def produce(self):
        self.context.stopping.wait(0.05)
        return True


class Trap:
    """Something that does not come back until the test lets it."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.released = threading.Event()

    def __call__(self, *_: object) -> None:
        self.entered.set()
        assert self.released.wait(PATIENCE)


@contextmanager
def trap() -> Iterator[Trap]:
    made = Trap()
    try:
        yield made
    finally:
        made.released.set()


class TrapSink(EventSink):
    """An event sink that is caught on its first event."""

    def __init__(self, caught: Trap) -> None:
        self.caught = caught

    def handle(self, event):
        self.caught()


def chain(*components, recorder: EventRecorder | None = None, bounds=None) -> Graph:
    """A graph of components behind each other, named c0, c1, ..., with ports "out" and "in"."""
    graph = Graph()
    for index, component in enumerate(components):
        graph.add(f"c{index}", component)
        if index:
            graph.connect(f"c{index - 1}.out", f"c{index}.in", bounds)
    if recorder is not None:
        graph.add("recorder", recorder)
    return graph


def finished(graph: Graph, **options) -> Runner:
    """Run a graph to its end."""
    runner = Runner(graph, **options)
    runner.start()
    assert runner.wait(PATIENCE), "the run does not end"
    return runner


def source(*timestamps: int, duration: int = 0) -> FakeSource:
    return FakeSource(stream(*timestamps, duration=duration))


def end_of(runner: Runner) -> End:
    end = runner.bus.end
    assert end is not None
    return end


def partial(number: int) -> TranscriptPartial:
    return TranscriptPartial(segment=number, start=0, end=1, stable="", unstable="")


def final(number: int) -> TranscriptFinal:
    return TranscriptFinal(segment=number, start=0, end=1, text="", words=())


def run(graph, *hooks, **options) -> Runner:
    """Run to the end with hooks of (class, function)."""
    runner = Runner(graph, **options)
    for event_type, function in hooks:
        runner.bus.add_hook(event_type, function)
    runner.start()
    assert runner.wait(PATIENCE)
    return runner


def raising(error: BaseException, at: int = 20):
    def work(packet):
        if packet.timestamp == at:
            raise error

    return work


def failure_of(graph, **options) -> BaseException:
    runner = Runner(graph, **options)
    runner.start()
    with pytest.raises(BaseException) as caught:
        runner.wait(PATIENCE)
    return caught.value


FILE = Config(mode="file")


LIVE = Config(mode="live")


def pipeline(*components, config: Config = FILE, **options) -> Pipeline:
    return Pipeline(config, build=lambda _: chain(*components), **options)
