"""Hooks and iterators: none delays another or the run, and all get their events in one order."""

from __future__ import annotations

import asyncio
import logging
import threading

import pytest

from lipstream.events import TranscriptFinal
from lipstream.pipeline import End, Error, Event, Packet, Stats
from lipstream.pipeline.delivery.event_queue import EventQueue
from lipstream.pipeline.running.runner import Runner
from lipstream.pipeline.testing import EventRecorder, FakeSource, ScriptedClock
from tests.pipeline.fakes import (
    PATIENCE,
    Announce,
    Endless,
    Note,
    chain,
    eventually,
    final,
    partial,
    run,
    source,
    stream,
    trap,
)


def end() -> End:
    return End(reason="finished", duration=1)


def waiting(queue: EventQueue) -> list[Event]:
    queue.conclude()
    events = []
    while (event := queue.get()) is not None:
        events.append(event)
    return events


# The queue.


def test_what_a_later_event_supersedes_is_dropped_first():
    queue = EventQueue(3)
    for event in (final(1), partial(2), final(3), final(4)):
        queue.offer(event)
    assert waiting(queue) == [final(1), final(3), final(4)]
    assert queue.dropped == 1


def test_a_partial_never_pushes_a_final_out():
    queue = EventQueue(2)
    assert [queue.offer(event) for event in (final(1), final(2), partial(3))] == [True, True, False]
    assert waiting(queue) == [final(1), final(2)]


def test_the_oldest_final_goes_when_there_are_only_finals():
    queue = EventQueue(2)
    for number in (1, 2, 3):
        queue.offer(final(number))
    assert waiting(queue) == [final(2), final(3)]


def test_the_end_always_fits_and_comes_once_and_nothing_after_it():
    queue = EventQueue(1)
    queue.offer(final(1))
    queue.conclude(end())
    queue.conclude(end())
    assert queue.offer(final(2))
    queue.put(end())
    assert waiting(queue) == [final(1), end()]
    assert queue.dropped == 0


@pytest.mark.parametrize("leave", [EventQueue.close, EventQueue.release, EventQueue.get])
def test_a_writer_that_waits_for_room_goes_on_when_the_reader(leave):
    queue = EventQueue(1)
    queue.put(final(1))
    queue.put(final(2))
    clock, gone_on = ScriptedClock(), []
    writer = threading.Thread(target=lambda: gone_on.append(queue.wait_for_room(clock, 1000)))
    writer.start()
    leave(queue)
    writer.join(PATIENCE)
    assert gone_on == [True]


def test_a_writer_waits_for_room_no_longer_than_it_likes_to():
    queue = EventQueue(1)
    for number in range(2):
        queue.put(final(number))
    clock, gone_on = ScriptedClock(), []
    writer = threading.Thread(target=lambda: gone_on.append(queue.wait_for_room(clock, 1000)))
    writer.start()
    while writer.is_alive():
        clock.advance(400)
    assert gone_on == [False]


def test_a_queue_keeps_what_is_wanted_of_it_and_the_end_in_any_case():
    queue = EventQueue(3, wanted=(TranscriptFinal,))
    queue.preload([partial(0), final(1)])
    for event in (partial(2), final(3), final(4), partial(5)):
        queue.offer(event)
    queue.conclude(end())
    assert waiting(queue) == [final(1), final(3), final(4), end()]
    assert queue.dropped == 0


# Hooks.


def test_a_hook_gets_its_class_and_a_hook_on_the_base_class_gets_all():
    notes, everything = [], []
    run(chain(source(1, 2), Announce()), (Note, notes.append), (Event, everything.append))
    assert [note.text for note in notes] == ["c1 1", "c1 2", "c1 finished"]
    assert [type(event) for event in everything] == [Note, Note, Note, Stats, End]


def test_every_hook_and_every_sink_sees_the_same_order():
    recorders, heard = [EventRecorder() for _ in range(2)], ([], [])

    def failing(event):
        raise ValueError("each time")

    graph = chain(source(*range(50)), Announce())
    for index, recorder in enumerate(recorders):
        graph.add(f"recorder{index}", recorder)
    run(graph, (Event, heard[0].append), (Event, failing), (Event, heard[1].append))
    assert recorders[0].events == recorders[1].events == heard[0] == heard[1]
    assert recorders[0].ended


def test_a_hook_that_raises_is_reported_once_with_its_traceback_and_the_run_goes_on(caplog):
    calls, recorder = [], EventRecorder()

    def faulty(event):
        calls.append(event)
        raise KeyError("typo in the hook")

    until_reported = FakeSource([*stream(*range(5)), lambda: eventually(lambda: recorder.of(Error))])
    with caplog.at_level(logging.WARNING):
        runner = run(chain(until_reported, Announce(), recorder=recorder), (Note, faulty))
    assert len(calls) == 6
    [error] = recorder.of(Error)
    assert "faulty" in error.stage and "KeyError: 'typo in the hook'" in error.message
    assert error.recoverable
    [record] = [record for record in caplog.records if "faulty" in record.getMessage()]
    assert "Traceback" in record.getMessage() and 'raise KeyError("typo in the hook")' in record.getMessage()
    assert runner.bus.end.reason == "finished"


