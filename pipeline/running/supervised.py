"""What the context of every component, stage or sink, takes from the run as it is."""

from __future__ import annotations

import threading
from typing import Generic, Protocol, TypeVar

from lipstream.pipeline.clock import Clock
from lipstream.pipeline.running.metrics import Counters
from lipstream.pipeline.running.overload import LoadWatch
from lipstream.pipeline.running.trace import Tracer
from lipstream.pipeline.switches import Switches


class Supervisor(Protocol):
    """What whoever runs a component needs of the runner."""

    clock: Clock
    stopping: threading.Event
    lossless: bool
    counters: Counters
    load: LoadWatch
    switches: Switches
    tracer: Tracer | None

    def failed(self, name: str, error: BaseException) -> None:
        """Note that a component or sink failed for good."""


S = TypeVar("S", bound=Supervisor)


class Supervised(Generic[S]):
    """The part of a `Context` that is the same for all."""

    def __init__(self, supervisor: S) -> None:
        self._supervisor = supervisor

    @property
    def clock(self) -> Clock:
        """The session clock."""
        return self._supervisor.clock

    @property
    def stopping(self) -> threading.Event:
        """Set when the run is asked to end."""
        return self._supervisor.stopping

    @property
    def lossless(self) -> bool:
        """True for file runs."""
        return self._supervisor.lossless

    def sheds(self, name: str) -> bool:
        """Whether one of the graph's `sheds` is left out just now; never in a file run."""
        return self._supervisor.load.sheds(name)

    def switched_off(self, name: str) -> bool:
        """Whether one of the graph's `switches` is off just now."""
        return not self._supervisor.switches.is_on(name)

    def count(self, name: str, amount: float) -> None:
        """Add to one of the run's named totals."""
        self._supervisor.counters.add(name, amount)
