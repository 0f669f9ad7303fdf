"""A live run that is behind leaves work out, in order, and takes it up again; a file run never does."""

from __future__ import annotations

import itertools
from typing import ClassVar

import pytest

from lipstream.pipeline import Degraded, Port, Recovered, Shed, Stage
from lipstream.pipeline.running.overload import (
    BEHIND_US,
    CAUGHT_UP_US,
    HOLD_US,
    LONGEST_HOLD_US,
    PERIOD_US,
    WINDOW_US,
    LoadGovernor,
    LoadWatch,
)
from lipstream.pipeline.running.runner import Runner
from lipstream.pipeline.testing import EventRecorder, FakeSource, ScriptedClock
from tests.pipeline.fakes import Collect, Forward, Idle, chain, eventually, finished, source, stream, trap

FAR_BEHIND = 3 * BEHIND_US
SHEDS = tuple(Shed(name, "video", f"less {name}", f"{name} again") for name in ("first", "second", "third"))


class Worker:
    """Something that is as late as the test says."""

    def __init__(self):
        self.late = 0

    def delay(self, now):
        return self.late


class Watched:
    """A watch over one worker, on a clock that the test moves."""

    def __init__(self):
        self.clock = ScriptedClock()
        self.worker = Worker()
        self.events = []
        self.watch = LoadWatch([self.worker], SHEDS, self.clock, self.events.append)

    def run(self, late, duration):
        """Let some time pass with a worker that is so late; returns the levels it went through."""
        self.worker.late = late
        levels = []
        for _ in range(round(duration / PERIOD_US)):
            self.clock.advance(PERIOD_US)
            self.watch.look()
            levels.append(self.watch.level)
        return levels

    def run_until(self, late, level):
        """Microseconds until a level is reached."""
        begin = self.clock.now()
        while self.watch.level != level:
            self.run(late, PERIOD_US)
            assert self.clock.now() - begin < 20 * LONGEST_HOLD_US, "it never gets there"
        return self.clock.now() - begin


def test_work_is_left_out_in_order_and_taken_up_again_in_reverse():
    watched = Watched()
    assert watched.run(FAR_BEHIND, 20_000_000)[-1] == 3
    assert watched.run(0, 60_000_000)[-1] == 0
    told = [(type(event), event.stage, event.reason) for event in watched.events]
    assert told == [
        (Degraded, "load: first", "less first"),
        (Degraded, "load: second", "less second"),
        (Degraded, "load: third", "less third"),
        (Recovered, "load: third", "third again"),
        (Recovered, "load: second", "second again"),
        (Recovered, "load: first", "first again"),
    ]


def test_levels_change_by_one_and_never_pass_the_last():
    watched = Watched()
    levels = [0, *watched.run(FAR_BEHIND, 30_000_000), *watched.run(0, 60_000_000)]
    assert {abs(after - before) for before, after in itertools.pairwise(levels)} == {0, 1}
    assert max(levels) == len(SHEDS) and levels[-1] == 0


def test_one_long_call_is_no_overload():
    watched = Watched()
    for _ in range(10):
        for late in range(0, 700_000, PERIOD_US):
            watched.run(late, PERIOD_US)
        watched.run(0, 4_000_000)
    assert watched.events == []