def test_a_hook_that_exits_does_not_end_its_own_delivery():
    calls = []

    def leaving(event):
        calls.append(event)
        raise SystemExit

    run(chain(source(1, 2), Announce()), (Note, leaving))
    assert len(calls) == 3


def test_a_sleeping_hook_delays_nobody_but_itself_and_its_drops_are_counted_and_reported():
    recorder, quick, slow_heard = EventRecorder(), [], []
    with trap() as caught:

        def slow(event):
            caught()
            slow_heard.append(event)

        # The source goes on only when the quick hook has seen what came before.
        script = [step for n in range(100) for step in (Packet(n, n), lambda n=n: eventually(lambda: len(quick) > n))]
        graph = chain(FakeSource(script), Announce(), recorder=recorder)
        runner = Runner(graph, media_time=False, hook_limit=10)
        runner.bus.add_hook(Event, slow)
        runner.bus.add_hook(Note, lambda event: quick.append(event.text))
        runner.start()
        # All the others have everything while the slow one still has its first event.
        eventually(lambda: recorder.events and recorder.ended)
        eventually(lambda: quick and quick[-1] == "c1 finished")
        assert slow_heard == []
    assert runner.wait(PATIENCE)
    assert isinstance(slow_heard[-1], End)
    assert len(slow_heard) <= 12
    assert quick == [f"c1 {n}" for n in range(100)] + ["c1 finished"]
    stats = runner.stats()
    assert stats.counters["events dropped for hooks"] == len(recorder.events) - len(slow_heard)
    [figures] = [each for name, each in stats.consumers.items() if "slow" in name]
    assert (figures["packets_in"], figures["dropped"]) == (len(slow_heard), len(recorder.events) - len(slow_heard))
    [error] = recorder.of(Error)
    assert "slow" in error.stage and "too slow" in error.message and error.recoverable


def test_coroutine_hooks_are_awaited_on_one_loop_of_their_own():
    heard, loops = [], set()

    async def hook(event):
        await asyncio.sleep(0)
        loops.add(asyncio.get_running_loop())
        heard.append(type(event))

    async def faulty(event):
        await asyncio.sleep(0)
        raise ValueError("late")

    recorder = EventRecorder()
    until_reported = FakeSource([*stream(1, 2), lambda: eventually(lambda: recorder.of(Error))])
    run(chain(until_reported, Announce(), recorder=recorder), (Event, hook), (Note, faulty))
    assert heard.count(Note) == 3 and heard[-1] is End
    assert len(loops) == 1 and loops.pop().is_closed()
    assert "ValueError: late" in recorder.of(Error)[0].message


def test_a_removed_hook_gets_nothing_more_and_the_others_go_on():
    heard, others = [], []
    runner = Runner(chain(Endless(), Announce()))
    runner.bus.add_hook(Note, heard.append)
    runner.bus.add_hook(Note, others.append)
    runner.start()
    eventually(lambda: heard)
    assert runner.bus.remove_hooks(heard.append, None) == 1
    eventually(lambda: not any(thread.name.startswith("hook list") for thread in runner.bus.threads[3:]))
    seen, count = len(others), len(heard)
    eventually(lambda: len(others) > seen + 100)
    assert len(heard) <= count + 1
    runner.stop()
    assert runner.wait(PATIENCE)


def test_a_hook_added_during_the_run_gets_what_follows_and_the_end():
    heard = []
    with trap() as caught:
        runner = Runner(chain(FakeSource([*stream(1), caught, *stream(2)]), Announce()), media_time=False)
        runner.start()
        assert caught.entered.wait(PATIENCE)
        runner.bus.add_hook(Event, heard.append)
        caught.released.set()
        assert runner.wait(PATIENCE)
    assert "c1 2" in [event.text for event in heard if isinstance(event, Note)]
    assert isinstance(heard[-1], End)


def test_an_event_sink_can_publish_and_count():
    class Sink(EventRecorder):
        def handle(self, event):
            super().handle(event)
            if isinstance(event, Note) and event.text == "c1 1":
                self.publish(Note(text="from the sink"))
                self.context.count("seen", 1)

    recorder = EventRecorder()
    from_sink = lambda: any(note.text == "from the sink" for note in recorder.of(Note))  # noqa: E731
    graph = chain(FakeSource([*stream(1, 2), lambda: eventually(from_sink)]), Announce(), recorder=recorder)
    graph.add("sink", Sink())
    runner = run(graph)
    assert runner.stats().counters == {"seen": 1.0}
    assert recorder.ended
