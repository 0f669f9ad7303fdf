"""Rotated square-ish regions of a frame: where the landmark network looks, and the way back from its output.

The rules are those of MediaPipe's face landmarker graph: a detection's box, or the box around the landmarks of the
frame before, enlarged by half and turned so that the eyes are level.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lipstream.models.face.blazeface import Detection

Float32 = npt.NDArray[np.float32]

ENLARGEMENT = 1.5
RIGHT_EYE_OUTER, LEFT_EYE_OUTER = 33, 263


@dataclass(frozen=True, slots=True)
class Roi:
    """A rotated rectangle in pixels of the frame.

    Attributes:
        x: centre.
        y: centre.
        width: along the line of the eyes.
        height: across it.
        angle: rotation in radians, clockwise as seen on screen.
    """

    x: float
    y: float
    width: float
    height: float
    angle: float

    def to_frame(self, size: int) -> Float32:
        """(2, 3) float32 affine map from pixels of a `size` x `size` crop of this region to pixels of the frame."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        linear = np.array([[cos * self.width, -sin * self.height], [sin * self.width, cos * self.height]]) / size
        offset = np.array([self.x, self.y]) - linear @ np.array([size / 2, size / 2])
        return np.column_stack([linear, offset]).astype(np.float32)

    def upright_box(self) -> Float32:
        """(4,) float32 x0, y0, x1, y1 of the rectangle as if it were not rotated."""
        half_width, half_height = self.width / 2, self.height / 2
        corners = [self.x - half_width, self.y - half_height, self.x + half_width, self.y + half_height]
        return np.array(corners, dtype=np.float32)


def from_detection(detection: Detection, frame_width: int, frame_height: int) -> Roi:
    """The region to search for landmarks after a detection on the frame letterboxed to a square."""
    side = max(frame_width, frame_height)
    margin = np.array([side - frame_width, side - frame_height]) / 2
    box = detection.box.reshape(2, 2) * side - margin
    eyes = detection.keypoints[:2] * side
    width, height = (box[1] - box[0]) * ENLARGEMENT
    x, y = box.mean(axis=0)
    return Roi(float(x), float(y), float(width), float(height), _tilt(eyes[0], eyes[1]))


def from_landmarks(landmarks: Float32) -> Roi:
    """The region to search in the next frame, given (478, 3) landmarks in this one."""
    low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
    side = float((high - low).max()) * ENLARGEMENT
    x, y = (low + high) / 2
    tilt = _tilt(landmarks[RIGHT_EYE_OUTER], landmarks[LEFT_EYE_OUTER])
    return Roi(float(x), float(y), side, side, tilt)


def _tilt(right_eye: npt.NDArray[np.floating], left_eye: npt.NDArray[np.floating]) -> float:
    return math.atan2(float(left_eye[1] - right_eye[1]), float(left_eye[0] - right_eye[0]))
