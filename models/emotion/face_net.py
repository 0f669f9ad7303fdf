"""The expression encoder: a small residual network on a gray face of 48 x 48 pixels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

EMBEDDING = 192
"""Length of the face embedding."""

MOUTH_TOP = 0.62
"""The mouth lies below this share of the image's height."""


def standardise(images: Tensor) -> Tensor:
    """Gray images (B, 1, H, W) of any range to mean 0 and deviation 1 each: exposure says nothing of expression."""
    centred = images - images.mean(dim=(2, 3), keepdim=True)
    deviation = centred.square().mean(dim=(2, 3), keepdim=True).sqrt()
    return centred / deviation.clamp_min(1e-3)


def hide_mouth(images: Tensor) -> Tensor:
    """Standardised images with the mouth painted in the mean gray."""
    hidden = images.clone()
    hidden[:, :, round(images.shape[2] * MOUTH_TOP) :] = 0
    return hidden


class _Conv(nn.Sequential):
    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
        )


class _Residual(nn.Module):
    """Two 3 x 3 convolutions with squeeze and excitation (Hu et al., CVPR 2018) beside an identity path."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _Conv(channels, channels)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels))
        self.excite = nn.Sequential(
            nn.Linear(channels, channels // 8), nn.ReLU(inplace=True), nn.Linear(channels // 8, channels), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(self.first(x))
        scale = self.excite(y.mean(dim=(2, 3)))
        return torch.relu(x + y * scale[:, :, None, None])


class ExpressionNet(nn.Module):
    """Standardised gray face to emotion logits and an embedding."""

    def __init__(self, classes: int = 7, dropout: float = 0.3) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _Conv(1, 16),
            _Conv(16, 48, stride=2),
            _Residual(48),
            _Conv(48, 96, stride=2),
            _Residual(96),
            _Conv(96, EMBEDDING, stride=2),
            _Residual(EMBEDDING),
        )
        self.dropout = nn.Dropout(dropout)
        self.classify = nn.Linear(EMBEDDING, classes)

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """Classify.

        Args:
            faces: (B, 1, H, W) standardised gray, H and W multiples of 8.

        Returns:
            Logits (B, 7) and embeddings (B, 192).
        """
        embedding = self.features(faces).mean(dim=(2, 3))
        return self.classify(self.dropout(embedding)), embedding


def fold_normalisation(network: nn.Module) -> None:
    """Fold every batch normalisation into the convolution before it, in place: the same results in fewer passes."""
    for name, child in network.named_children():
        if isinstance(child, nn.Sequential) and isinstance(child[0], nn.Conv2d):
            normalisation = child[1]
            assert isinstance(normalisation, nn.BatchNorm2d), name
            child[0], child[1] = fuse_conv_bn_eval(child[0], normalisation), nn.Identity()
        else:
            fold_normalisation(child)
