"""Ctrl-C at every point of a start, and of what follows it: whatever had begun ends, and nothing is left."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable

import pytest

from lipstream import Pipeline
from lipstream.pipeline import End, Event, latch
from lipstream.pipeline.testing import EventRecorder
from tests.pipeline.fakes import Idle, eventually, pipeline
from tests.pipeline.interrupts import interrupted

pytestmark = [
    # What is raised in a generator that is being closed, and what is interrupted in asyncio's own code.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning"),
]

UNTRACED = pytest.mark.skipif(
    sys.version_info >= (3, 13),
    reason="tracing does not tell of every turn of a loop that other threads run as well, so a wait has no points",
)
ENOUGH = 20
"""After so many interrupts in a row that came when the run had begun, the start has been got through."""


class Watched(Idle):
    """Gives nothing, for so many turns or for ever, and keeps an account of itself."""

    def __init__(self, turns: int | None) -> None:
        self.turns = turns
        self.opened = 0
        self.closed = 0

    def open(self):
        self.opened += 1

    def produce(self):
        self.context.stopping.wait(0.001)
        if self.turns is not None:
            self.turns -= 1
        return self.turns != 0

    def close(self):
        self.closed += 1


class Attempt:
    """One run, interrupted at one point.

    Args:
        way: how it is run.
        turns: how many turns its source has; None for no end.
        at: the point.
        holder: keeps the pipeline, which else goes with the attempt.

    Attributes:
        where: the point; None if it came to its end before.
        begun: whether the sources had begun to deliver when the interrupt came.
    """

    def __init__(
        self, way: Callable[[Pipeline], object], turns: int | None, at: int, holder: list[Pipeline] | None = None
    ) -> None:
        self.holder = holder
        before = set(threading.enumerate())
        self.source, self.recorder, self.heard = Watched(turns), EventRecorder(), []
        self.begun = False
        self.where = interrupted(lambda: self.work(way), at)
        eventually(lambda: set(threading.enumerate()) <= before)

    def work(self, way: Callable[[Pipeline], object]) -> None:
        one = pipeline(self.source)
        if self.holder is not None:
            self.holder.append(one)
        one.add_sink("recorder", self.recorder)
        one.on(Event, self.heard.append)
        try:
            way(one)
        finally:
            self.begun = one.begun

    def check(self) -> None:
        assert self.source.opened == self.source.closed <= 1, self.where
        for events in (self.recorder.events, self.heard):
            ends = [event for event in events if isinstance(event, End)]
            # A run of which nothing was opened may have had nobody to tell of its end.
            assert len(ends) == 1 if events or self.source.opened else not ends, self.where
            assert events[-1:] == ends, self.where


def by_run(one):
    one.run()


def by_with(one):
    with one:
        one.wait()


def by_start(one):
    one.start()
    one.wait()


def by_events(one):
    for _ in one.events():
        pass


def by_aevents(one):
    async def read():
        async for _ in one.aevents():
            pass

    asyncio.run(read())


@pytest.mark.parametrize(
    "way", [by_run, by_with, *(pytest.param(way, marks=UNTRACED) for way in (by_start, by_events, by_aevents))]
)
def test_an_interrupt_at_any_point_of_a_start_ends_a_run_that_would_never_end(way, monkeypatch):
    """Regression: one between the start of the threads and the body of a `with` once left them running."""
    monkeypatch.setattr(latch, "_SLICE", 0.002)
    at, enough = 0, 0
    while enough < ENOUGH:
        attempt = Attempt(way, None, at)
        assert attempt.where is not None
        attempt.check()
        enough = enough + 1 if attempt.begun else 0
        at += 1


def test_an_interrupt_at_any_point_of_a_with_ends_the_run_though_the_pipeline_is_held(monkeypatch):
    monkeypatch.setattr(latch, "_SLICE", 0.002)
    at, enough, held = 0, 0, []
    while enough < ENOUGH:
        attempt = Attempt(by_with, None, at, held)
        attempt.check()
        enough = enough + 1 if attempt.begun else 0
        at += 1
    assert held


def test_an_interrupt_at_any_point_of_a_run_that_ends_by_itself_leaves_nothing_behind():
    at, attempt = 0, None
    while attempt is None or attempt.where is not None:
        attempt = Attempt(by_events, 3, at)
        attempt.check()
        at += 1


def stopped(one):
    one.start()
    one.stop()


def left(one):
    with one, one.events() as events:
        iter(events)


@pytest.mark.parametrize("way", [stopped, left])
def test_an_interrupt_at_any_point_of_a_stop_does_not_keep_the_run_going(way):
    at, attempt = 0, None
    while attempt is None or attempt.where is not None:
        attempt = Attempt(way, None, at)
        attempt.check()
        at += 1
