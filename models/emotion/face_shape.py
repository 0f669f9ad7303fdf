"""The shape of a face, from landmarks and blendshapes that are there anyway."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lipstream.models.face.backend import BLENDSHAPES, LANDMARK_COUNT

Float32 = npt.NDArray[np.float32]

GEOMETRY = LANDMARK_COUNT * 3 + len(BLENDSHAPES)
"""Numbers that describe the shape of a face."""

_RIGHT_EYE, _LEFT_EYE = (33, 133), (263, 362)


def geometry(landmarks: Float32, blendshapes: Float32) -> Float32:
    """The shape of faces, free of place, size and tilt.

    Args:
        landmarks: (..., 478, 3) in pixels of the frame, as in `FaceObservation`.
        blendshapes: (..., 52) in [0, 1].

    Returns:
        (..., GEOMETRY) float32: the landmarks around their mean, with level eyes, in units of their mean distance from
        it; then the blendshapes.
    """
    eyes = [landmarks[..., pair, :2].mean(axis=-2) for pair in (_RIGHT_EYE, _LEFT_EYE)]
    across = eyes[1] - eyes[0]
    across = across / np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-6)
    centred = landmarks - landmarks.mean(axis=-2, keepdims=True)
    size = np.linalg.norm(centred[..., :2], axis=-1).mean(axis=-1)[..., None, None]
    cos, sin = across[..., :1], across[..., 1:]
    x, y, z = (centred[..., axis] for axis in range(3))
    upright = np.stack([x * cos + y * sin, y * cos - x * sin, z], axis=-1) / np.maximum(size, 1e-6)
    flat = upright.reshape(*upright.shape[:-2], LANDMARK_COUNT * 3)
    return np.concatenate([flat, blendshapes], axis=-1).astype(np.float32)
