"""Whose face it is: a face as 128 numbers, close together for one person and apart for two.

The network is dlib's for face recognition (Davis King, dlib_face_recognition_resnet_model_v1, CC0; described in "High
Quality Face Recognition with Deep Metric Learning", blog.dlib.net, 2017), as a graph for ONNX Runtime; how it came to
be that is in `models/face/training/identity.py`, what it is worth in `models/face/weights/identity.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lipstream.models.errors import ModelError
from lipstream.models.exported import ExportedNetwork
from lipstream.models.face.backend import Float32, UInt8
from lipstream.models.face.pose import HeadPose
from lipstream.models.shared import made_of, shared
from lipstream.models.upright import averaged, upright

GRAPH = Path(__file__).with_name("weights") / "identity.onnx"
CHIP = 150
"""Side in pixels of what the network looks at."""
NUMBERS = 128

UNLIKE = 0.84
"""Distance between the embeddings of two people as it is in the middle (`models/face/weights/identity.md`)."""
SAME_PERSON = 0.37
"""Likeness from which on two good looks are taken to be at one person, see `likeness`."""

LEAST_HEIGHT = 20.0
"""Height in pixels of the smallest face that tells who it is."""
MOST_TURNED = 40.0
"""Yaw and pitch in degrees beyond which a face does not tell who it is."""

# Outer and inner corners of both eyes and the bottom of the nose, and where dlib's five points lie on a chip with a
# quarter of its face added on each side (dlib/image_transforms/interpolation.h, get_face_chip_details).
_POINTS = (263, 362, 33, 133, 2)
_MEAN_SHAPE = np.array(
    [
        [0.8595674595992, 0.2134981538014],
        [0.6460604764104, 0.2289674387677],
        [0.1205750620789, 0.2137274526848],
        [0.3340850613712, 0.2290642403242],
        [0.4901123135679, 0.6277975316475],
    ]
)
_PADDING = 0.25
_PLACES = (_MEAN_SHAPE + _PADDING) / (1 + 2 * _PADDING) * CHIP


class FaceEmbedder:
    """Tells faces apart. The constructor loads nothing; may be used by several threads once it is loaded."""

    def __init__(self, graph: Path = GRAPH) -> None:
        self._graph = graph
        self._network: ExportedNetwork | None = None

    def load(self) -> None:
        """Load the network. Idempotent.

        Raises:
            ModelError: its file is missing or unusable.
        """
        if self._network is None:
            path = self._graph
            self._network = shared(("face identity", made_of(path)), lambda: ExportedNetwork(path))

    def embed(self, image: UInt8, landmarks: Sequence[Float32]) -> Float32:
        """Faces of one picture as numbers.

        Args:
            image: (H, W, 3) uint8 RGB.
            landmarks: of each face (478, 3) or (478, 2) in pixels of the picture.

        Returns:
            (N, 128) float32, to be compared by `likeness`.

        Raises:
            ModelError: not loaded.
        """
        if self._network is None:
            raise ModelError("the face identity network is not loaded: call load() first")
        if not landmarks:
            return np.zeros((0, NUMBERS), np.float32)
        chips = np.stack([face_chip(image, each) for each in landmarks]).astype(np.float32)
        return self._network(faces=chips)[0]


def likeness(one: npt.NDArray[np.floating], other: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """How alike embeddings are: 1 for the same numbers, about 0 for two people, by their Euclidean distance.

    Args:
        one: (..., 128).
        other: (..., 128), of a shape that goes with the first.

    Returns:
        (...), at most 1; see `SAME_PERSON`.
    """
    return np.asarray(1.0 - np.linalg.norm(np.asarray(one, np.float64) - other, axis=-1) / UNLIKE)


def can_tell(landmarks: Float32, pose: HeadPose) -> bool:
    """Whether a face is large enough, and turned to the camera enough, to tell who it is.

    Args:
        landmarks: (478, 3) in pixels.
        pose: of the same face.
    """
    height = float(np.ptp(landmarks[:, 1]))
    pitch, yaw, _ = pose.angles
    return height >= LEAST_HEIGHT and abs(yaw) <= MOST_TURNED and abs(pitch) <= MOST_TURNED


def face_chip(image: UInt8, landmarks: Float32) -> UInt8:
    """(150, 150, 3) uint8: a face upright and centred. Beyond the picture its edge is repeated."""
    points = landmarks[list(_POINTS), :2].astype(np.float64)
    return averaged(upright(image, points, _PLACES, CHIP), CHIP)
