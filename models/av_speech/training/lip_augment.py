"""Changes of a lip track that leave what is said: in training every pass sees another one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lipstream.models.av_speech.lip_input import WAVES, moved, thumbs, waves
from lipstream.models.av_speech.recording import BLENDSHAPES, POINTS, LipTrack
from lipstream.models.face.backend import BLENDSHAPES as NAMES
from lipstream.models.face.lips import MOUTH_BLENDSHAPES

_ROW = POINTS // 2


def _mirrored_points() -> list[int]:
    """The landmark that each becomes in a mirror: both contours are walked from corner to corner and back."""
    half = _ROW // 2
    one = [half - index if index <= half else _ROW + half - index for index in range(_ROW)]
    return one + [_ROW + index for index in one]


def _mirrored_blendshapes() -> list[int]:
    names = [NAMES[index] for index in MOUTH_BLENDSHAPES]
    swap = {"Left": "Right", "Right": "Left"}
    mirrored = [next((n[: -len(a)] + b for a, b in swap.items() if n.endswith(a)), n) for n in names]
    return [names.index(name) for name in mirrored]


_POINTS = torch.tensor(_mirrored_points())
_BLENDSHAPES = torch.tensor(_mirrored_blendshapes())
_ODD = torch.arange(WAVES).remainder(2).bool().repeat(WAVES)


@dataclass(frozen=True, slots=True, eq=False)
class LipSequence:
    """A lip track ready for training, of T frames.

    Attributes:
        shape: (T, 107) points and blendshapes.
        pictures: (T, 32, 32) uint8 thumbs; or (T, 12, 12) float32, their waves, where no picture was kept.
        mask: (T,) frames seen.
    """

    shape: Tensor
    pictures: Tensor
    mask: Tensor

    def plain(self) -> Tensor:
        """(T, INPUTS) the network's input, unchanged."""
        return torch.cat((self.shape, _waves(self.pictures)), dim=1)

    def part(self, frames: slice) -> LipSequence:
        """Some of the frames."""
        return LipSequence(self.shape[frames], self.pictures[frames], self.mask[frames])

    def varied(self, rng: np.random.Generator) -> Tensor:
        """(T, INPUTS) the input of another take of the same person: moved a little, in another light."""
        shift = rng.normal(0.0, 0.5, 2)
        look = _waves(self.pictures, (float(shift[0]), float(shift[1])))
        noise = torch.from_numpy(rng.normal(0.0, 1.0, _STEADY.shape).astype(np.float32))
        return torch.cat((self.shape, look), dim=1) + noise * _STEADY

    def disguised(self, rng: np.random.Generator) -> Tensor:
        """(T, INPUTS) the input as of somebody else: besides mirrored, scaled, blurred, of other contrast.

        For networks that should serve strangers. A network that learns one person's lips learns worse from these.
        """
        frames = self.varied(rng)
        shape, look = frames[:, : -(WAVES**2)], frames[:, -(WAVES**2) :]
        if rng.random() < 0.5:
            shape, look = _mirror(shape), torch.where(_ODD, -look, look)
        if rng.random() < 0.3:
            look = look * _blur(float(rng.uniform(0.3, 1.2)))
        return torch.cat((shape * float(rng.normal(1.0, 0.04)), look * float(rng.lognormal(0, 0.1))), dim=1)


def lip_sequence(track: LipTrack) -> LipSequence:
    """A lip track ready for training."""
    points = torch.from_numpy(track.points.astype(np.float32)).flatten(1)
    shape = torch.cat((points, torch.from_numpy(track.blendshapes.astype(np.float32))), dim=1)
    return LipSequence(shape, torch.from_numpy(thumbs(track.crops)), torch.from_numpy(track.mask))


def _waves(pictures: Tensor, shift: tuple[float, float] = (0.0, 0.0)) -> Tensor:
    if pictures.shape[-1] == WAVES:
        return torch.from_numpy(moved(pictures.numpy(), shift))
    return torch.from_numpy(waves(pictures.numpy().astype(np.float32) / np.float32(255), shift))


_STEADY = torch.cat((torch.full((2 * POINTS,), 2e-3), torch.full((BLENDSHAPES,), 3e-3), torch.full((WAVES**2,), 0.07)))
"""Spread of what differs between takes but not within one: a seventh of what speech itself does."""


def _mirror(shape: Tensor) -> Tensor:
    points = shape[:, : 2 * POINTS].reshape(-1, POINTS, 2)[:, _POINTS] * torch.tensor((-1.0, 1.0))
    return torch.cat((points.flatten(1), shape[:, 2 * POINTS :][:, _BLENDSHAPES]), dim=1)


def _blur(sigma: float) -> Tensor:
    """(144,) what a Gaussian of `sigma` pixels leaves of each wave."""
    frequency = torch.arange(WAVES) * torch.pi / 32
    fall = torch.exp(-0.5 * (sigma * frequency) ** 2)
    return (fall[:, None] * fall).flatten()


def at_speed(frames: Tensor, mask: Tensor, speed: float) -> tuple[Tensor, Tensor]:
    """(T, F) frames and (T,) mask as if spoken `speed` times as fast, by linear interpolation."""
    length = max(1, round(len(frames) / speed))
    stretched = F.interpolate(frames.T[None], size=length, mode="linear", align_corners=True)[0].T
    at = torch.linspace(0, len(frames) - 1, length).round().long()
    return stretched, mask[at]


def drop_frames(mask: Tensor, rng: np.random.Generator, longest: int = 3) -> Tensor:
    """Hide a stretch of up to `longest` frames; in one case of several, none."""
    kept = mask.clone()
    first = int(rng.integers(0, len(mask)))
    kept[first : first + int(rng.integers(0, longest + 1))] = False
    return kept
