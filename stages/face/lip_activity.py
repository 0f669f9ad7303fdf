"""Reports what the speaker's lips do."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from lipstream.events import LipActivity
from lipstream.models.face.lip_features import LipFeatures
from lipstream.pipeline import Packet, Port, Stage, seconds
from lipstream.stages.payloads import LipFrame

MOTION_SECONDS = 0.4
"""Seconds of lips over which motion is measured."""


class LipReport(Stage):
    """Publishes `LipActivity` while the speaker's mouth is seen.

    Args:
        rate: frames a second of the lip stream.
        report_rate: events a second, at most `rate`.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"lips": Port(LipFrame)}

    def __init__(self, rate: float, report_rate: float) -> None:
        self._recent: deque[LipFeatures | None] = deque(maxlen=max(2, round(MOTION_SECONDS * rate)))
        self._every = max(1, round(rate / report_rate))
        self._count = 0

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Take one frame; report every so many."""
        lips: LipFeatures | None = packet.payload.lips
        self._recent.append(lips)
        due = self._count % self._every == 0
        self._count += 1
        if lips is None or not due:
            return
        apertures = [each.aperture for each in self._recent if each is not None and each.face == lips.face]
        motion = float(np.mean(np.abs(np.diff(apertures)))) if len(apertures) > 1 else 0.0
        self.publish(
            LipActivity(
                face=lips.face,
                time=seconds(packet.timestamp),
                aperture=round(lips.aperture, 4),
                motion=round(motion, 4),
            )
        )
