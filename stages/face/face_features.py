"""Tells what each face does, for those who study faces."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from lipstream.events import FaceFeatures
from lipstream.models.face.backend import BLENDSHAPES, Float32
from lipstream.models.face.gaze import gaze, gaze_angles
from lipstream.models.face.lips import aperture
from lipstream.models.face.pose import head_pose
from lipstream.models.face.tracking import TrackedFace
from lipstream.pipeline import Packet, Port, Stage, micros, seconds
from lipstream.stages.face.face_report import box_of
from lipstream.stages.payloads import FaceView
from lipstream.stages.shedding import FrameShedder

MOTION = micros(0.4)
"""Microseconds of lips over which their motion is measured."""


class FeatureReport(Stage):
    """Publishes `FaceFeatures` for every tracked face. All but the gaze is known from tracking.

    Args:
        rate: most events a second for each face, > 0.
        landmarks: whether they have all landmarks.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"views": Port(FaceView)}

    def __init__(self, rate: float, landmarks: bool = False) -> None:
        self._shedder = FrameShedder(rate)
        self._landmarks = landmarks
        self._openings: dict[int, deque[tuple[int, float]]] = {}

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Tell of the faces of one picture."""
        if not self._shedder.keeps(packet.timestamp):
            return
        view: FaceView = packet.payload
        self._openings = {face.id: self._openings.get(face.id, deque()) for face in view.faces}
        for face in view.faces:
            if not face.observation.looked:
                continue
            self.publish(self._features(view, face, packet.timestamp))

    def _features(self, view: FaceView, face: TrackedFace, time: int) -> FaceFeatures:
        seen = face.observation
        height, width = view.image.shape[:2]
        pose = view.poses.get(face.id) or head_pose(seen.landmarks)
        opening = view.apertures[face.id] if face.id in view.apertures else aperture(seen.landmarks, pose)
        eyes = gaze(seen.landmarks, pose)
        horizontal, vertical = gaze_angles(eyes)
        pitch, yaw, roll = pose.angles
        left, right = ((float(x), float(y), float(z)) for x, y, z in eyes.round(4))
        return FaceFeatures(
            face=face.id,
            time=seconds(time),
            box=box_of(face, width, height),
            confidence=round(seen.confidence, 4),
            speaker=face.id == view.speaker,
            talking=face.id in view.talking,
            pose=(round(pitch, 2), round(yaw, 2), round(roll, 2)),
            gaze=(left, right),
            gaze_angle=(round(horizontal, 4), round(vertical, 4)),
            aperture=round(opening, 4),
            motion=round(self._motion(face.id, time, opening), 4),
            blendshapes=dict(zip(BLENDSHAPES, _rounded(seen.blendshapes, 4), strict=True)),
            landmarks=_in_parts(seen.landmarks, width, height) if self._landmarks else (),
        )

    def _motion(self, face: int, time: int, opening: float) -> float:
        """How far the aperture has gone, up and down, in a second."""
        recent = self._openings[face]
        recent.append((time, opening))
        while recent[0][0] < time - MOTION:
            recent.popleft()
        if len(recent) < 2:
            return 0.0
        openings = np.array([each for _, each in recent])
        return float(np.abs(np.diff(openings)).sum()) / seconds(time - recent[0][0])


def _rounded(values: Float32, decimals: int) -> list[float]:
    rounded: list[float] = values.astype(np.float64).round(decimals).tolist()
    return rounded


def _in_parts(landmarks: Float32, width: int, height: int) -> tuple[tuple[float, float, float], ...]:
    parts = (landmarks / (width, height, width)).round(5)
    return tuple((x, y, z) for x, y, z in parts.tolist())
