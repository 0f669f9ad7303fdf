"""Both looks at a face together: its appearance and, where landmarks are known, its shape."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from lipstream.models.exported import ExportedNetwork

Float32 = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]

FACE_SIZE: Final = 48
"""Side of the face image in pixels, that of FER2013."""
APPEARANCE_WEIGHTS: Final = "face.safetensors"
SHAPE_WEIGHTS: Final = "geometry.safetensors"
GRAPH: Final = "face.onnx"
"""Both networks as they run."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a face is looked at.

    Attributes:
        talking: the face talks.
        mouth: its mouth counts. The shapes of speech are no expression: of somebody who talks every other look leaves
            the mouth out, so that over the looks of a second it counts half.
    """

    talking: bool = False
    mouth: bool = True

    @staticmethod
    def of(talking: bool, turn: int) -> Look:
        """The look for the `turn`-th time that a face is looked at."""
        return Look(talking, not talking or turn % 2 == 0)


STILL = Look()
"""The plain look at a face that does not talk."""


class FaceLooks:
    """The networks of the face branch at work.

    Args:
        folder: where their graph is.

    Raises:
        ModelError: it is missing or unusable.
    """

    def __init__(self, folder: Path) -> None:
        self._network = ExportedNetwork(folder / GRAPH)

    def judge(self, crops: UInt8, shapes: Float32, look: Look) -> tuple[Float32, Float32]:
        """Judge faces.

        Args:
            crops: (N, 48, 48) uint8 gray, of `face_crop`.
            shapes: (N, GEOMETRY) of `geometry`; NaN where it is not known, then the appearance decides alone.
            look: how.

        Returns:
            Log-probabilities (N, 7), and embeddings (N, 192) of the appearance.
        """
        faces = crops[:, None].astype(np.float32) / 255
        mouth = np.array(1.0 if look.mouth else 0.0, np.float32)
        logs, embeddings = self._network(faces=faces, shapes=np.asarray(shapes, np.float32), mouth=mouth)
        return logs, embeddings
