"""Which part of a sound is the voice of the visible mouth? A network that says it band by band.

It hears the mixture twice: as a spectrum, in which voices lie side by side, and as frames of the speech encoder, which
know phones and speakers. It sees what `ActiveSpeakerNet` makes of the lips, and the blendshapes of the mouth. Layers
that read forth and back keep hold of a voice over the whole segment.

Shapes: B segments, T frames of 24 ms, L lip frames of 40 ms, both from the first sample on.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lipstream.models.av_speech.active_speaker_net import EVIDENCE
from lipstream.models.av_speech.sound_frames import SOUND
from lipstream.models.av_speech.voice_bands import BANDS, HOP

FLOOR: Final = 0.05
"""Least gain that the network gives."""
_STEP: Final = HOP / 640
"""Lip frames from one frame to the next."""
_QUIET: Final = 1e-5
"""Power below which a band counts as silent, in parts of the mean."""


class Separation(NamedTuple):
    """What belongs to the visible mouth.

    Attributes:
        gains: (B, T, BANDS) in [FLOOR, 1], the part of each band's amplitude that is not another voice's.
        other: (B, T) score (logit) that another voice is heard.
    """

    gains: Tensor
    other: Tensor


class TargetMaskNet(nn.Module):
    """The network.

    Args:
        width: of its layers.
        dropout: in training.
    """

    band_mean: Tensor
    band_scale: Tensor
    sound_mean: Tensor
    sound_scale: Tensor

    def __init__(self, width: int = 160, dropout: float = 0.2) -> None:
        super().__init__()
        for name, size in (("band", BANDS), ("sound", SOUND)):
            self.register_buffer(f"{name}_mean", torch.zeros(size))
            self.register_buffer(f"{name}_scale", torch.ones(size))
        self.bands = nn.Linear(BANDS, width)
        self.sound = nn.Linear(SOUND, width)
        self.lips = nn.Linear(EVIDENCE, width // 2)
        self.enter = nn.Conv1d(2 * width + width // 2, 2 * width, 3, padding=1)
        self.norm = nn.LayerNorm(2 * width)
        self.dropout = nn.Dropout(dropout)
        self.first = nn.GRU(2 * width, width, batch_first=True, bidirectional=True)
        self.second = nn.GRU(2 * width, width, batch_first=True, bidirectional=True)
        self.gains = nn.Linear(2 * width, BANDS)
        self.other = nn.Linear(2 * width, 1)
        nn.init.constant_(self.gains.bias, 2.0)

    def fit(self, bands: Tensor, sound: Tensor) -> None:
        """Learn mean and scale of the input from (N, BANDS) of `loudness_of` and (N, SOUND)."""
        for name, frames in (("band", bands), ("sound", sound)):
            getattr(self, f"{name}_mean").copy_(frames.mean(dim=0))
            getattr(self, f"{name}_scale").copy_(1 / frames.std(dim=0).clamp_min(1e-3))

    def forward(self, bands: Tensor, sound: Tensor, evidence: Tensor) -> Separation:
        """Separate.

        Args:
            bands: (B, T, BANDS) of `loudness_of`.
            sound: (B, L, SOUND) frames of the encoder at the times of the lip frames.
            evidence: (B, L, EVIDENCE) of `ActiveSpeakerNet.evidence`.
        """
        heard = self.sound(self.dropout((sound - self.sound_mean) * self.sound_scale))
        beside = at_frames(torch.cat((heard, self.lips(self.dropout(evidence))), dim=-1), bands.shape[1])
        together = torch.cat((self.bands((bands - self.band_mean) * self.band_scale), beside), dim=-1)
        hidden = self.norm(F.gelu(self.enter(together.transpose(1, 2)).transpose(1, 2)))
        hidden = hidden + self.first(self.dropout(hidden))[0]
        hidden = hidden + self.second(self.dropout(hidden))[0]
        gains = FLOOR + (1 - FLOOR) * torch.sigmoid(self.gains(hidden))
        return Separation(gains, self.other(hidden)[..., 0])


def loudness_of(powers: Tensor) -> Tensor:
    """(..., T, BANDS) powers -> the same as logarithms, relative to the mean of all."""
    return torch.log(powers / powers.mean(dim=(-2, -1), keepdim=True).clamp_min(1e-12) + _QUIET)


def at_frames(lips: Tensor, frames: int) -> Tensor:
    """(B, L, D) at the times of lip frames -> (B, T, D) at those of `frames` frames, by linear interpolation."""
    at = (torch.arange(frames, device=lips.device) * _STEP).clamp_max(lips.shape[1] - 1)
    before = at.floor().long()
    after = (before + 1).clamp_max(lips.shape[1] - 1)
    return torch.lerp(lips[:, before], lips[:, after], (at - before)[:, None].to(lips))
