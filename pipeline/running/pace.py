"""A recording read at its own speed that is not kept up with: nothing is left out of it, so all that comes is late."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from lipstream.pipeline.clock import Clock
from lipstream.pipeline.events import Degraded, Event, Recovered
from lipstream.pipeline.running.overload import Paced

LATE_US: Final = 3_000_000
"""How far behind a run is when it says so for the first time, microseconds; it says so again at twice as far."""
CAUGHT_UP_US: Final = 1_000_000
"""How far behind it may be when it has caught up again."""
STAGE: Final = "pace"


class PaceWatch:
    """Tells how far a run is behind the clock that it is to keep pace with.

    Args:
        paced: the components that have to keep pace; none where nobody waits.
        clock: session clock.
        publish: takes the events.
    """

    def __init__(self, paced: Sequence[Paced], clock: Clock, publish: Callable[[Event], None]) -> None:
        self._paced = paced
        self._clock = clock
        self._publish = publish
        self._told: int | None = None

    def look(self) -> None:
        """See how far behind the components are, and say so if it has become worse or is over."""
        now = self._clock.now()
        late = max((each.delay(now) for each in self._paced), default=0)
        if late >= (LATE_US if self._told is None else 2 * self._told):
            self._told = late
            reason = f"the processor cannot keep up with the recording: what comes is {late // 1_000_000} s late"
            self._publish(Degraded(modality="audio", stage=STAGE, reason=f"{reason}; nothing is lost"))
        elif self._told is not None and late < CAUGHT_UP_US:
            self._told = None
            self._publish(Recovered(modality="audio", stage=STAGE, reason="the recording is kept up with again"))
