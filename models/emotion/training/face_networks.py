"""Both looks at a face together, in the framework they are trained in: its appearance and, where known, its shape."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lipstream.models.emotion.face_net import ExpressionNet, fold_normalisation, hide_mouth, standardise
from lipstream.models.emotion.geometry_net import GeometryNet, blended
from lipstream.models.emotion.looks import APPEARANCE_WEIGHTS, SHAPE_WEIGHTS, STILL, Look
from lipstream.models.weights import load_weights

Float32 = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class FaceNetworks:
    """The networks of the face branch, in inference mode."""

    appearance: ExpressionNet
    shape: GeometryNet

    def judge(self, crops: UInt8, shapes: Float32, look: Look) -> tuple[Float32, Float32]:
        """Judge faces.

        Args:
            crops: (N, 48, 48) uint8 gray, of `face_crop`.
            shapes: (N, GEOMETRY) of `geometry`; NaN where it is not known, then the appearance decides alone.
            look: how.

        Returns:
            Log-probabilities (N, 7), and embeddings (N, 192) of the appearance.
        """
        with torch.inference_mode():
            faces = standardise(torch.from_numpy(np.ascontiguousarray(crops))[:, None].float() / 255)
            return self._judge(faces, torch.from_numpy(shapes), look)

    def judge_still(self, crops: UInt8, shapes: Float32) -> Float32:
        """Log-probabilities (N, 7) of still faces: the mean over the faces and their mirror images."""
        with torch.inference_mode():
            mirrored = self.shape.mirror(torch.from_numpy(shapes)).numpy()
        looks = [self.judge(each, of, STILL)[0] for each, of in ((crops, shapes), (crops[:, :, ::-1], mirrored))]
        mean: Float32 = torch.from_numpy(np.mean(looks, axis=0)).log_softmax(dim=1).numpy()
        return mean

    def _judge(self, faces: Tensor, shapes: Tensor, look: Look) -> tuple[Float32, Float32]:
        shapes = self.shape.standardise(shapes)
        if not look.mouth:
            faces, shapes = hide_mouth(faces), self.shape.hide_mouth(shapes)
        logits, embeddings = self.appearance(faces.contiguous(memory_format=torch.channels_last))
        logs = logits.log_softmax(dim=1)
        known = ~shapes[:, :1].isnan()
        if known.any():
            both = blended(self.shape, logs, self.shape(shapes.nan_to_num()).log_softmax(dim=1))
            logs = torch.where(known, both, logs)
        return logs.numpy(), embeddings.numpy()


def load_face_networks(folder: Path) -> FaceNetworks:
    """Load the face branch.

    Raises:
        ModelError: the weights are missing or unusable.
    """
    appearance, shape = ExpressionNet(), GeometryNet()
    load_weights(appearance, folder / APPEARANCE_WEIGHTS)
    load_weights(shape, folder / SHAPE_WEIGHTS)
    fold_normalisation(appearance)
    return FaceNetworks(appearance.to(memory_format=torch.channels_last), shape)
