"""Joins: what is delivered, in which order, and when."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.pipeline import Bounds, Packet
from lipstream.pipeline.streams.channel import FOREVER, Channel
from lipstream.pipeline.streams.inbox import Delivery, Inbox
from lipstream.pipeline.streams.waits import Signal
from lipstream.pipeline.testing import ScriptedClock
from tests.pipeline.fakes import PATIENCE, eventually, stream


class Bench:
    """An inbox with its channels, driven without threads."""

    def __init__(self, *ports: str, skew_limit: int | None = None, step: int | None = None) -> None:
        self.frontier = -FOREVER
        self.clock = ScriptedClock()
        self.signal = Signal()
        bounds = Bounds(items=1000)
        self.channels = {port: Channel(port, bounds, self.signal, self.clock) for port in ports}
        self.inbox = Inbox(self.channels, self.signal, self.clock, skew_limit, step)

    def put(self, port: str, *timestamps: int) -> None:
        for packet in stream(*timestamps):
            self.channels[port].put(packet)

    def end(self) -> None:
        for channel in self.channels.values():
            channel.end()

    def poll(self) -> Delivery | None:
        """The next delivery if there is one now; None also at the end."""
        self.inbox.interrupt()
        delivery = self.inbox.get()
        if delivery is None or delivery == Delivery(self.frontier):
            return None
        self.frontier = delivery.frontier
        return delivery

    def rest(self) -> list[Delivery]:
        deliveries = []
        while (delivery := self.poll()) is not None:
            deliveries.append(delivery)
        return deliveries

    def packets(self) -> list[tuple[str | None, int]]:
        return [(each.port, each.packet.timestamp) for each in self.rest() if each.packet is not None]


def test_a_join_orders_by_timestamp_whatever_came_first():
    bench = Bench("a", "b")
    bench.put("b", 20, 40)
    bench.put("a", 10, 30, 50)
    bench.end()
    assert bench.packets() == [("a", 10), ("b", 20), ("a", 30), ("b", 40), ("a", 50)]


def test_equal_timestamps_go_in_the_order_of_the_ports():
    bench = Bench("a", "b", "c")
    for port in "cba":
        bench.put(port, 10, 10)
    bench.end()
    assert bench.packets() == [("a", 10), ("a", 10), ("b", 10), ("b", 10), ("c", 10), ("c", 10)]


def test_a_packet_waits_until_no_other_stream_can_bring_an_earlier_one():
    bench = Bench("a", "b")
    bench.put("a", 10)
    assert bench.packets() == []
    bench.channels["b"].advance(9)
    assert bench.packets() == []
    bench.channels["b"].advance(10)
    assert bench.packets() == [("a", 10)]


def test_a_tie_waits_for_the_port_that_goes_first():
    bench = Bench("a", "b")
    bench.put("b", 10)
    bench.channels["a"].advance(10)
    assert bench.packets() == []
    bench.put("a", 10)
    bench.channels["a"].advance(11)
    assert bench.packets() == [("a", 10), ("b", 10)]


def test_an_ended_stream_never_blocks_a_join():
    bench = Bench("a", "b")
    bench.channels["b"].end()
    bench.put("a", 10, 20)
    assert bench.packets() == [("a", 10), ("a", 20)]


def test_the_end_comes_when_all_inputs_have_ended_and_are_empty():
    bench = Bench("a", "b")
    bench.put("a", 10)
    bench.end()
    assert bench.packets() == [("a", 10)]
    assert bench.inbox.get() is None
    assert bench.inbox.get() is None


def test_the_frontier_is_delivered_without_packets():
    bench = Bench("a", "b")
    bench.channels["a"].advance(30)
    bench.channels["b"].advance(20)
    assert bench.rest() == [Delivery(20)]
    bench.channels["b"].advance(50)
    assert bench.rest() == [Delivery(30)]


def test_the_frontier_never_passes_a_packet_that_waits():
    bench = Bench("a", "b")
    bench.put("a", 40)
    bench.channels["b"].advance(25)
    assert bench.rest() == [Delivery(25)]
    bench.channels["b"].advance(60)
    assert [each.frontier for each in bench.rest()] == [40]


def test_the_last_promise_before_the_end_is_delivered():
    bench = Bench("a", "b", step=100)
    bench.channels["a"].advance(250)
    bench.end()
    assert [each.frontier for each in bench.rest()] == [0, 100, 200, 250]
    assert bench.inbox.get() is None


# The skew limit, with scripted time.


def test_a_late_stream_delays_the_other_for_the_skew_limit_only():
    bench = Bench("a", "b", skew_limit=100)
    bench.put("a", 10)
    bench.clock.advance(99)
    assert bench.packets() == []
    bench.clock.advance(1)
    assert bench.packets() == [("a", 10)]


def test_a_late_packet_is_delivered_and_counted():
    bench = Bench("a", "b", skew_limit=100)
    bench.put("a", 10, 20)
    bench.clock.advance(100)
    assert bench.packets() == [("a", 10), ("a", 20)]
    bench.put("b", 15)
    bench.put("a", 30)
    assert bench.packets()[0] == ("b", 15)
    assert bench.inbox.late == 1


def test_when_the_wait_is_over_the_earliest_goes_first_even_if_it_came_later():
    bench = Bench("a", "b", "dead", skew_limit=100)
    bench.put("a", 20)
    bench.clock.advance(99)
    bench.put("b", 10)
    bench.clock.advance(1)
    assert bench.packets() == [("b", 10), ("a", 20)]


def test_the_frontier_stays_true_when_a_stream_is_given_up_on():
    bench = Bench("a", "b", skew_limit=100)
    bench.channels["b"].advance(5)
    bench.put("a", 10)
    bench.clock.advance(100)
    assert [each.frontier for each in bench.rest()] == [5]


def test_without_a_skew_packets_go_by_arrival():
    bench = Bench("a", "b", skew_limit=0)
    bench.put("b", 50)
    bench.put("a", 10)
    bench.put("b", 60)
    assert bench.packets() == [("b", 50), ("a", 10), ("b", 60)]


# A waiting consumer.


def first_packet(bench: Bench, found: list[Delivery | None]) -> None:
    while (delivery := bench.inbox.get()) is not None and delivery.packet is None:
        pass
    found.append(delivery)


@pytest.mark.parametrize(
    "wake",
    [
        pytest.param(lambda bench: bench.put("b", 20), id="a packet of the other stream"),
        pytest.param(lambda bench: bench.channels["b"].advance(10), id="a promise"),
        pytest.param(lambda bench: bench.channels["b"].end(), id="the end of the other stream"),
        pytest.param(lambda bench: bench.clock.advance(100), id="the clock"),
    ],
)
def test_a_waiting_join_is_woken_by(wake: Callable[[Bench], None]):
    bench = Bench("a", "b", skew_limit=100)
    bench.put("a", 10)
    found: list[Delivery | None] = []
    waiting = threading.Thread(target=first_packet, args=(bench, found))
    waiting.start()
    eventually(lambda: bench.signal.starved)
    wake(bench)
    waiting.join(PATIENCE)
    assert found == [Delivery(found[0].frontier, "a", Packet(10, 10))]


@pytest.mark.parametrize("skew_limit", [0, 100])
def test_a_stream_that_is_ahead_is_still_listened_to(skew_limit):
    """Regression: a waiting join was not woken by a packet of a stream from which it needed nothing just now."""
    bench = Bench("a", "b", skew_limit=skew_limit)
    bench.channels["a"].advance(10)
    found: list[Delivery | None] = []
    waiting = threading.Thread(target=first_packet, args=(bench, found))
    waiting.start()
    eventually(lambda: bench.signal.starved)
    bench.put("a", 10)
    if skew_limit:
        # Awake, it has to wait anew, now for the limit.
        eventually(lambda: bench.channels["a"] not in bench.signal.starved and bench.signal.starved)
        bench.clock.advance(skew_limit)
    waiting.join(PATIENCE)
    assert found[0].packet == Packet(10, 10)


# The whole sequence depends on the data alone.

Feed = tuple[str, bool, int]


def feeds() -> st.SearchStrategy[list[list[Feed]]]:
    """For each of two ports: promises and packets with growing timestamps."""

    def one(port: str) -> st.SearchStrategy[list[Feed]]:
        steps = st.lists(st.tuples(st.booleans(), st.integers(0, 70)), max_size=12)

        def grow(gaps: list[tuple[bool, int]]) -> list[Feed]:
            time, feed = 0, []
            for is_packet, gap in gaps:
                time += gap
                feed.append((port, is_packet, time))
            return feed

        return steps.map(grow)

    return st.tuples(one("a"), one("b")).map(list)


def deliveries(feed: list[list[Feed]], choices: list[int]) -> list[Delivery]:
    """Feed the ports in the interleaving that `choices` says, looking for deliveries in between or not."""
    bench = Bench("a", "b", step=25)
    left = {port: list(steps) for port, steps in zip("ab", feed, strict=True)}
    found: list[Delivery] = []
    for choice in [*choices, *[0, 1] * 12]:
        port = "ab"[choice % 2]
        if left[port]:
            _, is_packet, time = left[port].pop(0)
            if is_packet:
                bench.put(port, time)
            else:
                bench.channels[port].advance(time)
        if not left[port]:
            bench.channels[port].end()
        if choice >= 2:
            found += bench.rest()
    bench.end()
    return found + bench.rest()


@given(feed=feeds(), one=st.lists(st.integers(0, 3), max_size=24), other=st.lists(st.integers(0, 3), max_size=24))
def test_with_a_step_every_interleaving_gives_the_same_deliveries(feed, one, other):
    assert deliveries(feed, one) == deliveries(feed, other)


@given(feed=feeds(), choices=st.lists(st.integers(0, 3), max_size=24))
def test_deliveries_are_complete_ordered_and_true_to_their_frontier(feed, choices):
    found = deliveries(feed, choices)
    packets = [(each.packet.timestamp, each.port) for each in found if each.packet is not None]
    assert packets == sorted((time, port) for steps in feed for port, is_packet, time in steps if is_packet)
    frontiers = [each.frontier for each in found]
    assert frontiers == sorted(frontiers)
    for index, delivery in enumerate(found):
        later = [each.packet.timestamp for each in found[index + 1 :] if each.packet is not None]
        assert all(timestamp >= delivery.frontier for timestamp in later)
