"""What the mouth in view does: shut, moving, or neither; for those who need no more of the lips than that."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar

from lipstream.models.face.lip_features import LipFeatures
from lipstream.models.face.stillness import STANDS_STILL
from lipstream.pipeline import Packet, Port, Stage, micros
from lipstream.stages.payloads import LipFrame, Mouth, MouthState
from lipstream.stages.switches import LIPS

MOUTH_DELAY = 0.16
"""Seconds after which a lip frame counts as known. Camera, face networks and lip grid take about 0.1 s, so sound that
is joined with mouths by time does not wait for them, and yet depends on the timestamps alone."""
RECENT = 0.16
"""Seconds of lips that a state is told from."""
STILL_FOR = 0.4
"""Seconds after which a picture that stands still shows nobody. Repeated frames of a slow camera are fewer."""
# Apertures in distances between the outer corners of the eyes; docs/off_camera.md says what follows from each.
SHUT_APERTURE = 0.03
STILL_RANGE = 0.012
OPEN_APERTURE = 0.05
MOVING_RANGE = 0.03


class MouthWatch(Stage):
    """Tells of every lip frame what the mouth has done up to it.

    A picture that stands still, of a frozen camera or of a photo, says nothing of who speaks: its mouth is not seen.

    Args:
        rate: frames a second of the lip stream.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"lips": Port(LipFrame)}
    outputs: ClassVar[Mapping[str, Port]] = {"mouths": Port(Mouth)}

    def __init__(self, rate: float) -> None:
        self._recent: deque[LipFeatures | None] = deque(maxlen=max(2, round(RECENT * rate)))
        self._stood: deque[bool] = deque(maxlen=max(3, round(STILL_FOR * rate)))

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Take one frame."""
        frame: LipFrame = packet.payload
        lips = None if self.context.switched_off(LIPS) else frame.lips
        self._stood.append(lips is not None and lips.change < STANDS_STILL)
        if self._stands_still():
            lips = None
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

    def _stands_still(self) -> bool:
        # One frame may differ: an encoder draws a still picture anew from time to time.
        return len(self._stood) == self._stood.maxlen and sum(self._stood) >= len(self._stood) - 1

    def _state(self, face: int) -> MouthState:
        seen = [each for each in self._recent if each is not None and each.face == face]
        apertures = [each.aperture for each in seen]
        if len(apertures) < (self._recent.maxlen or 0):
            return MouthState.UNSEEN
        widest = max(apertures)
        span = widest - min(apertures)
        if widest < SHUT_APERTURE and span < STILL_RANGE and any(each.change >= STANDS_STILL for each in seen):
            return MouthState.SHUT
        if widest > OPEN_APERTURE and span > MOVING_RANGE:
            return MouthState.MOVING
        return MouthState.OTHER
