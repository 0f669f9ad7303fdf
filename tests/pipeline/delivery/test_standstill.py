"""Readers that take nothing while the run waits for them are reported, once, with what to do about it."""

from __future__ import annotations

import logging
import re
import threading

import pytest

from lipstream.pipeline import End, Error, Event
from lipstream.pipeline.delivery import bus
from lipstream.pipeline.delivery.standstill import STANDSTILL_US, Stragglers
from lipstream.pipeline.running.runner import Runner
from lipstream.pipeline.testing import EventRecorder, FakeSource, ScriptedClock
from tests.pipeline.fakes import PATIENCE, Announce, Note, TrapSink, chain, eventually, pipeline, source, stream, trap


class Standing:
    """A file run of many events on a clock that stands still, with somebody who listens."""

    def __init__(self, count: int = 5000, lossless: bool = True) -> None:
        self.clock, self.recorder = ScriptedClock(), EventRecorder()
        graph = chain(source(*range(count)), Announce(), recorder=self.recorder)
        self.runner = Runner(graph, clock=self.clock, lossless=lossless, media_time=lossless)

    def reports(self) -> list[Error]:
        return [event for event in list(self.recorder.events) if isinstance(event, Error)]

    def until_reported(self, times: int = 1) -> None:
        def reported():
            self.clock.advance(STANDSTILL_US)
            return len(self.reports()) == times

        eventually(reported)

    def finish(self) -> None:
        assert self.runner.wait(PATIENCE)
        assert self.recorder.ended
        assert len(self.recorder.of(Note)) == 5001


def test_a_reader_that_stands_still_is_reported_to_the_others_once_and_in_the_log(caplog):
    """Regression: a file run stalled after 1,024 events, and nobody said a word."""
    run = Standing()
    reader = run.runner.bus.subscribe(by="talk.py:7")
    with caplog.at_level(logging.WARNING):
        run.runner.start()
        next(reader)
        run.until_reported()
        for _ in range(5):
            run.clock.advance(STANDSTILL_US)
        assert not run.runner.done(0)
        rest = list(reader)
        run.finish()
    [error] = run.reports()
    assert (error.stage, error.recoverable) == ("reader 1 (talk.py:7)", True)
    assert "has taken no event for 10 s: read on, or close it" in error.message
    assert [record.getMessage() for record in caplog.records if "the run waits for" in record.getMessage()] == [
        "the run waits for reader 1 (talk.py:7), which has taken no event for 10 s: read on, or close it: "
        "`with pipeline.events() as events` does so by itself"
    ]
    # It has missed nothing, and had everything in the same order as the others.
    assert rest == run.recorder.events[1:]


def test_a_reader_that_is_slow_but_reads_is_not_reported():
    run = Standing()
    reader = run.runner.bus.subscribe()
    run.runner.start()
    for _ in reader:
        run.clock.advance(STANDSTILL_US - 1)
    run.finish()
    assert run.reports() == []


def test_a_second_standstill_is_reported_again():
    run = Standing()
    reader = run.runner.bus.subscribe()
    run.runner.start()
    next(reader)
    run.until_reported()
    for _ in range(2000):
        next(reader)
    run.until_reported(2)
    reader.close()
    run.finish()


def test_two_who_stand_still_are_both_reported_and_miss_nothing_of_each_other():
    run = Standing()
    readers = [run.runner.bus.subscribe() for _ in range(2)]
    run.runner.start()
    run.until_reported(2)
    assert [error.stage for error in run.reports()] == ["reader 1", "reader 2"]
    rest: list[Event] = []
    other = threading.Thread(target=rest.extend, args=(readers[1],))
    other.start()
    mine = list(readers[0])
    other.join(PATIENCE)
    run.finish()
    assert mine == rest == run.recorder.events


def test_a_closed_reader_holds_nothing_up():
    run = Standing()
    with run.runner.bus.subscribe() as reader:
        run.runner.start()
        next(reader)
    reader.close()
    assert list(reader) == []
    run.finish()
    assert run.reports() == []


def test_a_reader_of_few_events_holds_nothing_up():
    run = Standing()
    reader = run.runner.bus.subscribe(End)
    run.runner.start()
    run.finish()
    assert [type(event) for event in reader] == [End]


def test_a_live_run_waits_for_no_reader_and_reports_none():
    run = Standing(lossless=False)
    reader = run.runner.bus.subscribe()
    run.runner.start()
    run.finish()
    assert run.reports() == []
    assert len(list(reader)) < 5001


def test_a_sink_that_holds_a_file_run_up_is_reported(monkeypatch, caplog):
    monkeypatch.setattr(bus, "_SINK_LIMIT", 100)
    clock, heard = ScriptedClock(), []
    with trap() as caught, caplog.at_level(logging.WARNING):
        graph = chain(source(*range(500)), Announce())
        graph.add("slow", TrapSink(caught))
        runner = Runner(graph, clock=clock)
        runner.bus.add_hook(Error, heard.append)
        runner.start()

        def reported():
            clock.advance(STANDSTILL_US)
            return heard

        eventually(reported)
        caught.released.set()
        assert runner.wait(PATIENCE)
    [error] = heard
    assert (error.stage, error.recoverable) == ("slow", True)
    assert "an event sink has to return from `handle` soon" in error.message
    assert "the run waits for slow, which has taken no event for 10 s" in caplog.text


@pytest.mark.parametrize("what", ["sink", "hook"])
def test_who_keeps_a_run_from_ending_is_named_in_the_log(what, caplog):
    clock = ScriptedClock()

    def stuck(event):
        caught()

    with trap() as caught, caplog.at_level(logging.WARNING):
        graph = chain(source(1), Announce(), recorder=(recorder := EventRecorder()))
        if what == "sink":
            graph.add("slow", TrapSink(caught))
        runner = Runner(graph, clock=clock)
        if what == "hook":
            runner.bus.add_hook(Event, stuck)
        runner.start()
        eventually(lambda: recorder.events and recorder.ended)

        def named():
            clock.advance(STANDSTILL_US // 2)
            return "has not come back from an event for 10 s" in caplog.text

        eventually(named)
        assert not runner.done(0)
        caught.released.set()
        assert runner.wait(PATIENCE)
    [name] = re.findall(r"the run waits for (.*), which has not come back from an event", caplog.text)
    assert name.startswith("slow" if what == "sink" else "hook test_who_keeps")


def test_who_keeps_a_run_from_ending_is_named_once_for_each_event(caplog):
    clock = ScriptedClock()
    stragglers = Stragglers(clock)
    for count in (3, 4, 4):
        for _ in range(5):
            stragglers.look([("slow", count), ("quick", clock.now())])
            clock.advance(STANDSTILL_US // 2)
    assert caplog.text.count("the run waits for slow") == 2
    assert "quick" not in caplog.text


def test_the_report_says_where_the_reader_was_made(monkeypatch):
    monkeypatch.setattr(bus, "STANDSTILL_US", 1000)
    one, heard = pipeline(FakeSource(stream(*range(5000))), Announce()), []
    one.on(Error, heard.append)
    reader = one.events()
    eventually(lambda: heard)
    assert re.fullmatch(r"reader 1 \(test_standstill\.py:\d+\)", heard[0].stage)
    reader.close()
    assert one.wait(PATIENCE)
