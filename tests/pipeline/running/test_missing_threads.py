"""Threads that cannot be started, and failures of the run itself: `wait` raises, and everybody still gets `End`."""

from __future__ import annotations

import _thread
import threading

import pytest

from lipstream.pipeline import End, Error, Event, EventSink, Shed, StageFailed
from lipstream.pipeline.delivery.bus import EventBus
from lipstream.pipeline.running.runner import Runner
from lipstream.pipeline.streams.inbox import Inbox
from lipstream.pipeline.testing import EventRecorder
from tests.pipeline.fakes import PATIENCE, Announce, Endless, Note, chain, eventually

EVERY = ["supervisor", "events", "c0", "c1", "recorder", "other", "stats", "load", "hook list.append"]


class Sink(EventRecorder):
    """Keeps an account of itself."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def open(self):
        self.calls.append("open")

    def handle(self, event):
        super().handle(event)
        if isinstance(event, End):
            self.calls.append("end")

    def close(self):
        self.calls.append("close")


class Components:
    """A live run with everything in it that has a thread."""

    def __init__(self, stats_interval: float = 0.001) -> None:
        self.source = Endless()
        self.announce = Announce()
        self.opened, self.closed = [], []
        for one in (self.source, self.announce):
            one.open = lambda one=one: self.opened.append(one)
            one.close = lambda one=one: self.closed.append(one)
        self.sinks = [Sink(), Sink()]
        graph = chain(self.source, self.announce, recorder=self.sinks[0])
        graph.add("other", self.sinks[1])
        graph.paced.add("c1")
        graph.sheds = (Shed("work", "audio", "less", "more"),)
        self.runner = Runner(graph, lossless=False, media_time=False, stats_interval=stats_interval)
        self.heard: list[Event] = []
        self.ends: list[Event] = []
        self.runner.bus.add_hook(Event, self.heard.append)
        self.runner.bus.add_hook(End, self.ends.append)
        self.early = self.runner.bus.subscribe()

    def check(self, *reasons: str) -> None:
        late = list(self.runner.bus.subscribe())
        for events in (self.sinks[0].events, self.sinks[1].events, self.heard, self.ends, list(self.early), late):
            assert [type(event) for event in events].count(End) == 1
            assert isinstance(events[-1], End) and events[-1].reason in (reasons or ("failed",))
        assert self.sinks[0].calls == self.sinks[1].calls == ["open", "end", "close"]
        assert sorted(map(id, self.opened)) == sorted(map(id, self.closed))


@pytest.fixture
def scarce(monkeypatch):
    """Lets threads of these names not start."""
    names: set[str] = set()
    start = threading.Thread.start

    def try_to_start(self):
        if self.name in names or "every" in names:
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", try_to_start)
    return names


def fails(runner: Runner, stage: str) -> None:
    for _ in range(2):
        with pytest.raises(StageFailed) as caught:
            runner.wait(PATIENCE)
        assert caught.value.stage == stage
        assert isinstance(caught.value.__cause__, RuntimeError)


@pytest.mark.parametrize("name", EVERY)
def test_a_thread_that_cannot_start_fails_the_run_and_everybody_gets_the_end(name, scarce):
    """Regression: `wait` raised, but `for event in events()` hung for ever."""
    run = Components()
    scarce.add(name)
    run.runner.start()
    fails(run.runner, "runner" if name == "supervisor" else name)
    run.check()
    [error] = [event for event in run.sinks[0].events if isinstance(event, Error)]
    assert error.message == "RuntimeError: can't start new thread" and not error.recoverable


@pytest.mark.parametrize("name", [name for name in EVERY if name != "supervisor"])
def test_a_run_that_the_end_of_the_program_leaves_without_a_thread_is_stopped_and_has_not_failed(name, monkeypatch):
    """Regression: from Python 3.12 on a run that had just begun failed when its program ended."""
    start = threading.Thread.start

    def try_to_start(self):
        if self.name == name:
            raise RuntimeError("can't create new thread at interpreter shutdown")
        start(self)

    run = Components()
    monkeypatch.setattr(threading.Thread, "start", try_to_start)
    run.runner.start()
    assert run.runner.wait(PATIENCE)
    run.check("stopped")


def test_where_no_thread_can_start_the_caller_does_the_work(scarce):
    run = Components()
    scarce.add("every")
    run.runner.start()
    fails(run.runner, "runner")
    run.check()
    assert run.opened == []


def test_where_not_even_a_bare_thread_can_start_the_caller_does_the_work(monkeypatch):
    def refuse(*_):
        raise RuntimeError("can't start new thread")

    run = Components()
    monkeypatch.setattr(_thread, "start_new_thread", refuse)
    run.runner.start()
    fails(run.runner, "runner")
    run.check()


def test_a_hook_whose_thread_can_start_later_gets_what_came_meanwhile(scarce):
    run = Components()
    scarce.add("hook list.append")
    run.runner.start()
    eventually(lambda: run.runner.failure)
    scarce.clear()
    fails(run.runner, "hook list.append")
    run.check()
    assert any(isinstance(event, Note) for event in run.heard)


# The run's own failures.


@pytest.mark.parametrize("method", ["_deliver", "_hand_out", "_deliver_reports", "_deliver_stats"])
def test_an_error_in_the_thread_that_delivers_fails_the_run_and_everybody_gets_the_end(method, monkeypatch):
    def broken(*_):
        raise RuntimeError("a bug")

    run = Components()
    monkeypatch.setattr(EventBus, method, broken)
    run.runner.start()
    fails(run.runner, "events")
    run.check()


def test_an_error_in_the_midst_of_the_delivery_does_not_bring_a_second_end(monkeypatch):
    inbox_get, runs = Inbox.get, []

    def broken(self):
        if threading.current_thread().name == "events" and len(runs[0].sinks[0].events) > 5:
            raise RuntimeError("a bug")
        return inbox_get(self)

    monkeypatch.setattr(Inbox, "get", broken)
    runs.append(Components())
    runs[0].runner.start()
    fails(runs[0].runner, "events")
    runs[0].check()


@pytest.mark.parametrize("method", ["stats", "end"])
def test_figures_that_cannot_be_had_do_not_keep_the_end_from_anybody(method, monkeypatch):
    def broken(self):
        raise RuntimeError("a bug")

    run = Components(stats_interval=0.0)
    monkeypatch.setattr(Runner, method, broken)
    run.runner.start()
    eventually(lambda: run.runner.begun)
    run.runner.stop()
    fails(run.runner, "events")
    run.check()


def test_figures_that_cannot_be_had_in_between_fail_the_run(monkeypatch):
    def broken(self):
        raise RuntimeError("a bug")

    run = Components()
    monkeypatch.setattr(Runner, "stats", broken)
    run.runner.start()
    fails(run.runner, "stats")
    run.check()


@pytest.mark.parametrize("method", ["_watch", "_see_to_the_end"])
def test_an_error_in_the_supervisor_does_not_keep_the_end_from_anybody(method, monkeypatch):
    def broken(self):
        raise RuntimeError("a bug")

    run = Components()
    monkeypatch.setattr(Runner, method, broken)
    run.runner.start()
    eventually(lambda: run.runner.begun or run.runner.failure)
    run.runner.stop()
    fails(run.runner, "runner")
    # The others may have been through before it happened.
    run.check("failed", "stopped")


def test_an_error_that_cannot_be_shown_is_told_all_the_same():
    class Mute(Exception):
        def __str__(self):
            raise ValueError("cannot be shown")

    def fail(self, packet):
        raise Mute

    run = Components()
    run.announce.process = fail
    run.runner.start()
    with pytest.raises(StageFailed):
        run.runner.wait(PATIENCE)
    run.check()


def test_a_failing_sink_without_a_thread_does_not_hold_up_the_others(scarce):
    class Broken(EventSink):
        def handle(self, event):
            raise OSError("disk full")

    graph = chain(Endless(), Announce())
    graph.add("broken", Broken())
    graph.add("recorder", recorder := Sink())
    runner = Runner(graph)
    scarce |= {"broken", "recorder"}
    runner.start()
    fails(runner, "broken")
    assert recorder.calls == ["open", "end", "close"]
