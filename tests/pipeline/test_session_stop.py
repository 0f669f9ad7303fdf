"""Stopping a `Pipeline`: from outside, from inside, by Ctrl-C."""

from __future__ import annotations

import _thread
import threading

import pytest

from lipstream.pipeline import End, Event, PipelineError
from lipstream.pipeline.testing import EventRecorder, FakeSource
from tests.pipeline.fakes import LIVE, PATIENCE, Announce, Collect, Endless, Idle, Note, pipeline, source

# Stopping.


def test_stop_from_another_thread_ends_run():
    one = pipeline(Endless(), Announce(), config=LIVE)
    threading.Timer(0.01, one.stop).start()
    assert one.run().reason == "stopped"


def test_two_stops_at_once_both_return_after_the_end():
    one = pipeline(Endless(), Announce())
    one.start()
    ended = []

    def stop():
        one.stop()
        ended.append(one.wait(0))

    threads = [threading.Thread(target=stop) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert ended == [True, True]
    one.stop()


@pytest.mark.parametrize("coroutine", [False, True])
def test_a_hook_may_stop_the_run(coroutine):
    one, seen = pipeline(Endless(), Announce()), []

    def hook(event):
        seen.append(event)
        one.stop()

    async def later(event):
        hook(event)

    one.on(Event, later if coroutine else hook)
    assert one.run().reason == "stopped"
    assert isinstance(seen[-1], End)


def test_a_stage_or_a_sink_may_stop_the_run():
    class Sink(EventRecorder):
        def handle(self, event):
            super().handle(event)
            one.stop()

    recorder = Sink()
    one = pipeline(Endless(), Collect(lambda packet: one.stop()))
    one.add_sink("recorder", recorder)
    assert one.run().reason == "stopped"
    assert recorder.ended


def test_waiting_inside_a_hook_is_an_error_instead_of_a_deadlock():
    one, errors = pipeline(source(1), Announce()), []

    def hook(event):
        try:
            one.wait()
        except PipelineError as error:
            errors.append(str(error))

    one.on(End, hook)
    one.run()
    assert "from within the run" in errors[0]


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("where", ["stage", "hook"])
def test_ctrl_c_ends_run_cleanly(where):
    once = threading.Event()

    def interrupt(*_):
        if not once.is_set():
            once.set()
            _thread.interrupt_main()

    recorder = EventRecorder()
    one = pipeline(Endless(), Collect(interrupt if where == "stage" else lambda packet: None), config=LIVE)
    one.add_sink("recorder", recorder)
    one.graph.add("announce", Announce())
    one.graph.connect("c0.out", "announce.in")
    if where == "hook":
        one.on(Note, interrupt)
    assert one.run().reason == "stopped"
    assert recorder.ended


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_reaches_a_loop_that_waits_for_events():
    reading = threading.Event()
    one = pipeline(FakeSource([lambda: reading.wait(PATIENCE), _thread.interrupt_main]), Collect())
    one.graph.add("idle", Idle())
    with pytest.raises(KeyboardInterrupt), one, one.events() as events:
        reading.set()
        for _ in events:
            pass
    assert one.wait(PATIENCE)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_that_comes_as_soon_as_there_is_a_run_ends_it():
    """Regression: it could come before the body of the `with`, whose end then never stopped the run."""
    one = pipeline(FakeSource([_thread.interrupt_main]), Collect())
    one.graph.add("idle", Idle())
    with pytest.raises(KeyboardInterrupt), one:
        for _ in one.events():
            pass
    assert one.wait(PATIENCE)
