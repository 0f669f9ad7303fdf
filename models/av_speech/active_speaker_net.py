"""Is this visible mouth the voice we hear? Two towers that put lips and sound into one space, frame by frame.

Trained by contrast (as SyncNet, Chung & Zisserman 2016, and CLIP): lips should be nearer to their own sound than to
that of other recordings and than to their own at another time. A few decisions then weigh the likeness over two seconds
with what the mouth and the sound do at the moment.

Shapes: B recordings, L lip frames at 25 Hz.
"""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lipstream.models.av_speech.lip_input import INPUTS
from lipstream.models.av_speech.recording import BLENDSHAPES, POINTS
from lipstream.models.av_speech.sound_frames import SOUND

_EMBEDDING: Final = 128
_WIDTH: Final = 192
_FAR: Final = 25
"""Frames to either side over which likeness is weighed."""
_NEAR: Final = 3
_CUES: Final = 5
"""Numbers that each tower says about the moment itself."""
EVIDENCE: Final = 3 + _CUES + BLENDSHAPES + 2 * _EMBEDDING
"""Numbers of the evidence of a frame: score, likeness, whether lips are seen, cues of the lips, blendshapes, the vector
of the lips, and its product with that of the sound."""
_LIP_PADS: Final = ((2, 2), (3, 1), (2, 0))
_SOUND_PADS: Final = ((2, 2), (2, 2), (1, 1))


class Tower(nn.Module):
    """Frames of one stream to unit vectors."""

    mean: Tensor
    scale: Tensor

    def __init__(self, inputs: int, pads: tuple[tuple[int, int], ...], dropout: float) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("scale", torch.ones(inputs))
        self.pads = pads
        self.enter = nn.Linear(inputs, _WIDTH)
        self.convolutions = nn.ModuleList(nn.Conv1d(_WIDTH, _WIDTH, 1 + sum(pad)) for pad in pads)
        self.norms = nn.ModuleList(nn.LayerNorm(_WIDTH) for _ in pads)
        self.dropout = nn.Dropout(dropout)
        self.leave = nn.Linear(_WIDTH, _EMBEDDING)

    def fit(self, frames: Tensor) -> None:
        """Learn mean and scale of the input from (N, inputs) frames."""
        self.mean.copy_(frames.mean(dim=0))
        self.scale.copy_(1 / frames.std(dim=0).clamp_min(1e-3))

    def forward(self, frames: Tensor, mask: Tensor) -> Tensor:
        """(B, L, inputs) frames and (B, L) mask -> (B, L, 128) vectors of length 1."""
        hidden = self.enter(self.dropout((frames - self.mean) * self.scale)) * mask[..., None]
        for pad, convolution, norm in zip(self.pads, self.convolutions, self.norms, strict=True):
            through = norm(convolution(F.pad(hidden.transpose(1, 2), pad)).transpose(1, 2))
            hidden = hidden + self.dropout(F.gelu(through))
        return F.normalize(self.leave(hidden), dim=-1)


class ActiveSpeakerNet(nn.Module):
    """Both towers and what decides."""

    def __init__(self, dropout: float = 0.2) -> None:
        super().__init__()
        self.lips = Tower(INPUTS, _LIP_PADS, dropout)
        self.sound = Tower(SOUND, _SOUND_PADS, dropout)
        self.sharpness = nn.Parameter(torch.tensor(2.5))
        self.lip_cues = nn.Linear(_EMBEDDING, _CUES)
        self.sound_cues = nn.Linear(_EMBEDDING, _CUES)
        inputs = 2 + 2 * _CUES
        self.far = nn.Conv1d(inputs, 24, 2 * _FAR + 1, padding=_FAR)
        self.near = nn.Conv1d(inputs, 24, 2 * _NEAR + 1, padding=_NEAR)
        self.decide = nn.Conv1d(48, 1, 1)

    def forward(self, lips: Tensor, mask: Tensor, sound: Tensor) -> Tensor:
        """Scores (logits) that the mouth of each frame is the voice that is heard then.

        Args:
            lips: (B, L, INPUTS) input of lips, `centred`.
            mask: (B, L) frames in which lips are seen.
            sound: (B, L, SOUND) sound at the times of the lip frames.

        Returns:
            (B, L); without meaning where the mask is off.
        """
        seen = mask.to(lips)
        return self.judge(self.lips(lips, seen), self.sound(sound, torch.ones_like(seen)), seen)

    def judge(self, lips: Tensor, sound: Tensor, seen: Tensor) -> Tensor:
        """The same from the vectors of both towers, each (B, L, 128)."""
        return self._decide(self._cues(lips, sound, seen))

    def evidence(self, lips: Tensor, mask: Tensor, sound: Tensor) -> tuple[Tensor, Tensor]:
        """What there is to know of the visible mouth beside a mixture; arguments as of `forward`.

        Returns:
            (B, L) scores as `forward` gives them, and (B, L, EVIDENCE), all 0 where no lips are seen.
        """
        seen = mask.to(lips)
        said, heard = self.lips(lips, seen), self.sound(sound, torch.ones_like(seen))
        cues = self._cues(said, heard, seen)
        scores = self._decide(cues)
        moves = 3 * lips[..., 2 * POINTS : 2 * POINTS + BLENDSHAPES]
        # Vectors of length 1 have small numbers: brought to the size of the others.
        vectors = (8 * said, 64 * said * heard)
        known = torch.cat((scores[..., None] / 4, cues[..., : 2 + _CUES], moves, *vectors), dim=-1)
        return scores, known * seen[..., None]

    def _cues(self, lips: Tensor, sound: Tensor, seen: Tensor) -> Tensor:
        likeness = (lips * sound).sum(dim=-1) * seen
        of_lips = 3 * self.lip_cues(lips) * seen[..., None]
        return torch.cat((torch.stack((4 * likeness, seen), dim=-1), of_lips, 3 * self.sound_cues(sound)), dim=-1)

    def _decide(self, cues: Tensor) -> Tensor:
        around = cues.transpose(1, 2)
        scores: Tensor = self.decide(F.gelu(torch.cat((self.far(around), self.near(around)), dim=1)))
        return scores[:, 0]

    def likeness(self, lips: Tensor, sound: Tensor, seen: Tensor) -> Tensor:
        """(B, C) how alike each of B lip tracks is to each of C sounds, over the frames seen."""
        together = torch.einsum("bld,cld->bcl", lips, sound) * seen[:, None]
        return together.sum(dim=-1) / seen.sum(dim=-1)[:, None].clamp_min(1) * self.sharpness.exp()


def centred(lips: Tensor, mask: Tensor) -> Tensor:
    """(..., L, INPUTS) lips less the mean of those seen: whose mouth it is and how it is lit falls away."""
    seen = mask[..., None].to(lips)
    return lips - (lips * seen).sum(dim=-2, keepdim=True) / seen.sum(dim=-2, keepdim=True).clamp_min(1)
