"""Do these lips belong to this sound? For one enrolled user, of whom both the lips and the speech are known well.

Two towers put the states of the lip network, and what the fusion makes of the sound without lips, into one space
(by contrast, as SyncNet, Chung & Zisserman 2016). Each lip frame adds its evidence, so that the score of a segment that
grows moves slowly, and a short one says little. A mouth that looks unlike any of the recordings must bring more.

Shapes: B lip tracks, C sounds, L lip frames at 25 Hz.
"""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lipstream.models.av_speech.fusion_net import Fused
from lipstream.models.av_speech.sound_frames import FEATURES

FAMILIAR: Final = 1.5
"""How strange a mouth may look before that counts, see `strangeness`. Of one speaker 100 clips that were held out had
at most 1.0, clips of 160 others 2.2 to 36."""
STRANGE: Final = 8.0
"""Evidence that a mouth which looks altogether strange must bring; the own one brings more in quiet."""
_EMBEDDING: Final = 128
_CONVOLUTIONS: Final = 2
_REACH: Final = 2
"""Frames to either side that a convolution sees."""


class CorrespondenceTower(nn.Module):
    """Frames of one stream to unit vectors."""

    def __init__(self, inputs: int, width: int, dropout: float) -> None:
        super().__init__()
        self.enter_norm = nn.LayerNorm(inputs)
        self.enter = nn.Linear(inputs, width)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(width, width, 2 * _REACH + 1, padding=_REACH) for _ in range(_CONVOLUTIONS)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(_CONVOLUTIONS))
        self.leave = nn.Linear(width, _EMBEDDING)
        self.dropout = nn.Dropout(dropout)

    def forward(self, frames: Tensor, mask: Tensor) -> Tensor:
        """(B, L, inputs) frames and (B, L) mask of those that count -> (B, L, 128)."""
        seen = mask[..., None].to(frames)
        hidden = self.enter(self.dropout(self.enter_norm(frames))) * seen
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            through = norm(convolution(hidden.transpose(1, 2)).transpose(1, 2))
            hidden = (hidden + self.dropout(F.gelu(through))) * seen
        return F.normalize(self.leave(hidden), dim=-1)


class CorrespondenceNet(nn.Module):
    """Both towers, and what weighs their likeness.

    Args:
        lip_width: of the lip network.
        width: of the fusion network.
        dropout: of the towers.
    """

    offset: Tensor

    def __init__(self, lip_width: int, width: int, dropout: float = 0.3) -> None:
        super().__init__()
        self.lips = CorrespondenceTower(lip_width, 128, dropout)
        self.sound = CorrespondenceTower(FEATURES + width, 128, dropout)
        self.lip_weight = nn.Linear(_EMBEDDING, 1)
        self.sound_weight = nn.Linear(_EMBEDDING, 1)
        self.scale = nn.Parameter(torch.tensor(0.0))
        self.level = nn.Parameter(torch.tensor(0.3))
        self.bias = nn.Parameter(torch.tensor(0.0))
        self.register_buffer("offset", torch.tensor(0.0))

    def compare(self, lips: Tensor, sounds: Tensor, counted: Tensor) -> Tensor:
        """Evidence that each of the lips belongs to each of the sounds, a log-odds.

        Args:
            lips: (B, L, 128) vectors of the lips.
            sounds: (C, L, 128) vectors of the sounds, at the times of the lips.
            counted: (B, C, L) frames that count.

        Returns:
            (B, C).
        """
        likeness = torch.einsum("bld,cld->bcl", lips, sounds)
        weight = F.softplus(self.lip_weight(lips))[:, None, :, 0] + F.softplus(self.sound_weight(sounds))[None, ..., 0]
        found = (counted * weight * (likeness - self.level)).sum(dim=-1)
        evidence: Tensor = self.bias + self.scale.exp() * found - self.offset
        return evidence

    def forward(self, lips: Tensor, sounds: Tensor, counted: Tensor) -> Tensor:
        """Evidence for every pair of (B, L, lip_width) states and (B, L, 288 + width) sounds, (B, L) of which count."""
        together = counted[:, None] * counted[None]
        return self.compare(self.lips(lips, counted), self.sound(sounds, counted), together)


def heard(alone: Fused) -> Tensor:
    """(B, T, 288 + width) the sound as its tower takes it, of what `FusionNet.without_lips` makes of it."""
    return torch.cat((alone.features, alone.hidden), dim=-1)


def strangeness(frames: Tensor, mask: Tensor, mean: Tensor, scale: Tensor) -> float:
    """How far the mean of (L, F) lip input is from a user's, in spreads of a frame; (L,) mask of the frames seen.

    Args:
        frames: lip input.
        mask: frames seen, one at least.
        mean: (F,) of the user's recordings.
        scale: (F,) one over their spread.
    """
    return float(((frames[mask].mean(dim=0) - mean) * scale).square().mean().sqrt())


def doubt(strange: float) -> float:
    """What a mouth of this strangeness must bring in evidence."""
    return STRANGE * min(1.0, max(0.0, strange - FAMILIAR))
