"""What the mouth in view does: shut, moving, or neither; for those who need no more of the lips than that."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar

from pipeline import Packet, Port, Stage, micros
from stages.payloads import LipFeatures, LipFrame, Mouth, MouthState
from stages.switches import LIPS

MOUTH_DELAY = 0.16
"""Seconds after which a lip frame counts as known. Camera, face networks and lip grid take about 0.1 s, so sound that
is joined with mouths by time does not wait for them, and yet depends on the timestamps alone."""
RECENT = 0.16
"""Seconds of lips that a state is told from."""
# Apertures in distances between the outer corners of the eyes; docs/off_camera.md says what follows from each.
SHUT_APERTURE = 0.03
STILL_RANGE = 0.012
OPEN_APERTURE = 0.05
MOVING_RANGE = 0.03


class MouthWatch(Stage):
    """Tells of every lip frame what the mouth has done up to it.

    Args:
        rate: frames a second of the lip stream.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"lips": Port(LipFrame)}
    outputs: ClassVar[Mapping[str, Port]] = {"mouths": Port(Mouth)}

    def __init__(self, rate: float) -> None:
        self._recent: deque[LipFeatures | None] = deque(maxlen=max(2, round(RECENT * rate)))

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Take one frame."""
        frame: LipFrame = packet.payload
        lips = None if self.context.switched_off(LIPS) else frame.lips
        self._recent.append(lips)
        mouth = (
            Mouth(packet.timestamp, None, 0.0, MouthState.UNSEEN)
            if lips is None
            else Mouth(packet.timestamp, lips.face, lips.aperture, self._state(lips.face), frame.talking)
        )
        self.emit("mouths", mouth, packet.timestamp + micros(MOUTH_DELAY))

    def watermark(self, frontier: int) -> int:
        """As much later as the mouths are."""
        return frontier + micros(MOUTH_DELAY)

    def _state(self, face: int) -> MouthState:
        apertures = [each.aperture for each in self._recent if each is not None and each.face == face]
        if len(apertures) < (self._recent.maxlen or 0):
            return MouthState.UNSEEN
        widest = max(apertures)
        span = widest - min(apertures)
        if widest < SHUT_APERTURE and span < STILL_RANGE:
            return MouthState.SHUT
        if widest > OPEN_APERTURE and span > MOVING_RANGE:
            return MouthState.MOVING
        return MouthState.OTHER
