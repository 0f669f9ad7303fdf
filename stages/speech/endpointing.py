"""How long a pause must be to end a segment of speech."""

from __future__ import annotations

from lipstream.config import VadConfig
from lipstream.pipeline import micros
from lipstream.stages.payloads import Mouth, MouthState

SHORTEST_PAUSE = 0.1
"""The pause, in seconds, that ends a segment which has reached its maximum length."""
MOUTH_HOLDS = 0.4
"""Seconds between a mouth and the sound, live, from which on it counts as unseen."""


class Endpointing:
    """The pause that ends a segment: `hang_over`, from `soft_segment` on ever less.

    While the mouth that moved in the segment is shut and still it is shorter by `lip_shut_factor`, and longer by
    `lip_moving_factor` while it is open and moving. Where no mouth is seen, nothing changes.

    Args:
        config: times and factors.
    """

    def __init__(self, config: VadConfig) -> None:
        self._config = config
        self._mouth = MouthState.UNSEEN
        self._mouth_time = 0
        self._moved = False

    def see(self, mouth: Mouth, timestamp: int) -> None:
        """Take note of what the mouth in view does, known at `timestamp` (us)."""
        self._mouth, self._mouth_time = mouth.state, timestamp
        self._moved |= self._mouth is MouthState.MOVING

    def reach(self, timestamp: int) -> None:
        """Go on to sound at `timestamp` (us): a mouth from long before it, or after it, is not seen any more."""
        if abs(timestamp - self._mouth_time) > micros(MOUTH_HOLDS):
            self._mouth = MouthState.UNSEEN

    def begin(self) -> None:
        """A segment begins."""
        self._moved = self._mouth is MouthState.MOVING

    def pause(self, elapsed: float) -> float:
        """Seconds of silence that end a segment which is `elapsed` seconds long."""
        config = self._config
        shortest = min(SHORTEST_PAUSE, config.hang_over)
        span = config.max_segment - config.cut_lookback - config.soft_segment
        over = elapsed - config.soft_segment
        ratio = 0.0 if over <= 0 else 1.0 if over >= span else over / span
        pause = config.hang_over + (shortest - config.hang_over) * ratio
        if self._mouth is MouthState.MOVING and ratio < 1:
            return max(pause, config.hang_over * config.lip_moving_factor)
        # A mouth that did not move with this voice does not know when it ends.
        if self._mouth is MouthState.SHUT and self._moved:
            return min(pause, config.hang_over * config.lip_shut_factor)
        return pause
