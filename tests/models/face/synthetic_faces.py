"""Landmarks of made-up faces, where the right answer is known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from lipstream.models.face.backend import BLENDSHAPES, FaceBackend, FaceObservation
from lipstream.models.face.lips import INNER_LIP, OUTER_LIP
from lipstream.models.face.pose import CANONICAL_FACE, STABLE_LANDMARKS


def unit_face(gap: float = 0.1) -> np.ndarray:
    """(478, 3) landmarks of an upright, frontal face of unit size whose inner lips are `gap` apart."""
    around = np.linspace(np.pi, 3 * np.pi, 21)[:-1]  # from the left corner over the upper lip, as the contours go
    mouth = np.array([0.0, 0.36, -0.6])
    landmarks = np.tile(mouth, (478, 1))
    for contour, half_width, half_height in ((OUTER_LIP, 0.28, 0.09), (INNER_LIP, 0.23, 0.0)):
        # The three middle points of either inner lip are level, so that the gap is the same at all of them.
        opening = np.clip(1.6 * np.sin(around), -1, 1) * (half_height + gap / 2)
        depth = 0.1 * np.cos(around) ** 2
        landmarks[list(contour)] += np.column_stack([half_width * np.cos(around), opening, depth])
    landmarks[STABLE_LANDMARKS] = CANONICAL_FACE
    return landmarks


def rotation(roll: float = 0.0, yaw: float = 0.0, pitch: float = 0.0) -> np.ndarray:
    """(3, 3) rotation of the given degrees: pitch first, then yaw, then roll."""

    def about(axis: int, degrees: float) -> np.ndarray:
        turn = np.eye(3)
        first, second = [other for other in range(3) if other != axis]
        cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
        turn[[first, first, second, second], [first, second, first, second]] = cos, -sin, sin, cos
        return turn

    return about(2, roll) @ about(1, yaw) @ about(0, pitch)


def placed(
    face: np.ndarray, scale: float = 80.0, at: tuple[float, float] = (160.0, 120.0), **turn: float
) -> np.ndarray:
    """The face in a frame: `scale` pixels between the outer corners of the eyes, turned, its origin at `at`."""
    return (scale * face @ rotation(**turn).T + np.array([*at, 0.0])).astype(np.float32)


def observation(x: float, y: float, side: float = 80.0) -> FaceObservation:
    """A face whose landmarks fill a square of the given side around (x, y)."""
    landmarks = np.zeros((478, 3), dtype=np.float32)
    landmarks[:, 0] = np.linspace(x - side / 2, x + side / 2, 478)
    landmarks[:, 1] = np.linspace(y - side / 2, y + side / 2, 478)
    return FaceObservation(landmarks, np.zeros(len(BLENDSHAPES), dtype=np.float32), 1.0)


class ScriptedFaces(FaceBackend):
    """Sees what it is told to: for each picture, in order, its faces or the error that the network ends with."""

    def __init__(self, script: Iterable[Sequence[FaceObservation] | Exception]) -> None:
        super().__init__(4, 0.5)
        self._script = iter(script)

    def load(self) -> None: ...

    def close(self) -> None: ...

    def _detect(self, frame, timestamp_us):
        seen = next(self._script)
        if isinstance(seen, Exception):
            raise seen
        return list(seen)

    def _forget(self) -> None: ...


def talking_face(seconds: float, at: tuple[float, float] = (160.0, 120.0), scale: float = 80.0) -> FaceObservation:
    """A face whose mouth opens and closes four times a second."""
    gap = 0.08 + 0.07 * np.sin(2 * np.pi * 4 * seconds)
    return FaceObservation(placed(unit_face(gap), scale, at), np.zeros(len(BLENDSHAPES), dtype=np.float32), 1.0)


def silent_face(at: tuple[float, float] = (160.0, 120.0), scale: float = 80.0) -> FaceObservation:
    """A face whose mouth is shut."""
    return FaceObservation(placed(unit_face(0.0), scale, at), np.zeros(len(BLENDSHAPES), dtype=np.float32), 1.0)
