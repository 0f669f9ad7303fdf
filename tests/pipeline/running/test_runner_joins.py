"""Joins in a running graph: no deadlock, bounded memory, and the same result whatever the threads do."""

from __future__ import annotations

from typing import ClassVar

from lipstream.pipeline import Bounds, Graph, Port, Source, Stage
from lipstream.pipeline.delivery import bus as bus_module
from lipstream.pipeline.running.runner import Runner
from lipstream.pipeline.testing import EventRecorder, FakeSource, ScriptedClock
from tests.pipeline.fakes import (
    PATIENCE,
    Announce,
    Endless,
    Forward,
    Hold,
    Idle,
    Join,
    Note,
    chain,
    eventually,
    finished,
    source,
    stream,
    trap,
)

ONE = Bounds(items=1)


def joined(graph: Graph, left: str, right: str, bounds: Bounds | None = None, name: str = "join") -> Join:
    join = Join()
    graph.add(name, join)
    graph.connect(left, f"{name}.left", bounds)
    graph.connect(right, f"{name}.right", bounds)
    return join


def test_a_diamond_with_tiny_channels_does_not_deadlock():
    graph = chain(source(*range(100)))
    graph.add("hold", Hold())
    graph.connect("c0.out", "hold.in", ONE)
    join = joined(graph, "c0.out", "hold.out", ONE)
    finished(graph)
    assert join.seen == [(port, time) for time in range(100) for port in ("left", "right")]


def test_two_sources_joined_twice_do_not_deadlock():
    # No join has two inputs with a common ancestor, and yet they wait for each other in a circle.
    graph = chain(source(*range(60)))
    graph.add("other", source(*range(60)))
    graph.add("hold", Hold())
    graph.connect("c0.out", "hold.in", ONE)
    first = joined(graph, "other.out", "hold.out", ONE, "first")
    second = joined(graph, "c0.out", "other.out", ONE, "second")
    finished(graph)
    assert len(first.seen) == len(second.seen) == 120


def test_nested_diamonds_do_not_deadlock():
    graph = chain(source(*range(40)), Forward(), bounds=ONE)
    for name, feed in (("hold1", "c0"), ("hold2", "c1"), ("hold3", "hold1")):
        graph.add(name, Hold())
        graph.connect(f"{feed}.out", f"{name}.in", ONE)
    joins = [
        joined(graph, "c1.out", "hold3.out", ONE, "one"),
        joined(graph, "hold2.out", "c0.out", ONE, "two"),
        joined(graph, "hold1.out", "hold2.out", ONE, "three"),
    ]
    finished(graph)
    assert [len(join.seen) for join in joins] == [80, 80, 80]


def test_many_events_of_one_branch_while_the_other_has_not_begun_do_not_deadlock(monkeypatch):
    monkeypatch.setattr(bus_module, "_PUBLISH_BOUNDS", Bounds(items=3))
    recorder = EventRecorder()
    graph = chain(source(*range(50)), Hold(), Announce(), recorder=recorder, bounds=ONE)
    graph.add("talker", Announce())
    graph.connect("c0.out", "talker.in", ONE)
    finished(graph)
    assert len(recorder.of(Note)) == 102


def test_a_join_waiting_for_an_unrelated_stream_keeps_its_bounds():
    """Regression: such a join once let the other stream pile up without limit."""
    with trap() as caught:
        graph = chain(Endless(), Forward(), bounds=ONE)
        graph.add("slow", Endless())
        graph.add("gate", Forward(caught))
        graph.connect("slow.out", "gate.in")

        class Three(Join):
            inputs: ClassVar = {**Join.inputs, "third": Port(object)}

        graph.add("join", Three())
        # Two of the three inputs do share a source, the one that is waited for does not.
        graph.connect("c0.out", "join.left", Bounds(items=5))
        graph.connect("c1.out", "join.right", Bounds(items=5))
        graph.connect("gate.out", "join.third", Bounds(items=5))
        runner = Runner(graph)
        runner.start()
        eventually(lambda: runner.channels[2].stuck)
        peaks = {channel.name: channel.counts.peak for channel in runner.channels}
        assert peaks["c0.out -> join.left"] <= 5
        assert peaks["c1.out -> join.right"] <= 5
        caught.released.set()
        runner.stop()
        assert runner.wait(PATIENCE)


