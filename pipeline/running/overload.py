"""Overload of a live run: how far it is behind, and which work it leaves out until it has caught up."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from lipstream.pipeline.clock import Clock
from lipstream.pipeline.events import Degraded, Event, Recovered

PERIOD_US = 100_000
"""How often a run looks at how far it is behind, microseconds."""
WINDOW_US = 2_000_000
"""Over how long the delay is averaged: one long call is no overload, updates that always come late are."""
BEHIND_US = 400_000
"""Mean delay at which the next kind of work is left out."""
CAUGHT_UP_US = 250_000
"""Mean delay under which, for as long as the hold, the last kind of work is taken up again."""
HOLD_US = 5_000_000
"""How long the run must have caught up before work is taken up again."""
LONGEST_HOLD_US = 40_000_000
"""The same where it was behind again each time: the hold doubles with every relapse, up to this."""
_RELAPSE_US = 10_000_000


@dataclass(frozen=True, slots=True)
class Shed:
    """A kind of work that a live run can leave out, or do less often.

    Attributes:
        name: what it is, for `Context.sheds`; the events' `stage` is "load: " and this.
        modality: what suffers, as in `Degraded`.
        reason: one plain-language line for `Degraded`.
        restored: one plain-language line for `Recovered`.
    """

    name: str
    modality: str
    reason: str
    restored: str


class Paced(Protocol):
    """A component that has to keep pace with the session clock."""

    def delay(self, now: int) -> int:
        """How long the oldest packet it has not dealt with has been there, microseconds; 0 if there is none."""


class LoadGovernor:
    """Decides, from the delay of the work, how many kinds of it are left out.

    One step at a time, with hysteresis: up when the mean delay over `WINDOW_US` reaches `BEHIND_US`; down when it has
    stayed under `CAUGHT_UP_US` for the hold. Whoever is behind again soon after a step down waits longer next time, so
    that a load which stays does not make the work come and go.

    Args:
        highest: the highest level, >= 0.

    Attributes:
        level: how many kinds of work are left out, from 0.
    """

    def __init__(self, highest: int) -> None:
        self.level = 0
        self._highest = highest
        self._delays: deque[tuple[int, int]] = deque()
        self._since: int | None = None
        self._calm_since: int | None = None
        self._hold = HOLD_US
        self._stepped_down: int | None = None

    def update(self, delay: int, now: int) -> int:
        """Take the present delay of the work (us) at a session time (us); returns the level from now on."""
        self._since = now if self._since is None else self._since
        self._delays.append((now, delay))
        while self._delays[0][0] < now - WINDOW_US:
            self._delays.popleft()
        mean = sum(each for _, each in self._delays) / len(self._delays)
        if self._stepped_down is not None and now - self._stepped_down > _RELAPSE_US:
            self._stepped_down, self._hold = None, HOLD_US
        if mean >= CAUGHT_UP_US:
            self._calm_since = None
        elif self._calm_since is None:
            self._calm_since = now
        if mean >= BEHIND_US and self.level < self._highest and now - self._since >= WINDOW_US:
            self._step_up(now)
        elif self.level and self._calm_since is not None and now - self._calm_since >= self._hold:
            self._step_down(now)
        return self.level

    def _step_up(self, now: int) -> None:
        if self._stepped_down is not None:
            self._hold = min(2 * self._hold, LONGEST_HOLD_US)
            self._stepped_down = None
        self.level += 1
        self._begin(now)

    def _step_down(self, now: int) -> None:
        self.level -= 1
        self._stepped_down = now
        self._begin(now)

    def _begin(self, now: int) -> None:
        """Judge the new level by what comes from now on."""
        self._since = now
        self._calm_since = None
        self._delays.clear()


class LoadWatch:
    """Watches the components that have to keep pace, and reports what is left out and what is taken up again.

    Args:
        paced: the components; none if the run sheds nothing.
        sheds: the kinds of work, in the order in which they are left out.
        clock: session clock.
        publish: takes the events.
    """

    def __init__(
        self, paced: Sequence[Paced], sheds: Sequence[Shed], clock: Clock, publish: Callable[[Event], None]
    ) -> None:
        self._paced: Sequence[Paced] = paced
        self._sheds = sheds
        self._clock = clock
        self._publish = publish
        self._governor = LoadGovernor(len(sheds))
        self._was_active = False

    @property
    def active(self) -> bool:
        """Whether there is anything to watch, and anything to leave out."""
        return self._was_active or bool(self._paced and self._sheds)

    @property
    def level(self) -> int:
        """How many kinds of work are left out, in their order; 0 is none."""
        return self._governor.level

    def delay(self, now: int) -> int:
        """How long the oldest work has been waiting at `now`, microseconds."""
        return max((each.delay(now) for each in self._paced), default=0)

    def sheds(self, name: str) -> bool:
        """Whether this kind of work is left out just now."""
        return any(shed.name == name for shed in self._sheds[: self.level])

    def let_go(self) -> None:
        """Hold nothing of a run that is over; what was left out last can still be asked."""
        self._was_active = self.active
        self._paced = ()

    def figures(self) -> dict[str, float]:
        """The level, for the run's named totals; empty if the run sheds nothing."""
        return {"load.level": float(self.level)} if self.active else {}

    def run(self, stopping: threading.Event) -> None:
        """Watch until the run stops."""
        while not stopping.is_set():
            self._clock.sleep(PERIOD_US, stopping)
            if not stopping.is_set():
                self.look()

    def look(self) -> None:
        """See how far the components are behind now, and act on it."""
        now, before = self._clock.now(), self.level
        level = self._governor.update(self.delay(now), now)
        if level > before:
            shed = self._sheds[before]
            self._publish(Degraded(modality=shed.modality, stage=f"load: {shed.name}", reason=shed.reason))
        elif level < before:
            shed = self._sheds[level]
            self._publish(Recovered(modality=shed.modality, stage=f"load: {shed.name}", reason=shed.restored))
