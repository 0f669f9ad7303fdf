"""Channels: bounds, policies, order, promises."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.pipeline import Bounds, Packet, Policy
from lipstream.pipeline.errors import StreamOrderError
from lipstream.pipeline.streams.channel import Channel
from lipstream.pipeline.streams.waits import Signal
from lipstream.pipeline.testing import ScriptedClock
from tests.pipeline.fakes import PATIENCE, eventually, stream


def channel(policy: Policy = Policy.BLOCK, items: int = 3, duration: int = 10**9) -> Channel:
    return Channel("a.out -> b.in", Bounds(policy, items, duration), Signal(), ScriptedClock())


def drain(one: Channel) -> list[int]:
    with one.consumer.lock:
        return [one.take().timestamp for _ in range(one.depth)]


def fill(one: Channel, *timestamps: int, duration: int = 0) -> None:
    for packet in stream(*timestamps, duration=duration):
        one.put(packet)


def test_packets_come_out_in_the_order_they_went_in():
    one = channel()
    fill(one, 1, 2, 2)
    assert drain(one) == [1, 2, 2]


@pytest.mark.parametrize(("items", "duration"), [(0, 1), (1, 0), (-1, 5)])
def test_bounds_must_be_positive(items, duration):
    with pytest.raises(ValueError, match=f"items={items}, duration={duration}"):
        Bounds(items=items, duration=duration)


def test_a_packet_that_goes_back_in_time_is_an_error_that_names_the_channel():
    one = channel()
    fill(one, 10)
    with pytest.raises(StreamOrderError, match=r"a\.out -> b\.in: packet at 9 us .* earlier than 10 us"):
        fill(one, 9)


def test_a_packet_before_a_promise_is_an_error():
    one = channel()
    one.advance(100)
    with pytest.raises(StreamOrderError, match="100 us"):
        fill(one, 99)
    fill(one, 100)


def test_a_packet_after_the_end_is_an_error_that_says_so():
    one = channel()
    one.end()
    with pytest.raises(StreamOrderError, match="after the end of the stream"):
        fill(one, 5)


def test_the_watermark_only_grows_and_the_end_keeps_the_last_promise():
    one = channel()
    one.advance(50)
    one.advance(20)
    assert one.watermark == 50
    fill(one, 70)
    assert one.watermark == 70
    one.end()
    one.end()
    assert one.ended
    assert one.horizon == 70


@pytest.mark.parametrize("bounds", [{"items": 2}, {"items": 100, "duration": 20}])
def test_a_full_blocking_channel_makes_the_producer_wait_and_loses_nothing(bounds):
    one = channel(**bounds)
    fill(one, 0, 10, duration=10)
    producer = threading.Thread(target=fill, args=(one, 20), kwargs={"duration": 10})
    producer.start()
    eventually(lambda: one.stuck)
    with one.consumer.lock:
        assert one.take().timestamp == 0
    producer.join(PATIENCE)
    assert drain(one) == [10, 20]
    assert (one.counts.put, one.counts.taken, one.counts.dropped) == (3, 3, 0)


def test_the_oldest_is_dropped_and_counted():
    one = channel(Policy.DROP_OLDEST, items=2)
    fill(one, 1, 2, 3, 4)
    assert drain(one) == [3, 4]
    assert (one.counts.put, one.counts.dropped, one.counts.taken, one.counts.peak) == (4, 2, 2, 2)


def test_the_oldest_is_dropped_by_duration_too():
    one = channel(Policy.DROP_OLDEST, items=100, duration=25)
    fill(one, 0, 10, 20, 30, duration=10)
    assert drain(one) == [20, 30]


def test_only_the_latest_is_kept():
    one = channel(Policy.LATEST, items=5)
    fill(one, 1, 2, 3)
    assert drain(one) == [3]
    assert (one.counts.put, one.counts.dropped) == (3, 2)


@pytest.mark.parametrize("policy", list(Policy))
def test_a_packet_longer_than_the_bound_still_passes(policy):
    one = channel(policy, items=1, duration=10)
    fill(one, 0, duration=1000)
    assert drain(one) == [0]


def test_closing_frees_a_waiting_producer_and_discards_everything():
    one = channel(items=1)
    fill(one, 0)
    producer = threading.Thread(target=fill, args=(one, 1, 2))
    producer.start()
    eventually(lambda: one.stuck)
    one.close()
    producer.join(PATIENCE)
    assert one.depth == 0
    assert (one.counts.put, one.counts.discarded, one.counts.taken) == (3, 3, 0)


def test_a_released_channel_is_empty_and_never_blocks_again_but_still_carries():
    one = channel(items=1)
    fill(one, 0)
    one.release()
    fill(one, 1, 2, 3)
    assert drain(one) == [1, 2, 3]
    assert one.counts.discarded == 1


def test_an_unbound_channel_keeps_what_waits():
    one = channel(items=1)
    fill(one, 0)
    one.unbound()
    fill(one, 1, 2)
    assert drain(one) == [0, 1, 2]


def test_the_backlog_is_the_time_that_waits():
    one = channel(items=10)
    assert one.backlog == 0
    fill(one, 100, 130, duration=20)
    assert one.backlog == 50


def test_one_packet_let_through_is_one_only():
    one = channel(items=1)
    fill(one, 0)
    with one.consumer.lock:
        one.let_one_pass()
    fill(one, 1)
    producer = threading.Thread(target=fill, args=(one, 2))
    producer.start()
    eventually(lambda: one.stuck)
    assert one.depth == 2
    one.close()
    producer.join(PATIENCE)


@given(
    policy=st.sampled_from([Policy.DROP_OLDEST, Policy.LATEST]),
    items=st.integers(1, 4),
    duration=st.integers(1, 40),
    steps=st.lists(st.one_of(st.none(), st.tuples(st.integers(0, 9), st.integers(0, 30))), max_size=40),
)
def test_every_packet_is_accounted_for_and_the_bounds_hold(policy, items, duration, steps):
    one = channel(policy, items, duration)
    time = 0
    for step in steps:
        if step is None:
            with one.consumer.lock:
                if one.depth:
                    one.take()
        else:
            time += step[0]
            one.put(Packet(time, None, step[1]))
        counts = one.counts
        assert counts.put == counts.taken + counts.dropped + counts.discarded + one.depth
        assert one.depth <= (1 if policy is Policy.LATEST else items)
        assert one.depth <= 1 or one.backlog <= duration
