"""Head pose: the rigid alignment of a canonical face with the landmarks that speech hardly moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lipstream.models.face.backend import Float32

Float64 = npt.NDArray[np.float64]

# Corners of the eyes, bridge and tip of the nose, temples, cheekbones, forehead, with their places on MediaPipe's
# canonical face model (Apache-2.0, mediapipe/modules/face_geometry/data/canonical_face_model.obj). Axes as in
# `FaceObservation.landmarks`; the unit is the distance between the outer corners of the eyes.
STABLE_LANDMARKS = np.array([33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 143, 372, 50, 280, 151])
CANONICAL_FACE: Float64 = np.array(
    [
        [-0.5000, -0.2996, -0.3569],
        [-0.2088, -0.2907, -0.4226],
        [0.2088, -0.2907, -0.4226],
        [0.5000, -0.2996, -0.3569],
        [0.0000, -0.3679, -0.5888],
        [0.0000, -0.2781, -0.6510],
        [0.0000, -0.1944, -0.7104],
        [0.0000, -0.1191, -0.7619],
        [0.0000, -0.0411, -0.8145],
        [0.0000, 0.0521, -0.8532],
        [-0.7206, -0.2515, -0.1755],
        [0.7206, -0.2515, -0.1755],
        [-0.5359, 0.0789, -0.3975],
        [0.5359, 0.0789, -0.3975],
        [0.0000, -0.7361, -0.5654],
    ]
)
_CENTRED_FACE = CANONICAL_FACE - CANONICAL_FACE.mean(axis=0)


@dataclass(frozen=True, slots=True, eq=False)
class HeadPose:
    """How the canonical face lies in the frame: a point p of it is at `scale * rotation @ p + translation`.

    Attributes:
        scale: pixels between the outer corners of the eyes, seen from the front.
        rotation: (3, 3) float64, a proper rotation.
        translation: (3,) float64, pixels.
    """

    scale: float
    rotation: Float64
    translation: Float64

    @property
    def roll(self) -> float:
        """Rotation in the image plane in radians, clockwise on screen: the plane rotation nearest to `rotation`."""
        turn = self.rotation
        return float(np.arctan2(turn[1, 0] - turn[0, 1], turn[0, 0] + turn[1, 1]))

    @property
    def angles(self) -> tuple[float, float, float]:
        """Pitch, yaw and roll in degrees, in [-180, 180], yaw in [-90, 90]: `rotation` is Rx(pitch) Ry(yaw) Rz(roll).

        Positive is down, to the left of the image and clockwise on screen: right-handed about axes to the right, down
        and away from the camera, the convention of OpenFace's pose_Rx, pose_Ry, pose_Rz.
        """
        turn = self.rotation
        pitch = np.arctan2(-turn[1, 2], turn[2, 2])
        yaw = np.arcsin(np.clip(turn[0, 2], -1.0, 1.0))
        roll = np.arctan2(-turn[0, 1], turn[0, 0])
        return float(np.degrees(pitch)), float(np.degrees(yaw)), float(np.degrees(roll))

    def to_face(self, points: npt.NDArray[np.floating]) -> Float64:
        """Undo the pose: (N, 3) points in the frame become (N, 3) points of the upright, frontal, unit-size face."""
        face: Float64 = (points - self.translation) @ self.rotation / self.scale
        return face


def head_pose(landmarks: Float32) -> HeadPose:
    """The similarity that takes the canonical face to (478, 3) landmarks with the least squared error.

    The closed form of Umeyama, "Least-squares estimation of transformation parameters between two point patterns",
    IEEE PAMI 13(4), 1991.
    """
    seen = landmarks[STABLE_LANDMARKS].astype(np.float64)
    centre = seen.mean(axis=0)
    left, singular_values, right = np.linalg.svd((seen - centre).T @ _CENTRED_FACE)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])  # a mirrored face is not a rotated one
    rotation = (left * signs) @ right
    scale = float(singular_values @ signs / np.square(_CENTRED_FACE).sum())
    return HeadPose(scale, rotation, centre - scale * rotation @ CANONICAL_FACE.mean(axis=0))
