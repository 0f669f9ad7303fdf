"""The second look at an expression: the shape of the face, from landmarks and blendshapes that are there anyway."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from lipstream.models.emotion.face_shape import GEOMETRY
from lipstream.models.face.backend import BLENDSHAPES, LANDMARK_COUNT

_UNDER_THE_NOSE = 2

_SIDES = {"Left": "Right", "Right": "Left"}


def _mirrored(name: str) -> str:
    for side, other in _SIDES.items():
        if name.endswith(side):
            return name.removesuffix(side) + other
    return name


_MIRRORED = [BLENDSHAPES.index(_mirrored(name)) for name in BLENDSHAPES]
_OF_THE_MOUTH = np.array([name.startswith(("mouth", "jaw", "cheekPuff")) for name in BLENDSHAPES])


class GeometryNet(nn.Module):
    """Shape of a face to emotion logits.

    Buffers, set by training: the mean and deviation of every number, which numbers the mouth moves, which landmark is
    which in the mirror, and how much this look and that of `ExpressionNet` count when both are there.
    """

    def __init__(self, classes: int = 7, width: int = 512, dropout: float = 0.5) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(GEOMETRY))
        self.register_buffer("deviation", torch.ones(GEOMETRY))
        self.register_buffer("mouth", torch.zeros(GEOMETRY))
        self.register_buffer("twins", torch.arange(LANDMARK_COUNT))
        self.register_buffer("blend", torch.ones(2))
        self.mean: Tensor
        self.deviation: Tensor
        self.mouth: Tensor
        self.twins: Tensor
        self.blend: Tensor
        self.enter = nn.Linear(GEOMETRY, width)
        self.rest = nn.Sequential(
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(width, width // 2),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(width // 2, classes),
        )

    def fit_scale(self, shapes: Tensor) -> None:
        """Learn from (N, GEOMETRY) the mean, the deviation, what lies below the nose, and the pairs of landmarks."""
        self.mean.copy_(shapes.mean(dim=0))
        self.deviation.copy_(shapes.std(dim=0).clamp_min(1e-3))
        points = self.mean[: LANDMARK_COUNT * 3].view(LANDMARK_COUNT, 3)
        below = points[:, 1] > points[_UNDER_THE_NOSE, 1]
        self.mouth[: LANDMARK_COUNT * 3] = below.repeat_interleave(3).float()
        # The mesh is symmetric: mirrored, every landmark of the mean face lies on its twin.
        self.twins.copy_(torch.cdist(points * points.new_tensor([-1, 1, 1]), points).argmin(dim=1))
        self.mouth[LANDMARK_COUNT * 3 :] = torch.from_numpy(_OF_THE_MOUTH).float()

    def mirror(self, shapes: Tensor) -> Tensor:
        """(B, GEOMETRY) of `geometry` as the mirror image would give it."""
        points = shapes[:, : LANDMARK_COUNT * 3].view(-1, LANDMARK_COUNT, 3)[:, self.twins]
        turned = points * points.new_tensor([-1, 1, 1])
        return torch.cat([turned.flatten(1), shapes[:, LANDMARK_COUNT * 3 :][:, _MIRRORED]], dim=1)

    def standardise(self, shapes: Tensor) -> Tensor:
        """(B, GEOMETRY) of `geometry` as `forward` wants it."""
        return (shapes - self.mean) / self.deviation

    def hide_mouth(self, shapes: Tensor) -> Tensor:
        """Standardised shapes with everything below the nose as on the mean face."""
        return shapes * (1 - self.mouth)

    def forward(self, shapes: Tensor) -> Tensor:
        """Standardised (B, GEOMETRY) to logits (B, 7)."""
        logits: Tensor = self.rest(self.enter(shapes))
        return logits


def blended(network: GeometryNet, appearance: Tensor, shape: Tensor) -> Tensor:
    """Log-probabilities (B, 7) of both looks together: their weighted product.

    Args:
        network: whose `blend` gives the weights.
        appearance: (B, 7) log-probabilities of `ExpressionNet`.
        shape: (B, 7) log-probabilities of the geometry.
    """
    return (network.blend[0] * appearance + network.blend[1] * shape).log_softmax(dim=1)
