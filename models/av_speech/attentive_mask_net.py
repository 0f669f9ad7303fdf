"""Which part of a sound is the voice of the visible mouth? Sound and lips attend to each other to tell.

The frames of the sound look for the lips that go with them within a bounded time to either side, the lips look back at
what was made of the sound, and the sound looks at the lips once more. Each stream keeps its own rate: what counts is
the time between two frames, as in MulT (Tsai et al., arXiv 1906.00295), less the skew of picture and sound, which is
told from the segment itself. Lips that are not seen are looked at by nobody; where none are in reach a frame looks at
nothing. Layers that read forth and back keep hold of a voice over the whole segment.

Shapes: B segments, T frames of 24 ms, L lip frames of 40 ms, both from the first sample on; D width.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lipstream.models.av_speech.active_speaker_net import EVIDENCE, SEEN
from lipstream.models.av_speech.recording import LIP_RATE
from lipstream.models.av_speech.target_mask_net import Separation, TargetMaskNet, at_frames
from lipstream.models.av_speech.voice_bands import RATE

REACH: Final = 0.6
"""Seconds to either side that attention sees."""
SKEWS: Final = 7
"""Skews that are told apart, a lip frame from one to the next: up to 0.12 s to either side."""
_HEADS: Final = 4
_HEAD: Final = 32
"""Numbers of a head."""
_COMPARED: Final = 48
"""Numbers of the vectors that the skew is told by."""
_SECOND: Final = 25
"""Lip frames to either side that the decision whose voice it is looks at."""
_UNSEEN: Final = -1e4


class Attended(NamedTuple):
    """What the network tells.

    Attributes:
        gains: (B, T, BANDS) in [FLOOR, 1], the part of each band's amplitude that is not another voice's.
        other: (B, T) score (logit) that another voice is heard.
        own: (B, L) score that the visible mouth is a voice heard then; without meaning where no lips are seen.
        skew: (B, SKEWS) scores of how many lip frames, from -3 to 3, the sound is late.
        looks: (B, T, L) how much of its attention each frame of the sound gave to each lip frame, mean of the heads of
            both layers; what is missing from 1 went to no lips at all.
    """

    gains: Tensor
    other: Tensor
    own: Tensor
    skew: Tensor
    looks: Tensor


class CrossAttention(nn.Module):
    """Frames of one stream attend to those of another within `REACH`.

    Args:
        width: numbers of a frame that asks.
        other: of one that is asked.
        dropout: in training.
    """

    def __init__(self, width: int, other: int, dropout: float) -> None:
        super().__init__()
        inner = _HEADS * _HEAD
        self.query_norm, self.key_norm = nn.LayerNorm(width), nn.LayerNorm(other)
        self.query = nn.Linear(width, inner)
        self.key = nn.Linear(other, inner)
        self.value = nn.Linear(other, inner)
        self.join = nn.Linear(inner, width)
        nn.init.zeros_(self.join.weight)
        nn.init.zeros_(self.join.bias)
        self.dropout = nn.Dropout(dropout)
        # At first each frame sees what is about at the same time: heads of 40 to 320 ms.
        self.centre = nn.Parameter(torch.zeros(_HEADS))
        self.narrow = nn.Parameter(-math.log(2.0) * torch.arange(_HEADS))
        self.nothing = nn.Parameter(torch.zeros(_HEADS))

    def forward(self, asking: Tensor, asked: Tensor, apart: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Ask.

        Args:
            asking: (B, N, width).
            asked: (B, M, other).
            apart: (B, N, M) seconds from a frame that is asked to the one that asks, without the skew.
            seen: (B, M) whether a frame may be asked.

        Returns:
            (B, N, width) to add to what asks, and (B, N, M) the mean attention of the heads.
        """
        query = self._heads(self.query(self.query_norm(asking)))
        known = self.key_norm(asked)
        key, value = self._heads(self.key(known)), self._heads(self.value(known))
        scores = query @ key.transpose(-1, -2) / math.sqrt(_HEAD) + self._nearness(apart)
        hidden = (apart.abs() > REACH) | ~seen[:, None]
        scores = scores.masked_fill(hidden[:, None], _UNSEEN)
        nothing = self.nothing[:, None, None].expand(scores.shape[0], -1, scores.shape[2], 1)
        weights = torch.cat((scores, nothing), dim=-1).softmax(dim=-1)[..., :-1]
        found = (self.dropout(weights) @ value).transpose(1, 2).flatten(2)
        return self.dropout(self.join(found)), weights.mean(dim=1)

    @staticmethod
    def _heads(vectors: Tensor) -> Tensor:
        apart: Tensor = vectors.unflatten(-1, (_HEADS, _HEAD))  # type: ignore[no-untyped-call]
        return apart.transpose(1, 2)

    def _nearness(self, apart: Tensor) -> Tensor:
        """(B, heads, N, M) what the time between two frames adds: each head looks about a time of its own."""
        away = (apart[:, None] * LIP_RATE - self.centre[:, None, None]) * self.narrow.exp()[:, None, None]
        return -0.5 * away.square()


