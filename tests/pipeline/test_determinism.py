"""The same file gives the same events, and time never goes back."""

from __future__ import annotations

import random
import time
from typing import ClassVar

import pytest

from lipstream.pipeline import Bounds, Degraded, Event, Graph, Port, Recovered, Stage, Stats
from lipstream.pipeline.running.runner import Runner
from lipstream.pipeline.testing import EventRecorder, FakeSource, ScriptedClock
from tests.pipeline.fakes import PATIENCE, Announce, Collect, Idle, Note, chain, eventually, finished, source, stream

# Determinism.


class Watcher(Stage):
    """Announces packets and silences, from every method a stage has."""

    inputs: ClassVar = {"left": Port(object), "right": Port(object, optional=True)}
    outputs: ClassVar = {"out": Port(object)}

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
