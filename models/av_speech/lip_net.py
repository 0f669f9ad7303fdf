"""The lip network: what a mouth does, frame by frame, with a short look ahead."""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lipstream.models.av_speech.characters import CLASSES
from lipstream.models.av_speech.lip_input import INPUTS

LOOK_AHEAD: Final = 5
"""Frames after a frame that its state depends on: 200 ms."""
_PADS: Final = ((2, 2), (1, 3))
"""Frames before and after that each convolution sees."""
STEPS: Final = 2
"""Character scores a frame: fast speech has more characters than frames."""


class LipNet(nn.Module):
    """Two convolutions that look ahead, then recurrent layers that do not.

    Shapes: B tracks, T frames, F numbers a frame.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, inputs: int = INPUTS, width: int = 256, layers: int = 2, dropout: float = 0.3) -> None:
        super().__init__()
        self.width = width
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("scale", torch.ones(inputs))
        self.convolutions = nn.ModuleList(
            nn.Conv1d(inputs + 1 if index == 0 else width, width, 1 + sum(pad)) for index, pad in enumerate(_PADS)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in _PADS)
        self.dropout = nn.Dropout(dropout)
        self.recurrent = nn.GRU(width, width, layers, batch_first=True, dropout=dropout)
        self.characters = nn.Linear(width, STEPS * CLASSES)

    def fit(self, frames: Tensor) -> None:
        """Learn mean and scale of the input from (N, F) frames."""
        self.mean.copy_(frames.mean(dim=0))
        self.scale.copy_(1 / frames.std(dim=0).clamp_min(1e-3))

    def forward(self, frames: Tensor, mask: Tensor) -> Tensor:
        """(B, T, F) frames and (B, T) mask of those seen -> (B, T, width) states."""
        seen = mask[..., None].to(frames)
        hidden = torch.cat(((frames - self.mean) * self.scale * seen, seen), dim=-1)
        for index, (pad, convolution, norm) in enumerate(zip(_PADS, self.convolutions, self.norms, strict=True)):
            through = norm(convolution(F.pad(hidden.transpose(1, 2), pad)).transpose(1, 2))
            hidden = self.dropout(F.gelu(through)) + (hidden if index else 0)
            if index == 0:
                hidden = hidden * seen  # as beyond the ends, so that hidden frames there do not count
        states: Tensor = self.recurrent(hidden)[0]
        return states + hidden

    def character_scores(self, states: Tensor) -> Tensor:
        """(B, T, width) states -> (B, 2 T, CLASSES) log-probabilities of characters, for CTC."""
        scores: Tensor = self.characters(self.dropout(states))
        return scores.reshape(len(scores), -1, CLASSES).log_softmax(dim=-1)
