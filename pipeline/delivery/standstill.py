"""Readers that take nothing while the run waits for them: said aloud, for a run that stands still says nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from lipstream.pipeline.clock import Clock
from lipstream.pipeline.events import Error
from lipstream.pipeline.streams.packet import seconds

log = logging.getLogger(__name__)

STANDSTILL_US = 10_000_000
"""Microseconds of session time without taking an event after which a reader for whom the run waits is reported."""

OF_A_LOOP = "read on, or close it: `with pipeline.events() as events` does so by itself"
"""What is to be done about an iterator."""
OF_A_SINK = "an event sink has to return from `handle` soon"
"""What is to be done about an event sink."""


def reported(name: str, advice: str) -> Error:
    """Log that the run stands still for a reader; returns the event that says so to the others."""
    log.warning("the run waits for %s, which has taken no event for %.0f s: %s", name, seconds(STANDSTILL_US), advice)
    message = f"the run waits for it, and it has taken no event for {seconds(STANDSTILL_US):.0f} s: {advice}"
    return Error(stage=name, message=message, recoverable=True)


class Stragglers:
    """Sinks and hooks that keep a run from ending. Everybody has had `End`, so that it is only logged.

    Args:
        clock: session clock.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: dict[tuple[str, int], int] = {}
        self._reported: set[tuple[str, int]] = set()

    def look(self, busy: Iterable[tuple[str, int]]) -> None:
        """See who is still busy, and with the same event as long ago.

        Args:
            busy: names, each with the number of events dealt with.
        """
        now = self._clock.now()
        for one in busy:
            if now - self._since.setdefault(one, now) >= STANDSTILL_US and one not in self._reported:
                self._reported.add(one)
                log.warning(
                    "the run waits for %s, which has not come back from an event for %.0f s: return from it, or stop "
                    "the pipeline",
                    one[0],
                    seconds(STANDSTILL_US),
                )
