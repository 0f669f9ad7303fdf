"""Joining of a component's input streams by watermark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lipstream.pipeline.clock import Clock
from lipstream.pipeline.streams.channel import FOREVER, Channel, Queued
from lipstream.pipeline.streams.packet import Packet
from lipstream.pipeline.streams.waits import Signal, break_circle


@dataclass(frozen=True, slots=True)
class Delivery:
    """What an inbox hands over next.

    Attributes:
        frontier: everything earlier than this has been delivered, on every input (microseconds).
        port: input the packet came from; None when only the frontier moved.
        packet: the packet; None when only the frontier moved.
        arrival: session time at which the packet was put into its channel; None without a packet.
    """

    frontier: int
    port: str | None = None
    packet: Packet[Any] | None = None
    arrival: int | None = field(default=None, compare=False)


class Inbox:
    """Merges the inputs of one component into a single sequence ordered by timestamp.

    A packet is delivered once no other input can still bring an earlier one. With a skew limit it waits for that at
    most so long after its arrival: what then comes late is delivered late and counted. Equal timestamps go in the
    order of the ports. With a skew limit of None the order depends on the timestamps alone, whatever the threads do.

    Between packets the frontier alone is delivered, so that a stage learns of time in which nothing came. How far it
    has moved when one looks depends on the threads; with a `step` it moves in steps of that size, every one of which
    is delivered, and the whole sequence of deliveries depends on the timestamps alone.

    Args:
        channels: input streams by port name; the order breaks ties.
        signal: the component's signal.
        clock: session clock.
        skew_limit: longest wait for another stream in microseconds; None waits for ever, 0 delivers on arrival.
        step: how far the frontier moves, in microseconds, for a delivery without a packet; None for as it comes.

    Attributes:
        late: packets delivered after one with a later timestamp.
    """

    def __init__(
        self,
        channels: Mapping[str, Channel],
        signal: Signal,
        clock: Clock,
        skew_limit: int | None,
        step: int | None = None,
    ) -> None:
        self.late = 0
        self._channels = dict(channels)
        self._order = {port: index for index, port in enumerate(channels)}
        self._signal = signal
        self._clock = clock
        self._skew_limit = skew_limit
        self._step = step
        self._frontier = -FOREVER
        self._newest = -FOREVER
        self._interrupted = False

    def get(self) -> Delivery | None:
        """Wait for the next packet or frontier.

        Returns:
            The next delivery, or None when every input has ended and is empty.
        """
        with self._signal.lock:
            while True:
                delivery = self._next()
                if delivery is not None or self._lowest() == FOREVER:
                    return delivery
                self._wait()

    def interrupt(self) -> None:
        """Make `get` return at once, with a delivery without a packet if there is nothing else."""
        with self._signal.lock:
            self._interrupted = True
            self._signal.condition.notify_all()

    def _wait(self) -> None:
        self._signal.starved = self._wanted()
        try:
            break_circle(self._signal)
            self._clock.wait(self._signal.condition, self._patience())
        finally:
            self._signal.starved = {}

    # What comes next.

    def _next(self) -> Delivery | None:
        lowest = self._lowest()
        ended = lowest == FOREVER
        reached = max(channel.horizon for channel in self._channels.values()) if ended else lowest
        if self._step is not None and self._next_frontier() <= reached:
            return self._deliver_frontier(self._next_frontier())
        ready = self._pick()
        if ready is not None:
            return self._deliver(*ready)
        if reached > self._frontier and (self._step is None or ended):
            return self._deliver_frontier(reached)
        return self._deliver_frontier(self._frontier) if self._interrupted else None

    def _next_frontier(self) -> int:
        """The frontier that will be delivered without a packet, once it is reached."""
        if self._step is None:
            return self._frontier + 1
        return 0 if self._frontier == -FOREVER else self._frontier + self._step

    def _heads(self) -> list[tuple[str, Queued]]:
        return [(port, head) for port, channel in self._channels.items() if (head := channel.head()) is not None]

    @staticmethod
    def _first(heads: list[tuple[str, Queued]]) -> tuple[str, Queued]:
        # The heads are in the order of the ports, and `min` gives the first of equals.
        return min(heads, key=lambda item: item[1].packet.timestamp)

    def _pick(self) -> tuple[str, Queued] | None:
        heads = self._heads()
        if not heads:
            return None
        if self._skew_limit == 0:
            return min(heads, key=lambda item: item[1].sequence)
        port, first = self._first(heads)
        if len(heads) == len(self._channels) or all(
            channel.head() is not None or channel.watermark >= self._needed(other, port, first.packet.timestamp)
            for other, channel in self._channels.items()
        ):
            return port, first
        if self._skew_limit is not None:
            arrival = min(head.arrival for _, head in heads)
            if self._clock.now() - arrival >= self._skew_limit:
                return port, first
        return None

    def _needed(self, other: str, port: str, timestamp: int) -> int:
        """The watermark at which an empty input can bring nothing that goes before a packet of `port`."""
        return timestamp + 1 if self._order[other] < self._order[port] else timestamp

    def _lowest(self) -> int:
        return min(
            (head.packet.timestamp if (head := channel.head()) is not None else channel.watermark)
            for channel in self._channels.values()
        )

    def _deliver(self, port: str, queued: Queued) -> Delivery:
        self._interrupted = False
        packet = self._channels[port].take()
        if packet.timestamp < self._newest:
            self.late += 1
        self._newest = max(self._newest, packet.timestamp)
        self._frontier = max(self._frontier, min(self._lowest(), packet.timestamp))
        return Delivery(self._frontier, port, packet, queued.arrival)

    def _deliver_frontier(self, frontier: int) -> Delivery:
        self._interrupted = False
        self._frontier = frontier
        return Delivery(frontier)

    # What to wait for.

    def _wanted(self) -> dict[Channel, int]:
        """The empty channels that hold the next delivery up, each with the watermark that will do.

        With a skew limit that is every empty channel: a packet on any of them starts a wait.
        """
        heads = self._heads()
        wanted: dict[Channel, int] = {}
        for port, channel in self._channels.items():
            if channel.head() is not None:
                continue
            marks = [min(self._next_frontier(), FOREVER)]
            if self._skew_limit is not None:
                marks.append(FOREVER)
            if heads:
                first, queued = self._first(heads)
                marks.append(self._needed(port, first, queued.packet.timestamp))
            ahead = [mark for mark in marks if mark > channel.watermark]
            if ahead:
                wanted[channel] = min(ahead)
        return wanted

    def _patience(self) -> int | None:
        if not self._skew_limit:
            return None
        arrivals = [head.arrival for _, head in self._heads()]
        return max(0, min(arrivals) + self._skew_limit - self._clock.now()) if arrivals else None
