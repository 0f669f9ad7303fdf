"""What the context of every component, stage or sink, takes from the run as it is."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from lipstream.pipeline.clock import Clock
from lipstream.pipeline.running.metrics import Counters
from lipstream.pipeline.running.overload import LoadWatch
from lipstream.pipeline.running.trace import Tracer
from lipstream.pipeline.switches import Switches


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all who work in a run share. They may still ask when it is over, so nothing here leads back to the run.

    Attributes:
        clock: session clock.
        stopping: set when the run is asked to end.
        lossless: nothing may be skipped to save time; file runs.
        media_time: events are stamped and ordered by media time instead of by the clock.
        counters: the run's named totals.
        load: what is left out because the run is behind.
        switches: what is switched off and on.
        tracer: where spans are recorded, or None.
    """

    clock: Clock
    stopping: threading.Event
    lossless: bool
    media_time: bool
    counters: Counters
    load: LoadWatch
    switches: Switches
    tracer: Tracer | None


class Supervised:
    """The part of a `Context` that is the same for all."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings

    @property
    def clock(self) -> Clock:
        """The session clock."""
        return self._surroundings.clock

    @property
    def stopping(self) -> threading.Event:
        """Set when the run is asked to end."""
        return self._surroundings.stopping

    @property
    def lossless(self) -> bool:
        """True for file runs."""
        return self._surroundings.lossless

    def sheds(self, name: str) -> bool:
        """Whether one of the graph's `sheds` is left out just now; never in a file run."""
        return self._surroundings.load.sheds(name)

    def switched_off(self, name: str) -> bool:
        """Whether one of the graph's `switches` is off just now."""
        return not self._surroundings.switches.is_on(name)

    def count(self, name: str, amount: float) -> None:
        """Add to one of the run's named totals."""
        self._surroundings.counters.add(name, amount)
