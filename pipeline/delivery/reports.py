"""Events that are no component's: what the run itself, its hooks and its sinks have to tell."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable

from lipstream.pipeline.clock import Clock
from lipstream.pipeline.events import Event
from lipstream.pipeline.streams.packet import seconds


class Reports:
    """Takes events from any thread and keeps them until the bus comes by; whoever tells one never waits.

    Args:
        clock: session clock, for the time of the events.
        ordered: the run is ordered by media time: the events go wherever the others have come to.
    """

    def __init__(self, clock: Clock, ordered: bool) -> None:
        self._clock = clock
        self._ordered = ordered
        self._events: deque[Event] = deque()
        self._wake: Callable[[], object] = lambda: None

    def call(self, wake: Callable[[], object]) -> None:
        """Say what is called when there is something to come by for."""
        self._wake = wake
        wake()

    def tell(self, event: Event) -> None:
        """Have an event delivered, between the components' events."""
        emitted = 0.0 if self._ordered else seconds(self._clock.now())
        self._events.append(dataclasses.replace(event, emitted=emitted))
        self._wake()

    def take(self) -> Event | None:
        """The oldest that has not been taken."""
        return self._events.popleft() if self._events else None
