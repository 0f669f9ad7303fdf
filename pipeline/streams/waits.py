"""Who waits for whom among the components of a graph, and the way out when they wait in a circle."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lipstream.pipeline.streams.channel import Channel


class Signal:
    """One component's side of all its channels: the lock, how it is woken, and what it waits for just now.

    The components of one graph share one lock, which makes their waits a consistent picture.

    Args:
        lock: the lock to share; None makes a new one.

    Attributes:
        condition: notified when something the component waits for has come.
        starved: the channels it waits to read from, each with the watermark that would do as well as a packet.
        blocked: the full channel it waits to put into.
    """

    def __init__(self, lock: threading.RLock | None = None) -> None:
        self.lock = lock or threading.RLock()
        self.condition = threading.Condition(self.lock)
        self.starved: dict[Channel, int] = {}
        self.blocked: Channel | None = None
        self._sequence = 0

    def next_sequence(self) -> int:
        """Number the next arrival; call with the lock held."""
        self._sequence += 1
        return self._sequence

    def waits(self) -> Iterator[tuple[Channel, Signal]]:
        """What it cannot go on without: each channel, and the component at the channel's other end."""
        if self.blocked is not None and self.blocked.stuck:
            yield self.blocked, self.blocked.consumer
        for channel, watermark in self.starved.items():
            if channel.producer is not None and channel.head() is None and channel.watermark < watermark:
                yield channel, channel.producer


def break_circle(start: Signal) -> None:
    """If `start` waits, by way of others, for itself: let one packet into a full channel beyond its bounds.

    Bounded channels can stop a graph that unbounded ones would not: of two paths into one join the first fills up
    while the second has nothing yet, and the producer of both waits at the first. Each such wait closes a circle, and
    whoever closes it finds it here, so that bounds are exceeded only where, and by no more than, the graph needs
    (T. Parks, "Bounded Scheduling of Process Networks", 1995; M. Geilen and T. Basten, "Requirements on the Execution
    of Kahn Process Networks", 2003). Call with the lock held.
    """
    full = _full_channels_on_circle(start)
    if full:
        min(full, key=lambda channel: channel.depth).let_one_pass()


def _full_channels_on_circle(start: Signal) -> tuple[Channel, ...]:
    seen: set[Signal] = set()
    paths: list[tuple[Signal, tuple[Channel, ...]]] = [(start, ())]
    while paths:
        signal, full = paths.pop()
        for channel, other in signal.waits():
            path = (*full, channel) if channel is signal.blocked else full
            if other is start:
                return path
            if other not in seen:
                seen.add(other)
                paths.append((other, path))
    return ()
