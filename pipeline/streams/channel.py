"""Bounded, typed streams between components."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lipstream.pipeline.clock import Clock
from lipstream.pipeline.errors import StreamOrderError
from lipstream.pipeline.streams.packet import Packet
from lipstream.pipeline.streams.waits import Signal, break_circle

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
    """What has passed through a channel so far, in packets.

    Attributes:
        put: given by the producer.
        taken: handed to the consumer.
        dropped: gave way to newer ones, by the channel's policy.
        discarded: thrown away because the consumer had gone or the run was cut short.
        peak: most that ever waited.
    """

    put: int = 0
    taken: int = 0
    dropped: int = 0
    discarded: int = 0
    peak: int = 0


class Channel:
    """A bounded stream from one producer to one consumer.

    Timestamps never go back. The watermark says "nothing earlier will come"; it grows with every packet and with
    `advance`. The consumer side (`head`, `take`) is used with `consumer.lock` held, by an `Inbox`.

    Args:
        name: "producer.port -> consumer.port", for messages and metrics.
        bounds: capacity and policy.
        consumer: the consumer's signal.
        clock: session clock, for arrival times.
        producer: the producer's signal, of the same lock; None if nobody needs to know whom the producer waits for.

    Attributes:
        watermark: nothing earlier will come (microseconds); `FOREVER` once the stream has ended.
        horizon: the last watermark before the end.
    """

    def __init__(
        self, name: str, bounds: Bounds, consumer: Signal, clock: Clock, producer: Signal | None = None
    ) -> None:
        self.name = name
        self.bounds = bounds
        self.consumer = consumer
        self.producer = producer
        self.counts = ChannelCounts()
        self.watermark = -FOREVER
        self.horizon = -FOREVER
        self._clock = clock
        self._queue: deque[Queued] = deque()
        self._space = threading.Condition(consumer.lock)
        self._refused: Packet[Any] | None = None
        self._passes = 0
        self._unbounded = False
        self._closed = False

    # The producer's side.

    def put(self, packet: Packet[Any]) -> None:
        """Append a packet; a full channel acts by its policy.

        Raises:
            StreamOrderError: the packet is earlier than the stream's watermark.
        """
        with self.consumer.lock:
            if packet.timestamp < self.watermark:
                raise StreamOrderError(self._disorder(packet))
            if self.bounds.policy is Policy.BLOCK:
                self._wait_for_room(packet)
            else:
                self._drop_for(packet)
            self.counts.put += 1
            if self._closed:
                self.counts.discarded += 1
            else:
                self._append(packet)
            self.advance(packet.timestamp)

    def _disorder(self, packet: Packet[Any]) -> str:
        if self.ended:
            return f"{self.name}: packet at {packet.timestamp} us comes after the end of the stream"
        return (
            f"{self.name}: packet at {packet.timestamp} us comes after the stream promised nothing earlier than "
            f"{self.watermark} us"
        )

    def _append(self, packet: Packet[Any]) -> None:
        self._passes = max(0, self._passes - 1)
        self._queue.append(Queued(packet, self._clock.now(), self.consumer.next_sequence()))
        self.counts.peak = max(self.counts.peak, len(self._queue))
        if self in self.consumer.starved:
            self.consumer.condition.notify_all()

    def _wait_for_room(self, packet: Packet[Any]) -> None:
        if self._has_room(packet):
            return
        self._refused = packet
        if self.producer is not None:
            self.producer.blocked = self
            break_circle(self.producer)
        try:
            while not self._has_room(packet):
                self._space.wait()
        finally:
            self._refused = None
            if self.producer is not None:
                self.producer.blocked = None

    def _has_room(self, packet: Packet[Any]) -> bool:
        return self._unbounded or self._passes > 0 or self._fits(packet)

    def _fits(self, packet: Packet[Any]) -> bool:
        # A packet longer than the duration bound must still pass, so an empty channel always has room.
        if not self._queue:
            return True
        span = packet.end - self._queue[0].packet.timestamp
        return len(self._queue) < self.bounds.items and span <= self.bounds.duration

    def _drop_for(self, packet: Packet[Any]) -> None:
        keep_none = self.bounds.policy is Policy.LATEST
        while self._queue and (keep_none or not self._fits(packet)):
            self._queue.popleft()
            self.counts.dropped += 1

    def advance(self, watermark: int) -> None:
        """Promise that no packet earlier than `watermark` will be put. A smaller value changes nothing."""
        # The watermark never falls, so what is no news now will be none with the lock held.
        if watermark <= self.watermark:
            return
        with self.consumer.lock:
            if watermark <= self.watermark:
                return
            self.watermark = watermark
            if watermark < FOREVER:
                self.horizon = watermark
            wanted = self.consumer.starved.get(self)
            if wanted is not None and watermark >= wanted:
                self.consumer.condition.notify_all()

    def end(self) -> None:
        """Promise that no packet will be put any more. Idempotent."""
        self.advance(FOREVER)

    @property
    def ended(self) -> bool:
        """True once the producer has ended the stream; packets may still wait."""
        return self.watermark == FOREVER

    @property
    def stuck(self) -> bool:
        """Whether the producer waits for room and there is none. Call with the lock held."""
        return self._refused is not None and not self._has_room(self._refused)

    def let_one_pass(self) -> None:
        """Take one packet more than the bounds allow. Call with the lock held."""
        self._passes += 1
        self._space.notify_all()

    # The consumer's side.

    def head(self) -> Queued | None:
        """The oldest waiting packet."""
        return self._queue[0] if self._queue else None

    def take(self) -> Packet[Any]:
        """Remove and return the oldest waiting packet."""
        queued = self._queue.popleft()
        self.counts.taken += 1
        self._space.notify_all()
        return queued.packet

    def close(self) -> None:
        """The consumer is gone: throw away what waits and all that will be put."""
        with self.consumer.lock:
            self._closed = True
            self.release()

    # The runner's side.

    def unbound(self) -> None:
        """Never block the producer again; what waits stays."""
        with self.consumer.lock:
            self._unbounded = True
            self._space.notify_all()

    def release(self) -> None:
        """Throw away what waits and never block the producer again: the run is being cut short."""
        with self.consumer.lock:
            self.counts.discarded += len(self._queue)
            self._queue.clear()
            self.unbound()

    @property
    def depth(self) -> int:
        """Number of waiting packets."""
        return len(self._queue)

    @property
    def backlog(self) -> int:
        """Microseconds between the start of the oldest and the end of the newest waiting packet."""
        with self.consumer.lock:
            return self._queue[-1].packet.end - self._queue[0].packet.timestamp if self._queue else 0
