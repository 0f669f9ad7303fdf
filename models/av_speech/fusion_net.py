"""The fusion network: encoder frames and lip states attend to each other, and the frames move by what was found.

Sound (41.7 Hz) and lips (25 Hz) stand in one sequence, each with its own time, as in MulT (Tsai et al., arXiv
1906.00295) but joint, so that each attends to the other and to itself. Positions are times in seconds, turned into
rotations (Su et al., arXiv 2104.09864), so unaligned rates need no resampling and a skew of the streams is one fixed
turn. Attention reaches a bounded time to both sides. The output is a residual behind a gate that begins at zero, as
in Flamingo and Whisper-Flamingo (arXiv 2406.10082).
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lipstream.models.av_speech.characters import CLASSES
from lipstream.models.av_speech.encoder_frames import frame_times
from lipstream.models.av_speech.sound_frames import FEATURES

REACH: Final = 1.21
"""Seconds to either side that attention sees in each layer; between two frames of either stream, so that rounding does
not decide what is seen."""
_FASTEST: Final = 0.16
_SLOWEST: Final = 10.0
"""Seconds in which the fastest and the slowest pair of numbers turn once."""


class Fused(NamedTuple):
    """What the network gives.

    Attributes:
        features: (B, T, 288) refined encoder frames.
        gate: (B, T) in [0, 1].
        hidden: (B, T, D) states of the sound, for `FusionNet.character_scores`.
        lips: (B, L, D) states of the lips.
    """

    features: Tensor
    gate: Tensor
    hidden: Tensor
    lips: Tensor


class FusionNet(nn.Module):
    """Joint attention of sound and lips.

    Shapes: B recordings, T encoder frames, L lip frames, D width.
    """

    def __init__(
        self, lip_width: int = 256, width: int = 192, heads: int = 4, layers: int = 4, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.sound_norm = nn.LayerNorm(FEATURES)
        self.sound = nn.Linear(FEATURES, width)
        self.lip_norm = nn.LayerNorm(lip_width)
        self.lip = nn.Linear(lip_width, width)
        self.kind = nn.Parameter(torch.zeros(2, width))
        self.turned = width // heads
        self.layers = nn.ModuleList(FusionLayer(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, FEATURES)
        self.gate = nn.Linear(width, 1)
        self.characters = nn.Linear(width, CLASSES)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(
        self,
        features: Tensor,
        times: Tensor,
        lips: Tensor,
        lip_times: Tensor,
        lip_mask: Tensor,
        sound_mask: Tensor | None = None,
    ) -> Fused:
        """Refine frames.

        Args:
            features: (B, T, 288) encoder frames.
            times: (T,) seconds of each.
            lips: (B, L, lip_width) states of the lip network.
            lip_times: (L,) or (B, L) seconds of each.
            lip_mask: (B, L) bool, True where lips are seen.
            sound_mask: (B, T) bool, True where a frame is real; None when all are.
        """
        count = features.shape[1]
        hidden, rotation, mask = self._together(features, times, lips, lip_times, lip_mask, sound_mask)
        for layer in self.layers:
            hidden = layer(hidden, rotation, mask)
        hidden = self.norm(hidden)
        sound = hidden[:, :count]
        gate = self.gate(sound).sigmoid()
        return Fused(features + gate * self.out(sound), gate[..., 0], sound, hidden[:, count:])

    def looks(self, features: Tensor, times: Tensor, lips: Tensor, lip_times: Tensor, lip_mask: Tensor) -> Tensor:
        """Which lip frames each frame of the sound attended to; arguments as of `forward`.

        Returns:
            (B, T, L) share of its attention, mean of all heads and layers; the rest went to the sound.
        """
        count = features.shape[1]
        hidden, rotation, mask = self._together(features, times, lips, lip_times, lip_mask, None)
        looks = hidden.new_zeros(len(hidden), count, hidden.shape[1] - count)
        for layer in self.layers:
            assert isinstance(layer, FusionLayer)
            looks = looks + layer.weights(hidden, rotation, mask)[:, :, :count, count:].mean(dim=1)
            hidden = layer(hidden, rotation, mask)
        return looks / len(self.layers)

    def _together(
        self,
        features: Tensor,
        times: Tensor,
        lips: Tensor,
        lip_times: Tensor,
        lip_mask: Tensor,
        sound_mask: Tensor | None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor], Tensor]:
        """Both streams as one sequence of N, its rotation, and what may look at what."""
        hidden = torch.cat((self._sound(features), self.lip(self.lip_norm(lips)) + self.kind[1]), dim=1)
        everywhen = torch.cat(
            (times.expand(len(lips), -1), lip_times.expand(len(lips), -1) if lip_times.ndim == 1 else lip_times), dim=1
        )
        heard = lip_mask.new_ones(len(lip_mask), features.shape[1]) if sound_mask is None else sound_mask
        mask = self._mask(everywhen, torch.cat((heard, lip_mask), dim=1))
        return hidden, turns(everywhen, self.turned), mask

    def without_lips(self, features: Tensor) -> Fused:
        """Refine (B, T, 288) frames by the sound alone."""
        lips = features.new_zeros(len(features), 1, self.lip.in_features)
        unseen = lips.new_zeros(len(features), 1, dtype=torch.bool)
        times = frame_times(features.shape[1]).to(features.device)
        fused: Fused = self(features, times, lips, times.new_zeros(1), unseen)
        return fused

    def character_scores(self, hidden: Tensor) -> Tensor:
        """(B, T, D) states -> (B, T, CLASSES) log-probabilities of characters, for CTC."""
        scores: Tensor = self.characters(hidden)
        return scores.log_softmax(dim=-1)

    def _sound(self, features: Tensor) -> Tensor:
        projected: Tensor = self.sound(self.sound_norm(features)) + self.kind[0]
        return projected

    @staticmethod
    def _mask(times: Tensor, real: Tensor) -> Tensor:
        """(B, N) seconds, (B, N) those that count -> (B, 1, N, N) True where the row may look at the column."""
        near = (times[:, :, None] - times[:, None, :]).abs() <= REACH
        # Every row sees itself: one that sees nothing would be a softmax over nothing.
        itself = torch.eye(times.shape[1], dtype=torch.bool, device=times.device)
        return (near & (real[:, None, :] | itself))[:, None]


class FusionLayer(nn.Module):
    """Attention and MLP, each behind a norm and added to the residual stream."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = nn.Dropout(dropout)
        self.attention_norm = nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.join = nn.Linear(width, width)
        self.mlp_norm = nn.LayerNorm(width)
        wide = 3 * width
        self.mlp = nn.Sequential(nn.Linear(width, wide), nn.GELU(), nn.Linear(wide, width))

    def forward(self, hidden: Tensor, rotation: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
        """(B, N, D) -> (B, N, D); rotation of `turns`, mask (B, 1, N, N)."""
        query, key, value = self._asked(hidden, rotation)
        seen = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        hidden = hidden + self.dropout(self.join(seen.transpose(1, 2).flatten(2)))
        more: Tensor = self.dropout(self.mlp(self.mlp_norm(hidden)))
        return hidden + more

    def weights(self, hidden: Tensor, rotation: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
        """(B, H, N, N) the attention that `forward` gives, which a row pays to each column; arguments as of it."""
        query, key, _ = self._asked(hidden, rotation)
        scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
        return scores.masked_fill(~mask, -torch.inf).softmax(dim=-1)

    def _asked(self, hidden: Tensor, rotation: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each (B, H, N, D / H)."""
        parts = self.queries_keys_values(self.attention_norm(hidden)).chunk(3, dim=-1)
        query, key, value = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        return _turn(query, rotation), _turn(key, rotation), value


def turns(times: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the angles of (B, N) times in seconds, each (B, 1, N, width / 2)."""
    pairs = width // 2
    periods = _FASTEST * (_SLOWEST / _FASTEST) ** (torch.arange(pairs, device=times.device) / max(1, pairs - 1))
    angles = times[:, None, :, None] * (2 * math.pi / periods)
    return angles.cos(), angles.sin()


def _turn(vectors: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Turn the pairs (first half, second half) of (B, H, N, D / H) vectors."""
    cosine, sine = rotation
    first, second = vectors.chunk(2, dim=-1)
    return torch.cat((first * cosine - second * sine, first * sine + second * cosine), dim=-1)
