"""A run can be stopped from any state, in bounded time, and `End` is delivered once, last, to everybody."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from lipstream.pipeline import Bounds, End, Event, Graph, RecoverableError, Source
from lipstream.pipeline.running import runner as runner_module
from lipstream.pipeline.running.runner import Runner
from lipstream.pipeline.session import STOP_SECONDS
from lipstream.pipeline.testing import EventRecorder
from tests.pipeline.fakes import (
    PATIENCE,
    Announce,
    Collect,
    Endless,
    Forward,
    Idle,
    Join,
    Trap,
    TrapSink,
    chain,
    end_of,
    eventually,
    finished,
    source,
    trap,
)

PROMISED = [getattr(runner_module, f"{name}_SECONDS") for name in ("DRAIN", "FLUSH", "CUT_OFF", "DELIVER")]
"""As they are, and not as the tests have them."""

State = Callable[[Trap], tuple[Graph, Callable[[Runner], object]]]
"""Makes a graph, and says when a run of it is in the state that is meant."""


def opening(caught: Trap):
    slow = Collect()
    slow.open = caught
    return chain(Idle(), slow), lambda runner: caught.entered.is_set()


def sink_opening(caught: Trap):
    graph = chain(Idle())
    graph.add("slow", type("Slow", (EventRecorder,), {"open": lambda self: caught()})())
    return graph, lambda runner: caught.entered.is_set()


def source_blocked_on_a_full_channel(caught: Trap):
    graph = chain(Endless(), Collect(caught), bounds=Bounds(items=2))
    return graph, lambda runner: runner.channels[0].stuck


def source_in_a_call(caught: Trap):
    class Device(Source):
        def produce(self):
            caught()
            return True

    return chain(Device()), lambda runner: caught.entered.is_set()


def stage_in_a_call(caught: Trap):
    return chain(Endless(), Forward(caught), Collect()), lambda runner: caught.entered.is_set()


def stage_in_finish(caught: Trap):
    slow = Collect()
    slow.finish = caught
    return chain(source(1), slow), lambda runner: caught.entered.is_set()


def stage_in_close(caught: Trap):
    slow = Collect()
    slow.close = caught
    return chain(source(1), slow), lambda runner: caught.entered.is_set()


def join_waiting(caught: Trap):
    graph = chain(Endless(), recorder=None)
    graph.add("idle", Idle())
    graph.add("join", Join())
    graph.connect("c0.out", "join.left", Bounds(items=2))
    graph.connect("idle.out", "join.right")
    return graph, lambda runner: runner.channels[0].stuck


def sink_in_a_call(caught: Trap):
    graph = chain(Endless(), Announce())
    graph.add("slow", TrapSink(caught))
    return graph, lambda runner: caught.entered.is_set()


def source_pausing_after_errors(caught: Trap):
    class Broken(Source):
        def produce(self):
            raise RecoverableError("video", "no camera")

    return chain(Broken()), lambda runner: runner.nodes["c0"].metrics.failures > 2


def running_freely(caught: Trap):
    collect = Collect()
    return chain(Endless(), Forward(), collect), lambda runner: collect.packets


STATES: list[State] = [
    opening,
    sink_opening,
    source_blocked_on_a_full_channel,
    source_in_a_call,
    stage_in_a_call,
    stage_in_finish,
    stage_in_close,
    join_waiting,
    sink_in_a_call,
    source_pausing_after_errors,
    running_freely,
]


@pytest.mark.parametrize("media_time", [True, False])
@pytest.mark.parametrize("state", STATES)
def test_stop_ends_the_run_and_everybody_gets_the_end_once_and_last(state, media_time, quick_stop):
    with trap() as caught:
        graph, reached = state(caught)
        recorder = EventRecorder()
        graph.add("recorder", recorder)
        runner = Runner(graph, media_time=media_time, lossless=media_time)
        heard: list[Event] = []
        runner.bus.add_hook(Event, heard.append)
        iterator = runner.bus.subscribe()
        runner.start()
        eventually(lambda: reached(runner))
        runner.stop()
        assert runner.wait(PATIENCE)
        assert not caught.released.is_set()
        # Those who are not stuck may still be at it, if the machine is busy.
        eventually(lambda: all(events and isinstance(events[-1], End) for events in (recorder.events, heard)))
        for events in (recorder.events, heard, list(iterator)):
            assert [type(event) for event in events].count(End) == 1
            assert isinstance(events[-1], End)
        assert end_of(runner).reason == "stopped"


def test_the_stages_of_a_stop_fit_into_the_two_seconds_that_are_promised():
    limits = [*PROMISED, STOP_SECONDS]
    assert limits == sorted(set(limits))
    assert limits[-1] <= 2


def test_a_run_stopped_before_its_start_ends_at_once_without_a_packet():
    collect, recorder = Collect(), EventRecorder()
    runner = Runner(chain(Endless(), collect, recorder=recorder))
    runner.stop()
    runner.start()
    assert runner.wait(PATIENCE)
    assert collect.packets == []
    assert recorder.ended and end_of(runner).reason == "stopped"


def test_a_stop_after_the_end_changes_nothing():
    recorder = EventRecorder()
    runner = finished(chain(source(1), recorder=recorder))
    runner.stop()
    assert runner.wait(PATIENCE)
    assert end_of(runner).reason == "finished"
    assert recorder.ended


def test_stops_from_many_threads_at_once_are_one_stop():
    recorder = EventRecorder()
    runner = Runner(chain(Endless(), Collect(), recorder=recorder))
    runner.start()
    threads = [threading.Thread(target=runner.stop) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert runner.wait(PATIENCE)
    for thread in threads:
        thread.join(PATIENCE)
    assert recorder.ended


def test_what_was_captured_before_the_stop_is_worked_off():
    forward, collect = Forward(), Collect()
    endless = Endless()
    runner = Runner(chain(endless, forward, collect))
    runner.start()
    eventually(lambda: collect.packets)
    runner.stop()
    assert runner.wait(PATIENCE)
    assert len(collect.packets) == endless.count
    assert forward.finished and collect.finished


def test_those_behind_a_stage_that_does_not_come_back_still_finish(quick_stop, monkeypatch):
    monkeypatch.setattr(runner_module, "CUT_OFF_SECONDS", PATIENCE)
    with trap() as caught:
        behind, further, recorder = Forward(), Announce(), EventRecorder()
        runner = Runner(chain(Endless(), Forward(caught), behind, further, recorder=recorder), media_time=False)
        runner.start()
        assert caught.entered.wait(PATIENCE)
        runner.stop()
        eventually(lambda: recorder.events)
        assert not caught.released.is_set()
    assert runner.wait(PATIENCE)
    assert behind.finished
    assert [event.text for event in recorder.events[:1]] == ["c3 finished"]
    assert recorder.ended


def test_a_stage_that_comes_back_after_the_end_is_ignored(quick_stop):
    with trap() as caught:

        class Late(Announce):
            def process(self, port, packet):
                caught()
                super().process(port, packet)

        recorder = EventRecorder()
        runner = Runner(chain(Endless(), Late(), recorder=recorder))
        runner.start()
        assert caught.entered.wait(PATIENCE)
        runner.stop()
        assert runner.wait(PATIENCE)
    runner.nodes["c1"].thread.join(PATIENCE)
    assert runner.failure is None
    assert recorder.ended


def test_a_hook_left_behind_gets_its_events_and_the_end_when_it_returns(quick_stop):
    with trap() as caught:
        heard: list[Event] = []

        def slow(event):
            caught()
            heard.append(event)

        runner = Runner(chain(Endless(), Announce()))
        hook = runner.bus.add_hook(Event, slow)
        runner.start()
        assert caught.entered.wait(PATIENCE)
        runner.stop()
        assert runner.wait(PATIENCE)
        assert heard == []
    hook.thread.join(PATIENCE)
    assert isinstance(heard[-1], End)


def test_a_failure_is_told_although_a_reader_does_not_read(quick_stop):
    def fail(packet):
        if packet.timestamp == 5000:
            raise ValueError("gone")

    graph = chain(Endless(), Collect(fail))
    graph.add("announce", Announce())
    graph.connect("c0.out", "announce.in")
    runner = Runner(graph)
    paused = runner.bus.subscribe()
    runner.start()
    with pytest.raises(Exception, match="gone"):
        runner.wait(PATIENCE)
    assert isinstance(list(paused)[-1], End)


def test_no_thread_is_left_after_the_end():
    before = set(threading.enumerate())
    runner = Runner(chain(Endless(), Forward(), Announce(), recorder=EventRecorder()), stats_interval=0.01)
    runner.bus.add_hook(Event, lambda event: None)
    runner.start()
    runner.stop()
    assert runner.wait(PATIENCE)
    eventually(lambda: set(threading.enumerate()) <= before)
