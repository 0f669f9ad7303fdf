"""Reports where the faces are, for those who draw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from lipstream.events import FaceSeen
from lipstream.models.face.lips import OUTER_LIP
from lipstream.models.face.tracking import TrackedFace
from lipstream.pipeline import Packet, Port, Stage, seconds
from lipstream.stages.payloads import FaceView
from lipstream.stages.shedding import FrameShedder

_OUTLINE = list(OUTER_LIP)


class FaceReport(Stage):
    """Publishes `FaceSeen` for every tracked face.

    Args:
        report_rate: most events a second for each face, > 0.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"views": Port(FaceView)}

    def __init__(self, report_rate: float) -> None:
        self._shedder = FrameShedder(report_rate)

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Report the faces of one picture."""
        if not self._shedder.keeps(packet.timestamp):
            return
        view: FaceView = packet.payload
        height, width = view.image.shape[:2]
        for face in view.faces:
            self.publish(
                FaceSeen(
                    face=face.id,
                    time=seconds(packet.timestamp),
                    box=box_of(face, width, height),
                    lips=_outline(face, width, height),
                    speaker=face.id == view.speaker,
                    talking=face.id in view.talking,
                )
            )


def box_of(face: TrackedFace, width: int, height: int) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a face in parts of the picture, as events have them."""
    left, top, right, bottom = face.box
    return round(left / width, 4), round(top / height, 4), round(right / width, 4), round(bottom / height, 4)


def _outline(face: TrackedFace, width: int, height: int) -> tuple[tuple[float, float], ...]:
    points = face.observation.landmarks[_OUTLINE, :2] / (width, height)
    return tuple((round(float(x), 4), round(float(y), 4)) for x, y in points)
