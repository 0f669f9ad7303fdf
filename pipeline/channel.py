"""Bounded, typed streams between components."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pipeline.clock import Clock
from pipeline.errors import StreamOrderError
from pipeline.packet import Packet

FOREVER = 2**63 - 1
"""The watermark of a stream that has ended: nothing at all will come."""


class Policy(StrEnum):
    """What a full channel does with the next packet."""

    BLOCK = "block"
    """The producer waits. Lossless; for files, and for sound."""
    DROP_OLDEST = "drop_oldest"
    """The oldest waiting packet is dropped and counted."""
    LATEST = "latest"
    """Only the newest packet is kept; whatever waited is dropped and counted."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a channel holds, and what it does when it is full.

    Attributes:
        policy: what happens to a packet that finds the channel full.
        items: most packets that wait, >= 1.
        duration: most microseconds between the start of the oldest and the end of the newest waiting packet.
    """

    policy: Policy = Policy.BLOCK
    items: int = 256
    duration: int = 10_000_000

    def __post_init__(self) -> None:
        if self.items < 1 or self.duration < 1:
            raise ValueError(f"channel bounds must be positive, got items={self.items}, duration={self.duration}")


@dataclass(frozen=True, slots=True)
class Queued:
    """A packet waiting in a channel.

    Attributes:
        packet: the packet.
        arrival: session time at which it was put.
        sequence: its place in the order of arrival among all channels that share a consumer.
    """

    packet: Packet[Any]
    arrival: int
    sequence: int


@dataclass(slots=True)
class ChannelCounts:
    """What has passed through a channel so far, in packets."""

    put: int = 0
    taken: int = 0
    dropped: int = 0
    discarded: int = 0
    peak: int = 0


class Signal:
    """The lock and the arrival counter that all channels into one consumer share."""

    def __init__(self) -> None:
        self.condition = threading.Condition()
        self._sequence = 0

    def next_sequence(self) -> int:
        """Number the next arrival; call with the condition held."""
        self._sequence += 1
        return self._sequence


class Channel:
    """A bounded stream from one producer to one consumer.

    Timestamps never go back. The watermark says "nothing earlier will come"; it grows with every packet and with
    `advance`. The consumer side (`head`, `take`) is used with `signal.condition` held, by an `Inbox`.

    Args:
        name: "producer.port -> consumer.port", for messages and metrics.
        bounds: capacity and policy.
        signal: lock shared by the channels of the consumer.
        clock: session clock, for arrival times.
    """

    def __init__(self, name: str, bounds: Bounds, signal: Signal, clock: Clock) -> None:
        self.name = name
        self.bounds = bounds
        self.counts = ChannelCounts()
        self.watermark = -FOREVER
        self._signal = signal
        self._clock = clock
        self._queue: deque[Queued] = deque()
        self._unbounded = False
        self._relaxed = False
        self._closed = False

    def put(self, packet: Packet[Any]) -> None:
        """Append a packet; a full channel acts by its policy.

        Raises:
            StreamOrderError: the packet is earlier than the stream's watermark.
        """
        with self._signal.condition:
            if packet.timestamp < self.watermark:
                raise StreamOrderError(
                    f"{self.name}: packet at {packet.timestamp} us comes after the stream promised nothing "
                    f"earlier than {self.watermark} us"
                )
            self._make_room(packet)
            self.counts.put += 1
            self.watermark = max(self.watermark, packet.timestamp)
            if self._closed:
                self.counts.discarded += 1
                return
            self._queue.append(Queued(packet, self._clock.now(), self._signal.next_sequence()))
            self.counts.peak = max(self.counts.peak, len(self._queue))
            self._signal.condition.notify_all()

    def _make_room(self, packet: Packet[Any]) -> None:
        if self.bounds.policy is Policy.BLOCK:
            while self._full(packet):
                self._signal.condition.wait()
            return
        keep_none = self.bounds.policy is Policy.LATEST
        while self._queue and (keep_none or self._full(packet)):
            self._queue.popleft()
            self.counts.dropped += 1

    def _full(self, packet: Packet[Any]) -> bool:
        # A packet longer than the duration bound must still pass, so an empty channel is never full.
        if not self._queue or self._unbounded or self._relaxed:
            return False
        span = packet.end - self._queue[0].packet.timestamp
        return len(self._queue) >= self.bounds.items or span > self.bounds.duration

    def advance(self, watermark: int) -> None:
        """Promise that no packet earlier than `watermark` will be put. A smaller value changes nothing."""
        with self._signal.condition:
            if watermark > self.watermark:
                self.watermark = watermark
                self._signal.condition.notify_all()

    def end(self) -> None:
        """Promise that no packet will be put any more. Idempotent."""
        self.advance(FOREVER)

    @property
    def ended(self) -> bool:
        """True once the producer has ended the stream; packets may still wait."""
        return self.watermark == FOREVER

    def head(self) -> Queued | None:
        """The oldest waiting packet."""
        return self._queue[0] if self._queue else None

    def take(self) -> Packet[Any]:
        """Remove and return the oldest waiting packet."""
        queued = self._queue.popleft()
        self.counts.taken += 1
        self._signal.condition.notify_all()
        return queued.packet

    def relax(self, relaxed: bool) -> None:
        """Let the producer exceed the bounds while the consumer cannot read for want of another stream's data.

        This is what keeps a diamond (two paths from one source into one join) from deadlock with bounded channels
        (T. Parks, "Bounded Scheduling of Process Networks", 1995). Call with the condition held.
        """
        if relaxed != self._relaxed:
            self._relaxed = relaxed
            self._signal.condition.notify_all()

    def unbound(self) -> None:
        """Never block the producer again; what waits stays."""
        with self._signal.condition:
            self._unbounded = True
            self._signal.condition.notify_all()

    def release(self) -> None:
        """Throw away what waits and never block the producer again: the run is being cut short."""
        self.unbound()
        with self._signal.condition:
            self.counts.discarded += len(self._queue)
            self._queue.clear()
            self._signal.condition.notify_all()

    def close(self) -> None:
        """The consumer is gone: throw away what waits and all that will be put."""
        self.release()
        with self._signal.condition:
            self._closed = True

    @property
    def depth(self) -> int:
        """Number of waiting packets."""
        return len(self._queue)

    @property
    def backlog(self) -> int:
        """Microseconds between the start of the oldest and the end of the newest waiting packet."""
        with self._signal.condition:
            return self._queue[-1].packet.end - self._queue[0].packet.timestamp if self._queue else 0