def test_bounds_are_exceeded_no_more_than_the_graph_needs():
    # The second path holds ten packets back, so the first must hold ten, and not fifty.
    class Delay(Stage):
        inputs: ClassVar = {"in": Port(object)}
        outputs: ClassVar = {"out": Port(object)}

        def __init__(self):
            self.held = []

        def process(self, port, packet):
            self.held.append(packet)
            if len(self.held) > 10:
                self._give()

        def watermark(self, frontier):
            return self.held[0].timestamp if self.held else frontier

        def finish(self):
            while self.held:
                self._give()

        def _give(self):
            packet = self.held.pop(0)
            self.emit("out", packet.payload, packet.timestamp)

    graph = chain(source(*range(200)))
    graph.add("delay", Delay())
    graph.connect("c0.out", "delay.in", Bounds(items=2))
    join = joined(graph, "c0.out", "delay.out", Bounds(items=2))
    runner = finished(graph)
    assert len(join.seen) == 400
    assert max(channel.counts.peak for channel in runner.channels) <= 13


def test_a_stream_without_packets_moves_the_join_by_its_promises():
    class Silent(Source):
        outputs: ClassVar = {"out": Port(object)}

        def produce(self):
            self.context.advance(1000)
            self.context.stopping.wait()
            return False

    graph = chain(FakeSource([*stream(10, 20), lambda: None]))
    graph.add("silent", Silent())
    join = joined(graph, "c0.out", "silent.out")
    runner = Runner(graph)
    runner.start()
    eventually(lambda: len(join.seen) == 2)
    runner.stop()
    assert runner.wait(PATIENCE)


def test_a_dead_camera_delays_the_sound_by_the_skew_limit_only():
    clock = ScriptedClock()
    graph = chain(FakeSource(stream(10, 20)), Forward())
    graph.add("camera", Idle())
    join = Join()
    graph.add("join", join, skew_limit=200_000)
    graph.connect("c1.out", "join.left")
    graph.connect("camera.out", "join.right")
    runner = Runner(graph, clock=clock, lossless=False, media_time=False)
    runner.start()
    eventually(lambda: runner.channels[1].depth == 2)
    assert join.seen == []
    clock.advance(200_000)
    eventually(lambda: join.seen == [("left", 10), ("left", 20)])
    runner.stop()
    assert runner.wait(PATIENCE)


def test_late_packets_are_delivered_and_counted_in_the_stats():
    clock = ScriptedClock()
    with trap() as caught:
        graph = chain(FakeSource(stream(10, 20)))
        graph.add("camera", FakeSource([caught, *stream(15)]))
        join = Join()
        graph.add("join", join, skew_limit=200_000)
        graph.connect("c0.out", "join.left")
        graph.connect("camera.out", "join.right")
        runner = Runner(graph, clock=clock, lossless=False, media_time=False)
        runner.start()
        eventually(lambda: runner.channels[0].depth == 2)
        clock.advance(200_000)
        eventually(lambda: len(join.seen) == 2)
        caught.released.set()
        assert runner.wait(PATIENCE)
    assert join.seen == [("left", 10), ("left", 20), ("right", 15)]
    assert runner.stats().stages["join"]["late"] == 1


def test_a_lossless_run_waits_however_small_the_skew_limit():
    with trap() as caught:
        graph = chain(source(10, 20))
        graph.add("slow", FakeSource([caught, *stream(5)]))
        join = Join()
        graph.add("join", join, skew_limit=1)
        graph.connect("c0.out", "join.left")
        graph.connect("slow.out", "join.right")
        runner = Runner(graph)
        runner.start()
        eventually(lambda: runner.channels[0].depth == 2)
        caught.released.set()
        assert runner.wait(PATIENCE)
    assert join.seen == [("right", 5), ("left", 10), ("left", 20)]
