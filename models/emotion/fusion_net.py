"""Two ways to weigh face against voice, with one interface: a gate on summaries, and cross-modal attention.

Both return `log_softmax(2 * (g_face * a_face * f + g_voice * a_voice * v))` with f and v the branches' mean
log-probabilities, a their inverse temperatures, and g the gate, two numbers that sum to 1. They differ in how g is
found. With one modality masked the other's gate is 1 and the result is that branch alone, at its own temperature.

How much a side counted is not its gate alone: one that is open to a side which finds all classes alike lets nothing
through. So the weights that are reported compare how far each side's term pulls the classes apart.

Shapes: B batch, F face tokens, V voice tokens; a token is 7 log-probabilities and 3 numbers of quality.
"""

from __future__ import annotations

import math
from abc import abstractmethod

import torch
from torch import Tensor, nn

from lipstream.models.emotion.quality import TOKEN

_NO_PULL = 1e-6


def masked_mean(tokens: Tensor, mask: Tensor) -> Tensor:
    """Mean over the tokens (B, N, C) that the mask (B, N) admits; zeros where there are none."""
    weights = mask.float()[:, :, None]
    return (tokens * weights).sum(dim=1) / weights.sum(dim=1).clamp_min(1)


def shares(terms: Tensor, otherwise: Tensor) -> Tensor:
    """How much each side's term moves the result: its deviation over the classes, as a share of both sides'.

    What a term adds to all classes alike changes nothing after the softmax, so only its deviation counts.

    Args:
        terms: (B, 2, 7), whose sum is the logits.
        otherwise: (B, 2), the shares where no class is any likelier than the others.

    Returns:
        (B, 2), each row sums to 1.
    """
    pulls = terms.std(dim=2, correction=0)
    total = pulls.sum(dim=1, keepdim=True)
    return torch.where(total > _NO_PULL, pulls / total.clamp_min(_NO_PULL), otherwise)


class FusionNet(nn.Module):
    """What the ways have in common."""

    def __init__(self) -> None:
        super().__init__()
        self.single = nn.Parameter(torch.ones(2), requires_grad=False)
        """Inverse temperatures of face and voice alone, set by calibration."""
        self.both = nn.Parameter(torch.ones(2))
        """Inverse temperatures of face and voice together, learned."""

    @abstractmethod
    def gate(
        self, face: Tensor, voice: Tensor, face_mask: Tensor, voice_mask: Tensor, times: tuple[Tensor, Tensor]
    ) -> Tensor:
        """(B, 2) logits of the weights of face and voice, both being there."""

    def forward(
        self, face: Tensor, voice: Tensor, face_mask: Tensor, voice_mask: Tensor, times: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Fuse.

        Args:
            face: (B, F, TOKEN).
            voice: (B, V, TOKEN).
            face_mask: (B, F) bool.
            voice_mask: (B, V) bool.
            times: (B, F) and (B, V), seconds before the moment of fusion, <= 0.

        Returns:
            Log-probabilities (B, 7), and how much face and voice counted in them, (B, 2), which sum to 1.
        """
        there = torch.stack([face_mask.any(dim=1), voice_mask.any(dim=1)], dim=1)
        logits = self.gate(face, voice, face_mask, voice_mask, times)
        gates = logits.masked_fill(~there, -1e4).softmax(dim=1)
        scales = torch.where(there.all(dim=1, keepdim=True), 2 * self.both, self.single) * gates
        means = torch.stack([masked_mean(face, face_mask), masked_mean(voice, voice_mask)], dim=1)[:, :, :7]
        terms = scales[:, :, None] * means
        return terms.sum(dim=1).log_softmax(dim=1), shares(terms, gates)


class LateFusion(FusionNet):
    """Plain late fusion: equal weights, temperature-scaled log-probabilities."""

    def gate(
        self, face: Tensor, voice: Tensor, face_mask: Tensor, voice_mask: Tensor, times: tuple[Tensor, Tensor]
    ) -> Tensor:
        """Equal weights."""
        return face.new_zeros(len(face), 2)


class GatedFusion(FusionNet):
    """Late fusion whose weights a small network reads from the mean tokens: confidence and quality of each side."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.network = nn.Sequential(
            nn.Linear(2 * TOKEN, width),
            nn.GELU(),
            nn.Dropout(0.1),
            nn.Linear(width, width),
            nn.GELU(),
            nn.Linear(width, 2),
        )

    def gate(
        self, face: Tensor, voice: Tensor, face_mask: Tensor, voice_mask: Tensor, times: tuple[Tensor, Tensor]
    ) -> Tensor:
        """From the mean tokens."""
        logits: Tensor = self.network(torch.cat([masked_mean(face, face_mask), masked_mean(voice, voice_mask)], dim=1))
        return logits


class CrossModalFusion(FusionNet):
    """Directional cross-modal attention (Tsai et al., MulT, ACL 2019): each side asks the other over unaligned tokens.

    Every token carries its time; nothing after the moment of fusion is seen.
    """

    def __init__(self, width: int = 32, heads: int = 2) -> None:
        super().__init__()
        self.width = width
        self.face_in, self.voice_in = nn.Linear(TOKEN, width), nn.Linear(TOKEN, width)
        self.face_asks = nn.MultiheadAttention(width, heads, dropout=0.1, batch_first=True)
        self.voice_asks = nn.MultiheadAttention(width, heads, dropout=0.1, batch_first=True)
        self.face_norm, self.voice_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.weigh = nn.Sequential(nn.Linear(2 * width, width), nn.GELU(), nn.Linear(width, 2))

    def gate(
        self, face: Tensor, voice: Tensor, face_mask: Tensor, voice_mask: Tensor, times: tuple[Tensor, Tensor]
    ) -> Tensor:
        """From what each side found in the other."""
        faces = self.face_in(face) + self._when(times[0])
        voices = self.voice_in(voice) + self._when(times[1])
        # A side without tokens must not be attended to, but softmax needs one: it gets its own padding.
        no_face, no_voice = self._padding(face_mask), self._padding(voice_mask)
        found_in_voice, _ = self.face_asks(faces, voices, voices, key_padding_mask=no_voice, need_weights=False)
        found_in_face, _ = self.voice_asks(voices, faces, faces, key_padding_mask=no_face, need_weights=False)
        seen = masked_mean(self.face_norm(faces + found_in_voice), face_mask)
        heard = masked_mean(self.voice_norm(voices + found_in_face), voice_mask)
        logits: Tensor = self.weigh(torch.cat([seen, heard], dim=1))
        return logits

    @staticmethod
    def _padding(mask: Tensor) -> Tensor:
        return ~mask & mask.any(dim=1, keepdim=True)

    def _when(self, times: Tensor) -> Tensor:
        """Sinusoids of periods from 0.25 s to 16 s."""
        periods = torch.exp(torch.linspace(math.log(0.25), math.log(16), self.width // 2, device=times.device))
        angles = 2 * math.pi * times[:, :, None] / periods
        return torch.cat([angles.sin(), angles.cos()], dim=2)


WAYS: dict[str, type[FusionNet]] = {"late": LateFusion, "gated": GatedFusion, "attention": CrossModalFusion}
"""The ways to fuse, by name, the simplest first."""
