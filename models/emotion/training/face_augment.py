"""Random changes of face images in training: pose, light, the losses of video, and things before the face."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from lipstream.models.emotion.face_net import hide_mouth, standardise

MOUTH_HIDDEN = 0.12
"""Share of training images whose mouth is hidden: the network must also read eyes and brows alone."""


def _uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return torch.rand(count, generator=generator) * (high - low) + low


def _chosen(count: int, share: float, generator: torch.Generator) -> Tensor:
    return torch.rand(count, generator=generator) < share


def augment(images: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Augment a batch.

    Args:
        images: (B, 1, H, W) float in [0, 1].
        size: side of the result in pixels.
        generator: the source of all randomness.

    Returns:
        (B, 1, size, size) standardised.
    """
    images = _move(images, size, generator)
    images = _relight(images, generator)
    images = standardise(_degrade(images, generator))
    return _occlude(images, generator)


def _move(images: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Mirror, turn by up to 12 degrees, scale and shift."""
    count = len(images)
    angle = _uniform(count, -1, 1, generator) * math.radians(12)
    scale = 1 / _uniform(count, 0.88, 1.18, generator)
    aspect = _uniform(count, 0.95, 1.05, generator)
    mirror = torch.where(_chosen(count, 0.5, generator), -1.0, 1.0)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    shift_x, shift_y = _uniform(count, -0.16, 0.16, generator), _uniform(count, -0.16, 0.16, generator)
    rows = torch.stack([cos * mirror * aspect, -sin, shift_x, sin * mirror, cos / aspect, shift_y], dim=1)
    grid = functional.affine_grid(rows.view(count, 2, 3), [count, 1, size, size], align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _relight(images: Tensor, generator: torch.Generator) -> Tensor:
    """Gamma, and a light that falls off across the face."""
    count, size = len(images), images.shape[-1]
    gamma = torch.exp(_uniform(count, -0.5, 0.5, generator)).view(-1, 1, 1, 1)
    ramp = torch.linspace(-1, 1, size)
    slope = _uniform(count, -0.35, 0.35, generator).view(-1, 1, 1, 1)
    return images.clamp_min(1e-3) ** gamma * (1 + slope * ramp)


def _degrade(images: Tensor, generator: torch.Generator) -> Tensor:
    """What cameras and codecs do: a lower resolution for some images, sensor noise for some."""
    count, size = len(images), images.shape[-1]
    coarse = functional.interpolate(images, scale_factor=0.5, mode="area")
    coarse = functional.interpolate(coarse, size=(size, size), mode="bilinear", align_corners=False)
    share = _uniform(count, 0.4, 1, generator) * _chosen(count, 0.25, generator)
    images = torch.lerp(images, coarse, share.view(-1, 1, 1, 1))
    level = _uniform(count, 0, 0.06, generator) * _chosen(count, 0.2, generator)
    return images + torch.randn(images.shape, generator=generator) * level.view(-1, 1, 1, 1)


def _occlude(images: Tensor, generator: torch.Generator) -> Tensor:
    """Random erasing (Zhong et al., AAAI 2020) for some standardised images, the mouth for others."""
    count, size = len(images), images.shape[-1]
    chosen = _chosen(count, 0.25, generator)
    height, width = _uniform(count, 0.15, 0.45, generator), _uniform(count, 0.15, 0.45, generator)
    top = torch.rand(count, generator=generator) * (1 - height)
    left = torch.rand(count, generator=generator) * (1 - width)
    place = (torch.arange(size) + 0.5) / size
    rows = (place >= top[:, None]) & (place < (top + height)[:, None])
    columns = (place >= left[:, None]) & (place < (left + width)[:, None])
    erased = (rows[:, :, None] & columns[:, None, :] & chosen[:, None, None])[:, None]
    images = images.masked_fill(erased, 0)
    mouth = _chosen(count, MOUTH_HIDDEN, generator).view(-1, 1, 1, 1)
    return torch.where(mouth, hide_mouth(images), images)
