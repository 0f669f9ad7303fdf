"""The voice branch: attentive pooling over the speech encoder's frames and prosody."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.emotion.prosody import PROSODY

ENCODER = 288
"""Numbers in a frame of the speech encoder."""

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


class VoiceNet(nn.Module):
    """Encoder frames and prosody of a window of speech to emotion logits and an embedding."""

    def __init__(self, classes: int = 7, dropout: float = 0.4) -> None:
        super().__init__()
        self.word_norm = nn.LayerNorm(ENCODER)
        self.words = nn.Sequential(nn.Dropout(0.1), nn.Linear(ENCODER, 96), nn.GELU())
        self.sound_norm = nn.BatchNorm1d(PROSODY)
        self.sound = nn.Sequential(nn.Conv1d(PROSODY, 96, 5, stride=2, padding=2), nn.GELU(), nn.Dropout(0.1))
        self.melody = nn.Sequential(nn.Conv1d(96, 96, 5, padding=2), nn.GELU())
        self.pool = AttentivePooling(192, heads=4)
        self.embed = nn.Sequential(
            nn.LayerNorm(384), nn.Dropout(dropout), nn.Linear(384, EMBEDDING), nn.GELU(), nn.Dropout(dropout)
        )
        self.classify = nn.Linear(EMBEDDING, classes)

    def forward(self, encoded: Tensor, sound: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Classify.

        Args:
            encoded: (B, T, 288) encoder frames.
            sound: (B, T, PROSODY).
            mask: (B, T) bool, which frames are real.

        Returns:
            Logits (B, 7) and embeddings (B, 128).
        """
        if encoded.shape[1] % 2:
            encoded, sound = functional.pad(encoded, (0, 0, 0, 1)), functional.pad(sound, (0, 0, 0, 1))
            mask = functional.pad(mask, (0, 1))
        # Half the rate is enough for emotion, and half of the work.
        words = self.words(self.word_norm(encoded).unflatten(1, (-1, 2)).mean(dim=2))
        half = mask[:, ::2]
        heard = self.sound(self.sound_norm(sound.transpose(1, 2)) * mask[:, None])
        heard = self.melody(heard * half[:, None]).transpose(1, 2)
        embedding = self.embed(self.pool(torch.cat([words, heard], dim=2), half))
        return self.classify(embedding), embedding
