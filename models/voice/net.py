"""The network of voices in torch: a GE2E speaker encoder (Wan et al. 2018, arXiv 1710.10467) as Resemblyzer has it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lipstream.models.voice.mel import BANDS

EMBEDDING = 256
"""Length of the vector of a voice."""
_HIDDEN, _LAYERS = 256, 3


class SpeakerNet(nn.Module):
    """Three recurrent layers, the last state of which is the voice, and a space in which voices are compared.

    All vectors of the first lie in one corner, and part of how they differ is not who speaks. So they are centred, and
    turned and scaled so that one person's differ alike in all directions (`training/space.py`).
    """

    mean: Tensor
    turn: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(BANDS, _HIDDEN, _LAYERS, batch_first=True)
        self.linear = nn.Linear(_HIDDEN, EMBEDDING)
        self.register_buffer("mean", torch.zeros(EMBEDDING))
        self.register_buffer("turn", torch.eye(EMBEDDING))

    def forward(self, mels: Tensor) -> Tensor:
        """(B, T, BANDS) power in mel bands, T frames of 10 ms -> (B, EMBEDDING) of length 1."""
        return F.normalize((self.published(mels) - self.mean) @ self.turn, dim=1)

    def published(self, mels: Tensor) -> Tensor:
        """The vectors as Resemblyzer gives them: of length 1, nowhere negative."""
        _, (state, _) = self.lstm(mels)
        return F.normalize(F.relu(self.linear(state[-1])), dim=1)