def test_a_start_that_is_slow_for_a_moment_is_no_overload():
    watched = Watched()
    watched.run(FAR_BEHIND, WINDOW_US // 4)
    watched.run(0, 10_000_000)
    assert watched.events == []


def test_between_the_two_thresholds_nothing_changes():
    watched = Watched()
    between = (BEHIND_US + CAUGHT_UP_US) // 2
    watched.run(between, 60_000_000)
    assert watched.watch.level == 0
    watched.run_until(FAR_BEHIND, 1)
    watched.run(between, 60_000_000)
    assert watched.watch.level == 1


def test_a_step_helps_before_the_next_is_taken():
    watched = Watched()
    watched.run_until(FAR_BEHIND, 1)
    assert watched.run_until(FAR_BEHIND, 2) >= WINDOW_US
    watched.run(0, HOLD_US // 2)
    assert watched.watch.level == 2


def test_a_load_that_stays_does_not_make_the_work_come_and_go():
    """Each relapse doubles the time until the next try."""
    watched = Watched()
    watched.run_until(FAR_BEHIND, 1)
    tries = []
    for _ in range(6):
        tries.append(watched.run_until(0, 0))
        watched.run_until(FAR_BEHIND, 1)
    assert all(after >= before for before, after in itertools.pairwise(tries))
    assert tries[1] >= 1.9 * tries[0]
    assert tries[-1] == pytest.approx(LONGEST_HOLD_US, abs=3 * PERIOD_US)


def test_after_a_recovery_that_lasted_the_next_is_as_quick_as_the_first():
    watched = Watched()
    watched.run_until(FAR_BEHIND, 1)
    first = watched.run_until(0, 0)
    watched.run_until(FAR_BEHIND, 1)
    watched.run_until(0, 0)
    watched.run(0, 30_000_000)
    watched.run_until(FAR_BEHIND, 1)
    assert watched.run_until(0, 0) == first


def test_a_governor_without_anything_to_leave_out_stays_at_zero():
    governor = LoadGovernor(0)
    assert {governor.update(FAR_BEHIND, now) for now in range(0, 30_000_000, PERIOD_US)} == {0}


# In a run.


class Thrifty(Stage):
    """Notes at each packet whether it is to leave "first" out."""

    inputs: ClassVar = {"in": Port(object)}

    def __init__(self):
        self.sheds = []

    def process(self, port, packet):
        self.sheds.append(self.context.sheds("first"))


def overloaded(clock, caught, thrifty, recorder):
    """A graph whose second component is caught in its work, and sheds what the third is told to leave out."""
    graph = chain(FakeSource(stream(0)), Forward(caught), recorder=recorder)
    graph.add("idle", Idle())
    graph.add("thrifty", thrifty)
    graph.connect("c1.out", "thrifty.in")
    graph.paced = {"c1"}
    graph.sheds = SHEDS[:1]
    return graph


def test_a_live_run_that_is_stuck_behind_sheds_and_recovers():
    clock, recorder, thrifty = ScriptedClock(), EventRecorder(), Thrifty()
    with trap() as caught:
        runner = Runner(overloaded(clock, caught, thrifty, recorder), clock=clock, lossless=False, media_time=False)
        runner.start()
        assert caught.entered.wait(30)

        def passes(event_type):
            def seen():
                clock.advance(PERIOD_US)
                return recorder.of(event_type)

            return seen

        eventually(passes(Degraded))
        assert runner.stats().counters["load.level"] == 1
        caught.released.set()
        eventually(lambda: thrifty.sheds == [True])
        eventually(passes(Recovered))
        runner.stop()
        assert runner.wait(30)
    assert [event.reason for event in recorder.of(Degraded)] == ["less first"]
    assert [event.reason for event in recorder.of(Recovered)] == ["first again"]
    assert recorder.ended


def test_a_file_run_sheds_nothing_and_does_not_even_watch():
    thrifty = Thrifty()
    graph = chain(source(*range(0, 50_000_000, 1_000_000)), Forward(), Collect())
    graph.add("thrifty", thrifty)
    graph.connect("c1.out", "thrifty.in")
    graph.paced, graph.sheds = {"c1", "thrifty"}, SHEDS
    runner = finished(graph)
    assert not runner.load.active and runner.load.level == 0
    assert set(thrifty.sheds) == {False}
    assert "load.level" not in runner.stats().counters


def test_a_component_that_waits_for_nothing_is_not_behind():
    clock, sink = ScriptedClock(), Collect()
    graph = chain(Idle(), sink)
    runner = Runner(graph, clock=clock, lossless=False, media_time=False)
    clock.advance(60_000_000)
    assert runner.nodes["c1"].delay(clock.now()) == 0
