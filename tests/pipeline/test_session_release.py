"""What a run held is free when it is over and its pipeline is let go, without the garbage collector.

Components hold networks outside of Python's memory, of whose size the collector knows nothing: what waits for it stays.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import weakref

import pytest

from lipstream.pipeline import End, Event, EventSink, Shed, StageFailed, UserError
from lipstream.pipeline.component import Component
from lipstream.pipeline.testing import EventRecorder
from tests.pipeline.fakes import (
    FILE,
    LIVE,
    PATIENCE,
    Announce,
    Endless,
    Forward,
    Note,
    chain,
    eventually,
    pipeline,
    raising,
    source,
    trap,
)


@pytest.fixture(autouse=True)
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Held:
    """A pipeline, and what must be free when it has gone."""

    def __init__(self, *components: Component, config=FILE, sink: EventSink | None = None) -> None:
        self.one = pipeline(*components, config=config)
        self.one.add_sink("sink", sink or EventRecorder())
        self.one.graph.paced.add("c1")
        self.one.graph.sheds = (Shed("work", "audio", "less", "more"),)
        parts = [*self.one.graph.components.values(), *self.one.graph.sinks.values()]
        self.parts = [weakref.ref(part) for part in (self.one, *parts)]

    def is_free(self) -> None:
        runner = self.one._runner
        if runner is not None:
            inside = [runner, runner.bus, runner.load, *runner.nodes.values(), *runner.bus.sinks, *runner.bus.hooks]
            self.parts += map(weakref.ref, inside)
            del inside
        del self.one, runner
        # The last of its threads may be about to return.
        eventually(lambda: [part() for part in self.parts if part() is not None] == [])


def by_run(one):
    one.run()


def by_with(one):
    with one:
        assert one.wait(PATIENCE)


def by_start(one):
    one.start()
    assert one.wait(PATIENCE)


def by_events(one):
    assert isinstance(list(one.events())[-1], End)
    one.wait()


def by_some_events(one):
    with one.events(Note) as events:
        list(events)
    one.wait()


def by_aevents(one):
    async def read():
        return [event async for event in one.aevents()]

    asyncio.run(read())
    one.wait()


def by_a_loop_that_is_left(one):
    for _ in one.events():
        break
    one.wait()


WAYS = [by_run, by_with, by_start, by_events, by_some_events, by_aevents, by_a_loop_that_is_left]


@pytest.mark.parametrize("config", [FILE, LIVE], ids=["file", "live"])
@pytest.mark.parametrize("way", WAYS)
def test_a_finished_run_is_free_at_once(way, config):
    held = Held(source(*range(10)), Forward(), Announce(), config=config)
    held.one.graph.add("announce", Announce())
    held.one.graph.connect("c0.out", "announce.in")
    held.one.on(Event, [].append)
    held.one.on(Note, lambda event: None)
    held.one.on(End, lambda event: None)
    way(held.one)
    held.is_free()


@pytest.mark.parametrize("way", [by_run, by_with, by_start, by_events, by_aevents])
@pytest.mark.parametrize("error", [ValueError("broken"), UserError("no such device")], ids=["stage", "user"])
def test_a_failed_run_is_free_when_its_error_is(way, error):
    held = Held(source(*range(30)), Forward(raising(error)), Announce())
    try:
        way(held.one)
    except (StageFailed, UserError) as raised:
        assert "broken" in str(raised) or "no such" in str(raised)
    else:
        raise AssertionError("it did not fail")
    error.__traceback__ = None
    held.is_free()


def test_a_stopped_run_is_free_at_once():
    held = Held(Endless(), Forward(), Announce())
    with held.one:
        next(held.one.events())
    held.is_free()


def test_a_run_with_a_stage_that_is_left_behind_is_free_when_that_returns(quick_stop):
    with trap() as caught:
        held = Held(Endless(), Forward(caught), Announce())
        with held.one:
            assert caught.entered.wait(PATIENCE)
    held.is_free()


@pytest.mark.parametrize("name", ["supervisor", "events", "c0", "c1", "sink", "load", "hook list.append"])
def test_a_run_that_could_not_have_all_its_threads_is_free_when_its_error_is(name, monkeypatch):
    start = threading.Thread.start

    def try_to_start(self):
        if self.name == name:
            raise RuntimeError("can't start new thread")
        start(self)

    held = Held(Endless(), Forward(), Announce(), config=LIVE)
    held.one.on(Event, [].append)
    monkeypatch.setattr(threading.Thread, "start", try_to_start)
    with pytest.raises(StageFailed):
        held.one.run()
    held.is_free()


def test_a_pipeline_that_was_never_started_is_free_at_once():
    Held(source(1), Forward()).is_free()


def test_a_run_that_nobody_holds_any_more_is_stopped(caplog):
    class Sink(EventRecorder):
        def close(self):
            closed.append(self.events[-1].reason)

    closed: list[str] = []
    held = Held(Endless(), Forward(), Announce(), sink=Sink())
    held.one.start()
    eventually(lambda: held.one.begun)
    with caplog.at_level(logging.WARNING):
        held.is_free()
        eventually(lambda: closed == ["stopped"])
    assert "nobody holds the pipeline any more" in caplog.text


def test_an_iterator_keeps_its_run_going_and_without_it_the_run_is_stopped():
    closed = []
    stage = Announce()
    stage.close = lambda: closed.append(True)
    events = pipeline(Endless(), stage).events()
    assert sum(1 for _, _ in zip(range(3000), events, strict=False)) == 3000
    assert not closed
    del events
    eventually(lambda: closed)


def test_figures_graph_and_hooks_are_there_after_the_end():
    sound, stage, heard = source(*range(10)), Forward(), []
    one = pipeline(sound, stage, Announce(), config=LIVE)
    one.on(Note, heard.append)
    one.graph.paced.add("c1")
    one.graph.sheds = (Shed("work", "audio", "less", "more"),)
    one.run()
    stats = one.stats()
    assert stats.stages["c1"]["packets_out"] == 10
    assert stats.counters["load.level"] == 0
    assert stats.consumers["hook 1 list.append"]["packets_in"] == len(heard) == 11
    assert one.graph.components["c1"] is stage
    assert stage.context.name == "c1" and stage.context.stopping.is_set() and stage.context.now() > 0
    assert not stage.context.sheds("work") and not stage.context.lossless
    one.off(heard.append)
    with pytest.raises(ValueError, match="is not registered"):
        one.off(heard.append)
    assert isinstance(list(one.events())[-1], End)


def test_a_graph_outlives_its_run_and_can_be_looked_at():
    graph = chain(source(1), Forward())
    one = pipeline(source(1))
    one.graph = graph
    one.run()
    del one
    assert list(graph.components) == ["c0", "c1"]
    assert graph.components["c1"].closed == 1
