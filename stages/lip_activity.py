"""Reports what the speaker's lips do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from pipeline import LipActivity, Packet, Port, Stage, seconds
from stages.payloads import LipWindow


class LipReport(Stage):
    """Publishes a `LipActivity` for each window of lips whose newest frame shows a mouth."""

    inputs: ClassVar[Mapping[str, Port]] = {"windows": Port(LipWindow)}

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Publish the newest aperture of the window and how much it moved."""
        window: LipWindow = packet.payload
        newest = window.frames[-1].lips
        if newest is None:
            return
        apertures = [frame.lips.aperture for frame in window.frames if frame.lips and frame.lips.face == newest.face]
        motion = float(np.mean(np.abs(np.diff(apertures)))) if len(apertures) > 1 else 0.0
        frame = packet.duration // len(window.frames)
        self.publish(
            LipActivity(
                face=newest.face,
                time=seconds(packet.end - frame),
                aperture=round(newest.aperture, 4),
                motion=round(motion, 4),
            )
        )
