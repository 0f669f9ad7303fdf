"""The shape of faces in still images that show nothing else, such as those of FER2013."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from lipstream.models.emotion.face_shape import GEOMETRY, geometry
from lipstream.models.errors import ModelError
from lipstream.models.face.litert_backend import LiteRtBackend
from lipstream.models.face.roi import Roi, from_landmarks
from lipstream.models.training.progress import ProgressReport
from lipstream.models.whole_file import whole_file

Float32 = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]

MARGIN = 1.25
"""The landmark network wants a face with some room around it: this times the image."""

LEAST_CONFIDENCE = 0.5
"""A face that the landmark network is less sure of has no shape."""


class StillFaces:
    """Finds the shape of faces that fill their image. `load` does the work."""

    def __init__(self) -> None:
        self._backend = LiteRtBackend(1, LEAST_CONFIDENCE)

    def load(self) -> None:
        """Load the networks; see `FaceBackend.load`."""
        self._backend.load()

    def shape(self, image: UInt8) -> Float32:
        """The geometry of the face in a (H, W) uint8 gray image: (GEOMETRY,) float32, NaN where none is seen."""
        frame = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
        height, width = image.shape
        whole = Roi(width / 2, height / 2, width * MARGIN, height * MARGIN, 0.0)
        rough = self._backend.look(frame, whole, 0.0)
        # The second look is centred and upright, as the network was trained.
        face = self._backend.look(frame, from_landmarks(rough.landmarks), LEAST_CONFIDENCE) if rough else None
        if face is None:
            return np.full(GEOMETRY, np.nan, np.float32)
        return geometry(face.landmarks, face.blendshapes)

    def shapes(self, images: UInt8, report: ProgressReport, name: str) -> Float32:
        """`shape` of (N, H, W) images: (N, GEOMETRY)."""
        rows = []
        for index, image in enumerate(images):
            rows.append(self.shape(image))
            report(f"face shapes of {name}", index + 1, len(images), "")
        return np.stack(rows)


def cached_shapes(
    images: UInt8, finder: Callable[[], StillFaces], cache: Path, report: ProgressReport, name: str
) -> Float32:
    """`StillFaces.shapes` of images, in half precision, from the file `cache` if it holds them.

    Raises:
        ModelError: the file is no such cache, holds another number of images, or cannot be written.
    """
    if not cache.exists():
        loaded = finder()
        loaded.load()
        shapes = torch.from_numpy(loaded.shapes(images, report, name)).half()
        with whole_file(cache) as partial:
            save_file({"shapes": shapes}, partial)
    try:
        kept: Float32 = load_file(cache)["shapes"].float().numpy()
    except (OSError, KeyError, SafetensorError) as error:
        raise ModelError(f"{cache}: not a cache of face shapes ({error}); delete it") from None
    if len(kept) != len(images):
        raise ModelError(f"{cache}: holds {len(kept)} faces, expected {len(images)}; delete it")
    return kept
