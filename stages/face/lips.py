"""The lip stream: what the speaker's mouth did, on a regular grid of time with a mask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from lipstream.models.face.lip_features import LipFeatures
from lipstream.pipeline import Packet, Port, Stage, micros
from lipstream.stages.payloads import FaceFrame, LipFrame
from lipstream.stages.switches import LIPS, PICTURE

AHEAD = micros(0.3)
"""Microseconds of masked points emitted ahead: more than a picture takes from the camera through the face networks."""


class LipStream(Stage):
    """Resamples the speaker's lips from the camera's irregular frame times to a fixed rate.

    A grid point is told from the frames before and after it, see `LipFeatures.towards`. Where frames are further apart
    than `max_gap`, where there is no face, or where the speaker changes, the mask is off. A grid point is emitted as
    soon as the frame after it is known, or once no such frame can come within `max_gap`.

    While picture or lips are switched off nobody looks at lips. Live, masked points are then emitted ahead of time, so
    that the sound does not wait for them; switched on again, lips come that much later.

    Args:
        rate: lip frames a second.
        max_gap: longest gap between camera frames that is bridged, in seconds.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"faces": Port(FaceFrame)}
    outputs: ClassVar[Mapping[str, Port]] = {"lips": Port(LipFrame)}

    def __init__(self, rate: float, max_gap: float) -> None:
        self._period = 1_000_000 / rate
        self._max_gap = micros(max_gap)
        self._last: Packet[FaceFrame] | None = None
        self._next: int | None = None

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Emit the grid points up to this frame."""
        if self._next is None:
            self._next = -int(-packet.timestamp // self._period)
        while self._time() <= packet.timestamp:
            lips, others = self._between(self._last, packet, self._time())
            self._put(lips, packet.payload.talking, others)
        self._last = packet

    def advance(self, frontier: int) -> None:
        """Emit masked grid points for time in which no frame came, or none will be looked at."""
        if self._next is None:
            return
        off = self.context.switched_off(PICTURE) or self.context.switched_off(LIPS)
        unseen = frontier + AHEAD if off and not self.context.lossless else frontier - self._max_gap
        while self._time() < unseen:
            self._put(None)

    def watermark(self, frontier: int) -> int:
        """The next grid point."""
        return frontier - micros(self._period / 1e6) - self._max_gap if self._next is None else self._time()

    def _time(self) -> int:
        assert self._next is not None
        return round(self._next * self._period)

    def _put(
        self,
        lips: LipFeatures | None,
        talking: frozenset[int] = frozenset(),
        others: tuple[LipFeatures, ...] = (),
    ) -> None:
        self.emit("lips", LipFrame(lips, talking, others), self._time(), round(self._period))
        assert self._next is not None
        self._next += 1

    def _between(
        self, before: Packet[FaceFrame] | None, after: Packet[FaceFrame], time: int
    ) -> tuple[LipFeatures | None, tuple[LipFeatures, ...]]:
        """The lips of the speaker, and of the others who move theirs, at a moment."""
        if before is None or after.timestamp == time:
            return after.payload.lips, after.payload.other_lips
        if after.timestamp - before.timestamp > self._max_gap:
            return None, ()
        weight = (time - before.timestamp) / (after.timestamp - before.timestamp)
        first, second = before.payload.lips, after.payload.lips
        same = first is not None and second is not None and first.face == second.face
        lips = first.towards(second, weight) if first is not None and second is not None and same else None
        others = _others(before.payload, after.payload, weight, None if lips is None else lips.face)
        return lips, others


def _others(before: FaceFrame, after: FaceFrame, weight: float, besides: int | None) -> tuple[LipFeatures, ...]:
    """The lips between two frames of all faces whose lips are in both, but for one of them."""
    if not before.other_lips and not after.other_lips:
        return ()
    earlier = {lips.face: lips for lips in (before.lips, *before.other_lips) if lips is not None}
    later = (lips for lips in (after.lips, *after.other_lips) if lips is not None and lips.face != besides)
    return tuple(earlier[lips.face].towards(lips, weight) for lips in later if lips.face in earlier)
