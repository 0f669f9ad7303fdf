"""Joins in a running graph: no deadlock, bounded memory, and the same result whatever the threads do."""

from __future__ import annotations

import random
import time

import pytest

from pipeline import Bounds, Degraded, Event, Graph, Port, Recovered, Source, Stage, Stats
from pipeline import bus as bus_module
from pipeline.runner import Runner
from pipeline.testing import EventRecorder, FakeSource, ScriptedClock
from tests.pipeline.fakes import (
    PATIENCE,
    Announce,
    Collect,
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
            inputs = {**Join.inputs, "third": Port(object)}

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
        inputs = {"in": Port(object)}
        outputs = {"out": Port(object)}

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
        outputs = {"out": Port(object)}

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


# Determinism.


class Watcher(Stage):
    """Announces packets and silences, from every method a stage has."""

    inputs = {"left": Port(object), "right": Port(object, optional=True)}
    outputs = {"out": Port(object)}

    def __init__(self, pause) -> None:
        self.pause = pause
        self.last = 0

    def process(self, port, packet):
        self.pause()
        self.last = packet.timestamp
        self.publish(Note(text=f"{self.context.name} {port} {packet.timestamp} at {self.context.now()}"))
        self.emit("out", packet.payload, packet.timestamp, packet.duration)

    def advance(self, frontier):
        self.pause()
        if frontier - self.last >= 250_000:
            self.publish(Note(text=f"{self.context.name} silence since {self.last}"))
            self.last = frontier

    def finish(self):
        self.publish(Note(text=f"{self.context.name} finished at {self.context.now()}"))


class Gappy(FakeSource):
    """A source with gaps, about which it makes promises."""

    def __init__(self, times, pause) -> None:
        super().__init__([])
        self.times = iter(times)
        self.pause = pause

    def produce(self):
        self.pause()
        when = next(self.times, None)
        if when is None:
            return False
        self.emit("out", when, when, 40_000)
        self.context.advance(when + 39_000)
        return True


def events_of_a_run(seed: int, longest_pause: float) -> list[Event]:
    chance = random.Random(seed)

    def pause():
        if longest_pause:
            time.sleep(chance.uniform(0, longest_pause))

    graph = Graph()
    graph.add("sound", Gappy(range(0, 900_000, 90_000), pause))
    graph.add("picture", Gappy([0, 40_000, 80_000, 700_000, 1_900_000], pause))
    graph.add("one", Watcher(pause))
    graph.add("two", Watcher(pause))
    graph.add("both", Watcher(pause))
    recorder = EventRecorder()
    graph.add("recorder", recorder)
    graph.connect("sound.out", "one.left", Bounds(items=2))
    graph.connect("picture.out", "two.left", Bounds(items=2))
    graph.connect("one.out", "both.left", Bounds(items=2))
    graph.connect("two.out", "both.right", Bounds(items=2))
    finished(graph, stats_interval=0.5)
    assert recorder.ended
    return [
        Stats(wall=0, stages={}, channels={}, counters={}, emitted=event.emitted) if isinstance(event, Stats) else event
        for event in recorder.events
    ]


def test_a_file_gives_the_same_events_at_the_same_times_whatever_the_load():
    expected = events_of_a_run(0, 0)
    texts = [event.text for event in expected if isinstance(event, Note)]
    assert any("silence" in text for text in texts)
    assert len([event for event in expected if isinstance(event, Stats)]) > 2
    for seed in range(6):
        assert events_of_a_run(seed, 0.002) == expected


@pytest.mark.parametrize("media_time", [True, False])
def test_emitted_never_goes_back(media_time):
    recorder = EventRecorder()
    graph = chain(source(*range(0, 300, 3), duration=50), Announce(), recorder=recorder)
    graph.add("late", source(*range(0, 100, 2)))
    graph.add("speaker", Announce())
    graph.connect("late.out", "speaker.in")
    finished(graph, media_time=media_time, lossless=media_time)
    times = [event.emitted for event in recorder.events]
    assert len(times) > 150
    assert times == sorted(times)


def test_live_events_go_out_by_arrival_without_waiting_for_a_quiet_branch():
    clock = ScriptedClock()
    recorder = EventRecorder()
    graph = chain(FakeSource(stream(5_000_000)), Announce(), recorder=recorder)
    graph.add("idle", Idle())
    graph.add("quiet", Collect())
    graph.connect("idle.out", "quiet.in")
    clock.advance(7_000_000)
    runner = Runner(graph, clock=clock, lossless=False, media_time=False)
    runner.start()
    eventually(lambda: recorder.of(Note))
    assert recorder.of(Note)[0].emitted == 7.0
    runner.stop()
    assert runner.wait(PATIENCE)


def test_events_published_while_devices_open_are_at_time_zero():
    """Regression: the time before the start once made later events go back in time, which ended the run."""

    class Microphone(Idle):
        def open(self):
            self.degrade("audio", "no microphone yet")

        def produce(self):
            self.recover("audio")
            return False

    recorder = EventRecorder()
    slow = Collect()
    slow.open = lambda: time.sleep(0.02)
    finished(chain(Microphone(), slow, recorder=recorder), lossless=False, media_time=False)
    assert [type(event) for event in recorder.events[:2]] == [Degraded, Recovered]
    assert recorder.events[0].emitted == 0
    assert recorder.ended
