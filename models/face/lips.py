"""What the mouth looks like and does: an upright crop, pose-free lip points, its opening, its blendshapes.

Every function takes the head's pose, so that a caller who needs several of them computes it once.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from lipstream.models.face.backend import BLENDSHAPES, Float32, UInt8
from lipstream.models.face.pose import HeadPose

# fmt: off
# MediaPipe's lip contours (FACE_LANDMARKS_LIPS in mediapipe/tasks/python/vision/face_landmarker.py), each walked
# from the corner on the left of the image over the upper lip to the other corner and back over the lower lip.
OUTER_LIP = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
INNER_LIP = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)
# fmt: on
LIPS = np.array(OUTER_LIP + INNER_LIP)

_CORNERS = np.array([61, 291])
_UPPER_INNER = np.array([81, 13, 311])
_LOWER_INNER = np.array([178, 14, 402])

CROP_SIZE = 96
CROP_SPAN = 1.0
"""Side of the lip crop in distances between the outer corners of the eyes. The mouth at rest takes 0.55 of it."""

MOUTH_BLENDSHAPES = tuple(i for i, name in enumerate(BLENDSHAPES) if name.startswith(("jaw", "mouth")))
"""Indices into `BLENDSHAPES` of the 27 that describe jaw and mouth."""


def similarity_transform(landmarks: Float32, pose: HeadPose, size: int = CROP_SIZE) -> Float32:
    """(2, 3) float32 map from pixels of the frame to pixels of the lip crop.

    It moves the middle of the mouth's corners to the middle of the crop and turns the face upright. The scale is
    that of the whole head, so neither an open mouth nor a turned head zooms the crop.
    """
    scale = size / (CROP_SPAN * pose.scale)
    cos, sin = scale * math.cos(pose.roll), scale * math.sin(pose.roll)
    linear = np.array([[cos, sin], [-sin, cos]])
    middle = (size - 1) / 2
    offset = middle - linear @ landmarks[_CORNERS, :2].mean(axis=0)
    return np.column_stack([linear, offset]).astype(np.float32)


def lip_crop(frame: UInt8, landmarks: Float32, pose: HeadPose, size: int = CROP_SIZE) -> UInt8:
    """The mouth, upright and of constant scale, in gray.

    Args:
        frame: (H, W, 3) RGB or (H, W) gray, uint8.
        landmarks: (478, 3) in pixels of the frame.
        pose: of the same landmarks.
        size: side of the crop in pixels.

    Returns:
        (size, size) uint8. What lies outside the frame repeats its nearest edge.
    """
    transform = similarity_transform(landmarks, pose, size)
    # A warp reads four neighbours for a pixel, so shrinking aliases: warp to a few times the size, then average.
    shrink = CROP_SPAN * pose.scale / size
    oversampling = max(1, math.ceil(shrink))
    # Pixel centres: the middle of a block of k pixels is k * x + (k - 1) / 2.
    enlarged = transform * oversampling
    enlarged[:, 2] += (oversampling - 1) / 2
    wide = (size * oversampling, size * oversampling)
    crop: UInt8 = cv2.warpAffine(frame, enlarged, wide, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if oversampling > 1:
        crop = cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA)
    return crop if crop.ndim == 2 else cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)


def normalised_lips(landmarks: Float32, pose: HeadPose) -> Float32:
    """(40, 2) float32 lip points of the frontal, upright face, `OUTER_LIP` then `INNER_LIP`.

    Roll, yaw, pitch, place and size of the head are taken out. The origin is the middle between the corners of the
    mouth, x to the right and y down; the unit is the distance between the outer corners of the eyes.
    """
    points = pose.to_face(landmarks[LIPS])[:, :2]
    corners = points[[0, len(OUTER_LIP) // 2]]
    lips: Float32 = (points - corners.mean(axis=0)).astype(np.float32)
    return lips


def aperture(landmarks: Float32, pose: HeadPose) -> float:
    """The gap between the inner lips, in distances between the outer corners of the eyes, whatever the pose.

    The mean of three places around the middle of the mouth. 0 when shut, about 0.05 to 0.2 in speech.
    """
    upper = pose.to_face(landmarks[_UPPER_INNER])[:, 1]
    lower = pose.to_face(landmarks[_LOWER_INNER])[:, 1]
    return max(0.0, float((lower - upper).mean()))


def opening(lips: Float32) -> Float32:
    """(...,) the same gap from (..., 40, 2) `normalised_lips`."""
    inner = len(OUTER_LIP) + np.array(
        [[INNER_LIP.index(point) for point in side] for side in (_UPPER_INNER, _LOWER_INNER)]
    )
    upper, lower = (lips[..., side, 1] for side in inner)
    gap: Float32 = np.maximum(0.0, (lower - upper).mean(axis=-1)).astype(np.float32)
    return gap


def mouth_blendshapes(blendshapes: Float32) -> Float32:
    """The (27,) of the (52,) blendshapes that describe jaw and mouth, in the order of `MOUTH_BLENDSHAPES`."""
    mouth: Float32 = blendshapes[np.array(MOUTH_BLENDSHAPES)]
    return mouth
