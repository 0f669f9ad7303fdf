"""Iterators over the events of a run, plain and asynchronous."""

from __future__ import annotations

import asyncio
import threading

import pytest

from lipstream.events import TranscriptFinal
from lipstream.pipeline import End, Stats
from lipstream.pipeline.delivery.event_queue import EventQueue
from lipstream.pipeline.delivery.subscription import Subscription
from lipstream.pipeline.running.runner import Runner
from lipstream.pipeline.testing import FakeSource
from tests.pipeline.fakes import (
    PATIENCE,
    Announce,
    Idle,
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

# Iterators.


def test_two_iterators_miss_nothing_and_see_the_same():
    runner = Runner(chain(source(*range(3000)), Announce()))
    iterators = [runner.bus.subscribe(), runner.bus.subscribe()]
    seen = ([], [])
    threads = [threading.Thread(target=into.extend, args=(one,)) for one, into in zip(iterators, seen, strict=True)]
    runner.start()
    for thread in threads:
        thread.start()
    assert runner.wait(PATIENCE)
    for thread in threads:
        thread.join(PATIENCE)
    assert len(seen[0]) == 3003
    assert seen[0] == seen[1]


def test_a_slow_reader_slows_a_file_run_and_loses_nothing():
    runner = Runner(chain(source(*range(3000)), Announce()), hook_limit=5)
    iterator = runner.bus.subscribe()
    runner.start()
    first = next(iterator)
    assert not runner.done(0.05)
    events = [first, *iterator]
    assert runner.wait(PATIENCE)
    assert [event.text for event in events[:-2]] == [f"c1 {n}" for n in range(3000)] + ["c1 finished"]


def test_a_slow_reader_of_a_live_run_loses_what_is_superseded_and_it_is_counted():
    class Talk(Announce):
        def process(self, port, packet):
            self.publish(partial(packet.payload))

        def finish(self):
            self.publish(final(0))

    runner = Runner(chain(source(*range(3000)), Talk()), lossless=False, media_time=False)
    iterator = runner.bus.subscribe()
    runner.start()
    assert runner.wait(PATIENCE)
    events = list(iterator)
    assert final(0).text == "" and any(isinstance(event, TranscriptFinal) for event in events)
    assert isinstance(events[-1], End)
    assert runner.stats().counters["events dropped for iterators"] == 3003 - len(events)


def test_leaving_the_loop_early_does_not_hold_the_run_up():
    runner = Runner(chain(source(*range(5000)), Announce()))
    iterator = runner.bus.subscribe()
    runner.start()
    for _ in iterator:
        break
    del iterator
    assert runner.wait(PATIENCE)


def test_an_iterator_that_nobody_keeps_does_not_hold_the_run_up():
    """Regression: an iterator that was never begun once filled up and stopped the run."""
    runner = Runner(chain(source(*range(5000)), Announce()))
    runner.bus.subscribe()
    runner.start()
    assert runner.wait(PATIENCE)


def test_hooks_can_be_added_and_removed_while_a_reader_pauses():
    """Regression: registering once waited for the reader, which deadlocked a loop that registers."""
    runner = Runner(chain(source(*range(5000)), Announce()))
    iterator = runner.bus.subscribe()
    runner.start()
    texts, removed = [], []
    for number, event in enumerate(iterator):
        if number == 0:
            # The pipeline is by now waiting for this reader, or soon will be.
            eventually(lambda: runner.stats().stages["c1"]["packets_in"] > 1100)
            runner.bus.add_hook(Note, removed.append)
            runner.bus.remove_hooks(removed.append, Note)
            second = runner.bus.subscribe()
            assert isinstance(next(second), Note)
            second.close()
        texts.append(event)
    assert len(texts) == 5003
    assert runner.wait(PATIENCE)


def test_a_late_iterator_begins_with_the_past():
    runner = run(chain(source(1, 2), Announce()))
    events = list(runner.bus.subscribe())
    assert [type(event) for event in events] == [Note, Note, Note, Stats, End]


def test_an_exhausted_iterator_stays_exhausted():
    runner = run(chain(source(1), Announce()))
    iterator = runner.bus.subscribe()
    list(iterator)
    assert list(iterator) == []


# asyncio.


def test_async_iteration_gets_everything():
    runner = Runner(chain(source(*range(2000)), Announce()))

    async def read():
        iterator = runner.bus.subscribe()
        runner.start()
        return [event async for event in iterator]

    events = asyncio.run(read())
    assert len(events) == 2003
    assert isinstance(events[-1], End)
    assert runner.wait(PATIENCE)


def test_a_cancelled_wait_loses_no_event():
    with trap() as caught:
        runner = Runner(chain(FakeSource([caught, *stream(1, 2)]), Announce()), media_time=False)

        async def read():
            iterator = runner.bus.subscribe()
            runner.start()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(iterator), 0.01)
            caught.released.set()
            return [event.text async for event in iterator if isinstance(event, Note)]

        assert asyncio.run(read()) == ["c1 1", "c1 2", "c1 finished"]
        assert runner.wait(PATIENCE)


def test_tasks_that_share_a_subscription_get_each_event_once_and_all_come_to_the_end():
    async def main():
        queue = EventQueue(100)
        events = Subscription(queue)
        seen = []

        async def read():
            async for event in events:
                seen.append(event)

        readers = [asyncio.create_task(read()) for _ in range(3)]
        for number in range(20):
            await asyncio.sleep(0)  # until all of them wait
            queue.put(partial(number))
        queue.conclude(End(reason="finished", duration=0.0))
        await asyncio.wait_for(asyncio.gather(*readers), PATIENCE)
        return seen

    seen = asyncio.run(main())
    assert [event.segment for event in seen[:-1]] == list(range(20))
    assert isinstance(seen[-1], End)


def test_who_waits_in_short_stretches_leaves_nothing_behind():
    queue = EventQueue(100)
    events = Subscription(queue)

    async def main():
        for _ in range(5):
            task = asyncio.create_task(anext(events))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert not queue._wakers


def test_an_abandoned_async_loop_neither_holds_the_run_up_nor_breaks_it():
    runner = Runner(chain(source(*range(5000)), Announce()))

    async def read():
        runner.start()
        async for _ in runner.bus.subscribe():
            break
        runner.wait(PATIENCE)

    asyncio.run(read())
    assert runner.done(0)


def test_an_event_after_the_asyncio_loop_has_closed_is_harmless():
    runner = Runner(chain(Idle(), Announce()))

    async def read(iterator):
        await asyncio.wait_for(anext(iterator), 0.01)

    iterator = runner.bus.subscribe()
    runner.start()
    with pytest.raises(TimeoutError):
        asyncio.run(read(iterator))
    runner.stop()
    assert runner.wait(PATIENCE)
    assert isinstance(list(iterator)[-1], End)