class AttentiveMaskNet(TargetMaskNet):
    """The network: `TargetMaskNet`, into whose layers attention is put that begins with no effect.

    So it can begin with weights of a `TargetMaskNet`, and goes on from there.

    Args:
        width: of its layers.
        dropout: in training.
    """

    def __init__(self, width: int = 160, dropout: float = 0.2) -> None:
        super().__init__(width, dropout)
        wide = 2 * width
        self.mouth = nn.Linear(EVIDENCE, width)
        self.compare_sound = nn.Linear(width, _COMPARED)
        self.compare_lips = nn.Linear(width, _COMPARED)
        self.sharpness = nn.Parameter(torch.tensor(1.5))
        self.usual = nn.Parameter(-0.5 * (torch.arange(SKEWS) - SKEWS // 2).square().float())
        self.look = CrossAttention(wide, width, dropout)
        self.look_back = CrossAttention(width, wide, dropout)
        self.look_again = CrossAttention(wide, width, dropout)
        self.around = nn.Conv1d(width, 32, 2 * _SECOND + 1, padding=_SECOND)
        self.own = nn.Linear(32 + width, 1)

    def attend(self, bands: Tensor, sound: Tensor, evidence: Tensor) -> Attended:
        """Attend and separate; arguments as of `forward`."""
        seen, count = evidence[..., SEEN] > 0, bands.shape[1]
        heard = self.sound(self.dropout((sound - self.sound_mean) * self.sound_scale))
        shown = self.dropout(evidence)
        mouth = F.gelu(self.mouth(shown))
        skew = self._skew(heard, mouth, seen.to(mouth))
        apart = self._apart(count, evidence.shape[1], skew)
        hidden = self._entered(bands, at_frames(torch.cat((heard, self.lips(shown)), dim=-1), count))
        found, looks = self.look(hidden, mouth, apart, seen)
        hidden = hidden + found
        hidden = hidden + self.first(self.dropout(hidden))[0]
        everything = torch.ones_like(hidden[..., 0], dtype=torch.bool)
        mouth = mouth + self.look_back(mouth, hidden, -apart.transpose(1, 2), everything)[0]
        found, more = self.look_again(hidden, mouth, apart, seen)
        hidden = hidden + found
        hidden = hidden + self.second(self.dropout(hidden))[0]
        gains, other = self._separated(hidden)
        return Attended(gains, other, self._own(mouth, seen), skew, (looks + more) / 2)

    def forward(self, bands: Tensor, sound: Tensor, evidence: Tensor) -> Separation:
        """As that of `TargetMaskNet`."""
        found = self.attend(bands, sound, evidence)
        return Separation(found.gains, found.other)

    def _skew(self, heard: Tensor, mouth: Tensor, seen: Tensor) -> Tensor:
        """(B, SKEWS) scores, from how well lips and the sound so many lip frames later go together."""
        one = F.normalize(self.compare_lips(mouth), dim=-1) * seen[..., None]
        other = F.normalize(self.compare_sound(heard), dim=-1)
        reach, count = SKEWS // 2, heard.shape[1]
        padded = F.pad(other, (0, 0, reach, reach))
        alike = torch.stack([(one * padded[:, at : at + count]).sum(dim=(1, 2)) for at in range(SKEWS)], dim=-1)
        # What is alike adds up over the frames, as evidence does, but neighbours say the same.
        return self.usual + self.sharpness.exp() * alike / seen.sum(dim=1, keepdim=True).clamp_min(1).sqrt()

    @staticmethod
    def _apart(frames: int, lips: int, skew: Tensor) -> Tensor:
        """(B, T, L) seconds from each lip frame to each frame of the sound, without the skew."""
        sound_times = torch.arange(frames, device=skew.device) / RATE
        lip_times = torch.arange(lips, device=skew.device) / LIP_RATE
        late = (torch.arange(SKEWS, device=skew.device) - SKEWS // 2) / LIP_RATE
        expected = (skew.softmax(dim=-1) * late).sum(dim=-1)
        return sound_times[:, None] - lip_times - expected[:, None, None]

    def _own(self, mouth: Tensor, seen: Tensor) -> Tensor:
        known = mouth * seen[..., None].to(mouth)
        around = F.gelu(self.around(known.transpose(1, 2)).transpose(1, 2))
        scores: Tensor = self.own(torch.cat((around, known), dim=-1))
        return scores[..., 0]
