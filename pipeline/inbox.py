"""Joining of a component's input streams by watermark."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.channel import FOREVER, Channel, Queued, Signal
from pipeline.clock import Clock
from pipeline.packet import Packet


@dataclass(frozen=True, slots=True)
class Delivery:
    """What an inbox hands over next.

    Attributes:
        frontier: everything earlier than this has been delivered, on every input (microseconds).
        port: input the packet came from; None when only the frontier moved.
        packet: the packet; None when only the frontier moved.
    """

    frontier: int
    port: str | None = None
    packet: Packet[Any] | None = None


class Inbox:
    """Merges the inputs of one component into a single sequence ordered by timestamp.

    A packet is delivered once no other input can still bring an earlier one. With a skew limit it waits for that at
    most so long after its arrival: what then comes late is delivered late and counted. Equal timestamps go in the
    order of the ports. With a skew limit of None the order depends on the timestamps alone, whatever the threads do.

    Args:
        channels: input streams by port name; the order breaks ties.
        signal: the lock those channels share.
        clock: session clock.
        skew_limit: longest wait for another stream in microseconds; None waits for ever, 0 delivers on arrival.
        coupled: ports fed by a common ancestor, whose bounds yield when the join is starved.
    """

    def __init__(
        self,
        channels: Mapping[str, Channel],
        signal: Signal,
        clock: Clock,
        skew_limit: int | None,
        coupled: Collection[str] = (),
    ) -> None:
        self.late = 0
        self._channels = dict(channels)
        self._order = {port: index for index, port in enumerate(channels)}
        self._signal = signal
        self._clock = clock
        self._skew_limit = skew_limit
        self._coupled = [self._channels[port] for port in coupled]
        self._frontier = -FOREVER
        self._newest = -FOREVER

    def get(self) -> Delivery | None:
        """Wait for the next packet or frontier.

        Returns:
            The next delivery, or None when every input has ended and is empty.
        """
        with self._signal.condition:
            while True:
                ready = self._pick()
                if ready is not None:
                    self._relax(False)
                    return self._deliver(*ready)
                frontier = self._lowest()
                if frontier == FOREVER:
                    return None
                if frontier > self._frontier:
                    self._frontier = frontier
                    return Delivery(frontier)
                self._relax(True)
                self._clock.wait(self._signal.condition, self._patience())

    def backlog(self, port: str) -> int:
        """Microseconds of data that wait on a port."""
        return self._channels[port].backlog

    def _heads(self) -> list[tuple[str, Queued]]:
        heads = [(port, head) for port, channel in self._channels.items() if (head := channel.head()) is not None]
        return sorted(heads, key=lambda item: (item[1].packet.timestamp, self._order[item[0]]))

    def _pick(self) -> tuple[str, Queued] | None:
        heads = self._heads()
        if not heads:
            return None
        port, first = heads[0]
        if self._skew_limit == 0:
            return min(heads, key=lambda item: item[1].sequence)
        if all(self._safe(first.packet.timestamp, port, other) for other in self._channels):
            return port, first
        if self._skew_limit is not None:
            overdue = min(heads, key=lambda item: item[1].arrival)[1]
            if self._clock.now() - overdue.arrival >= self._skew_limit:
                return port, first
        return None

    def _safe(self, timestamp: int, port: str, other: str) -> bool:
        channel = self._channels[other]
        if other == port or channel.head() is not None:
            return True
        if channel.watermark == timestamp:
            return self._order[other] > self._order[port]
        return channel.watermark > timestamp

    def _deliver(self, port: str, queued: Queued) -> Delivery:
        packet = self._channels[port].take()
        if packet.timestamp < self._newest:
            self.late += 1
        self._newest = max(self._newest, packet.timestamp)
        self._frontier = max(self._frontier, min(self._lowest(), packet.timestamp))
        return Delivery(self._frontier, port, packet)

    def _lowest(self) -> int:
        return min(
            (head.packet.timestamp if (head := channel.head()) is not None else channel.watermark)
            for channel in self._channels.values()
        )

    def _patience(self) -> int | None:
        if not self._skew_limit:
            return None
        arrivals = [head.arrival for _, head in self._heads()]
        return max(0, min(arrivals) + self._skew_limit - self._clock.now()) if arrivals else None

    def _relax(self, relaxed: bool) -> None:
        for channel in self._coupled:
            channel.relax(relaxed)
