"""Gaze: where the eyes look, from the irises among the landmarks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lipstream.models.face.backend import Float32
from lipstream.models.face.pose import Float64, HeadPose

# The eye on the left of an image that is not mirrored first, as OpenFace numbers them: the subject's right one.
_IRIS = np.array([468, 473])
_OUTER = np.array([33, 263])
_INNER = np.array([133, 362])

IRIS_RADIUS = 10 / 90
"""From the point an eye turns about to its iris, in distances between the outer corners of the eyes. Anatomy: about 10
of the eyeball's 12 mm, and about 90 mm between the corners."""
_STRAIGHT = np.array([[-0.012, -0.017], [0.012, -0.017]])
"""Where the iris of an eye that looks straight ahead lies, seen from the middle between its corners: means of 909
pictures of 30 people who speak to their cameras."""
_LARGEST = np.sin(np.radians(60))
"""No eye turns further."""


def gaze(landmarks: Float32, pose: HeadPose) -> Float64:
    """(2, 3) unit vectors along which the two eyes look, that on the left of the image first.

    Axes as in `FaceObservation.landmarks`: x to the right of the image, y down, z away from the camera, so (0, 0, -1)
    looks into it. An eye turns about a point `IRIS_RADIUS` behind the iris; how far the iris lies beside its place
    straight ahead is the sine of the angle. The head's rotation comes on top.

    Args:
        landmarks: (478, 3) in pixels of the frame.
        pose: of the same landmarks.
    """
    middle = (landmarks[_OUTER] + landmarks[_INNER]) / 2
    # Differences, so that only scale and rotation of the pose count.
    beside = ((landmarks[_IRIS] - middle).astype(np.float64) @ pose.rotation / max(pose.scale, 1e-6))[:, :2]
    turned = np.clip((beside - _STRAIGHT) / IRIS_RADIUS, -_LARGEST, _LARGEST)
    forward = -np.sqrt(np.maximum(1e-6, 1 - np.square(turned).sum(axis=1, keepdims=True)))
    in_head = np.concatenate([turned, forward], axis=1)
    eyes: Float64 = in_head @ pose.rotation.T
    eyes /= np.linalg.norm(eyes, axis=1, keepdims=True)
    return eyes


def gaze_angles(eyes: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Horizontal and vertical angle of the mean of (2, 3) gazes, in radians, as OpenFace has them.

    0 looks along the camera's axis, positive to the right of the image and down.
    """
    x, y, z = eyes.mean(axis=0)
    return float(np.arctan2(x, -z)), float(np.arctan2(y, -z))
