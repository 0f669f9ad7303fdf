"""The voice branch: attentive pooling over the speech encoder's frames and prosody."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lipstream.models.emotion.prosody import PROSODY
from lipstream.models.emotion.voice_steps import ENCODER, STEP

EMBEDDING = 128
"""Length of the voice embedding."""


class AttentivePooling(nn.Module):
    """Weighted mean and deviation over time (Okabe et al., Interspeech 2018)."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.score = nn.Sequential(nn.Linear(channels, 64), nn.Tanh(), nn.Linear(64, heads))
        self.heads = heads

    def forward(self, frames: Tensor, mask: Tensor) -> Tensor:
        """(B, T, C) frames and (B, T) mask to (B, 2 C): each head pools its share of the channels."""
        batch, time, channels = frames.shape
        weights = self.score(frames).masked_fill(~mask[:, :, None], -1e4).softmax(dim=1)[:, :, :, None]
        split = frames.view(batch, time, self.heads, channels // self.heads)
        mean = (split * weights).sum(dim=1)
        deviation = ((split - mean[:, None]).square() * weights).sum(dim=1).clamp_min(1e-5).sqrt()
        return torch.cat([mean.flatten(1), deviation.flatten(1)], dim=1)


class Standardise(nn.Module):
    """Every number of a frame to mean 0 and deviation 1 over the frames it was fitted to.

    The layers of a transformer carry a few channels a hundred times larger than the rest, which would drown them in a
    normalisation over the channels.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("deviation", torch.ones(channels))

    def fit(self, frames: Tensor) -> None:
        """Take mean and deviation of (N, C) frames."""
        self.mean, self.deviation = frames.mean(dim=0), frames.std(dim=0).clamp_min(1e-3)

    def forward(self, frames: Tensor) -> Tensor:
        """(..., C) to the same, standardised."""
        return (frames - self.mean) / self.deviation


class VoiceNet(nn.Module):
    """Encoder frames and prosody of a window of speech to emotion logits and an embedding."""

    def __init__(self, classes: int = 7, dropout: float = 0.4) -> None:
        super().__init__()
        self.word_norm = Standardise(ENCODER)
        self.some_words = nn.Dropout1d(0.2)  # the same numbers in all steps of a window: much cheaper, and harder
        self.words = nn.Sequential(nn.Linear(ENCODER, 96), nn.GELU())
        self.sound_norm = nn.BatchNorm1d(PROSODY)
        self.sound = nn.Sequential(nn.Conv1d(PROSODY, 64, 5, stride=2, padding=2), nn.GELU(), nn.Dropout(0.1))
        self.melody = nn.Sequential(nn.Conv1d(64, 64, 5, stride=STEP // 2, padding=2), nn.GELU())
        self.pool = AttentivePooling(160, heads=4)
        self.embed = nn.Sequential(
            nn.LayerNorm(320), nn.Dropout(dropout), nn.Linear(320, EMBEDDING), nn.GELU(), nn.Dropout(dropout)
        )
        self.classify = nn.Linear(EMBEDDING, classes)

    def forward(self, encoded: Tensor, sound: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Classify.

        Args:
            encoded: (B, T, ENCODER) steps of encoder frames.
            sound: (B, STEP * T, PROSODY).
            mask: (B, T) bool, which steps are real.

        Returns:
            Logits (B, 7) and embeddings (B, 128).
        """
        words = self.words(self.some_words(self.word_norm(encoded).transpose(1, 2)).transpose(1, 2))
        heard = self.sound(self.sound_norm(sound.transpose(1, 2)) * mask.repeat_interleave(STEP, dim=1)[:, None])
        heard = self.melody(heard * mask.repeat_interleave(STEP // 2, dim=1)[:, None]).transpose(1, 2)
        embedding = self.embed(self.pool(torch.cat([words, heard], dim=2), mask))
        return self.classify(embedding), embedding
