"""The Moonshine decoder in plain torch, run over all tokens of a text at once (teacher forcing).

The published decoder graph gives one token's logits a step and keeps its attention to itself. This one, with the same
weights in float32, also returns the cross-attention and lets gradients flow to the encoder states. Architecture:
Jeffries et al., "Moonshine: Speech Recognition for Live Transcription and Voice Commands", arXiv 2410.15608: a
pre-norm transformer whose causal self-attention has rotary position embeddings on part of each head, cross-attention
without positions, a SwiGLU MLP, layer norms without bias, and an output projection tied to the token embedding.

Shapes below: B texts, N tokens, T encoder frames, D model width, L layers, H heads, V vocabulary.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lipstream.models.errors import ModelError
from lipstream.models.ort_weights import read_ort_weights
from lipstream.models.speech.cross_attention import PARAMETER_PREFIX, DecoderShape


class DecoderOutput(NamedTuple):
    """What the decoder gives for a text.

    Attributes:
        hidden: (B, N, D) normed states; `MoonshineDecoder.logits` turns them into token scores.
        cross_attention: (B, L, H, N, T) softmax weights over the frames. Row n is the look at the audio taken with
            tokens 0..n known, thus while choosing token n + 1. L counts the layers that were run.
    """

    hidden: Tensor
    cross_attention: Tensor


class MoonshineDecoder(nn.Module):
    """Decoder of a Moonshine model. Differentiable with respect to the encoder states and its own weights."""

    def __init__(self, shape: DecoderShape | None = None) -> None:
        super().__init__()
        self.shape = shape or DecoderShape()
        self.embed_tokens = nn.Embedding(self.shape.vocabulary, self.shape.width)
        self.layers = nn.ModuleList(DecoderLayer(self.shape) for _ in range(self.shape.layers))
        self.norm = nn.LayerNorm(self.shape.width, bias=False)

    def forward(self, tokens: Tensor, states: Tensor, frame_mask: Tensor | None = None) -> DecoderOutput:
        """Run the decoder over whole texts.

        Args:
            tokens: (B, N) int64 token ids, the first of each the start token.
            states: (B, T, D) encoder states.
            frame_mask: (B, T) bool, True where a frame is real; None when all are.

        Returns:
            Hidden states and cross-attention, the latter of all layers.
        """
        hidden = self.embed_tokens(tokens)
        rotation = rotary_rotation(tokens.shape[1], self.shape.rotary_width, self.shape.rotary_base, states)
        mask = None if frame_mask is None else frame_mask[:, None, None, :]
        attention = []
        for layer in self.layers:
            hidden, weights = layer(hidden, states, rotation, mask)
            attention.append(weights)
        return DecoderOutput(self.norm(hidden), torch.stack(attention, dim=1))

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores of the next token: (B, N, D) normed states -> (B, N, V)."""
        return F.linear(hidden, self.embed_tokens.weight)


class DecoderLayer(nn.Module):
    """Self-attention, cross-attention and MLP, each behind a norm and added to the residual stream."""

    def __init__(self, shape: DecoderShape) -> None:
        super().__init__()
        self.self_attn = SelfAttention(shape)
        self.encoder_attn = CrossAttention(shape)
        self.mlp = GatedMLP(shape)
        self.input_layernorm = nn.LayerNorm(shape.width, bias=False)
        self.post_attention_layernorm = nn.LayerNorm(shape.width, bias=False)
        self.final_layernorm = nn.LayerNorm(shape.width, bias=False)

    def forward(
        self, hidden: Tensor, states: Tensor, rotation: tuple[Tensor, Tensor], mask: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """(B, N, D) hidden, (B, T, D) states -> (B, N, D) hidden and (B, H, N, T) cross-attention."""
        hidden = hidden + self.self_attn(self.input_layernorm(hidden), rotation)
        seen, weights = self.encoder_attn(self.post_attention_layernorm(hidden), states, mask)
        hidden = hidden + seen
        return hidden + self.mlp(self.final_layernorm(hidden)), weights


class _Attention(nn.Module):
    """Projections shared by both kinds of attention."""

    def __init__(self, shape: DecoderShape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.q_proj = nn.Linear(shape.width, shape.width, bias=False)
        self.k_proj = nn.Linear(shape.width, shape.width, bias=False)
        self.v_proj = nn.Linear(shape.width, shape.width, bias=False)
        self.o_proj = nn.Linear(shape.width, shape.width, bias=False)

    def _split(self, projected: Tensor) -> Tensor:
        """(B, S, D) -> (B, H, S, D / H)."""
        return projected.view(*projected.shape[:2], self.heads, -1).transpose(1, 2)

    def _join(self, attended: Tensor) -> Tensor:
        """(B, H, S, D / H) -> (B, S, D), through the output projection."""
        joined: Tensor = self.o_proj(attended.transpose(1, 2).flatten(-2))
        return joined


class SelfAttention(_Attention):
    """Causal self-attention with partial rotary position embeddings (Su et al., arXiv 2104.09864)."""

    def forward(self, hidden: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
        """(B, N, D) -> (B, N, D)."""
        query = rotate(self._split(self.q_proj(hidden)), *rotation)
        key = rotate(self._split(self.k_proj(hidden)), *rotation)
        value = self._split(self.v_proj(hidden))
        return self._join(F.scaled_dot_product_attention(query, key, value, is_causal=True))


class CrossAttention(_Attention):
    """Attention of the text to the audio. No positions: order comes from the encoder states alone."""

    def forward(self, hidden: Tensor, states: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """(B, N, D) hidden, (B, T, D) states -> (B, N, D) and the softmax weights (B, H, N, T)."""
        query = self._split(self.q_proj(hidden))
        key = self._split(self.k_proj(states))
        scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
        if mask is not None:
            scores = scores.masked_fill(~mask, float("-inf"))
        weights = scores.softmax(dim=-1)
        return self._join(weights @ self._split(self.v_proj(states))), weights


class GatedMLP(nn.Module):
    """SwiGLU (Shazeer, arXiv 2002.05202)."""

    def __init__(self, shape: DecoderShape) -> None:
        super().__init__()
        self.fc1 = nn.Linear(shape.width, 2 * shape.mlp_width)
        self.fc2 = nn.Linear(shape.mlp_width, shape.width)

    def forward(self, hidden: Tensor) -> Tensor:
        """(B, N, D) -> (B, N, D)."""
        value, gate = self.fc1(hidden).chunk(2, dim=-1)
        projected: Tensor = self.fc2(F.silu(gate) * value)
        return projected


def rotary_rotation(length: int, width: int, base: float, like: Tensor) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the rotary angles of positions 0..length-1, each (length, width / 2), typed as `like`."""
    frequencies = base ** -(torch.arange(0, width, 2, device=like.device, dtype=torch.float32) / width)
    angles = torch.arange(length, device=like.device, dtype=torch.float32)[:, None] * frequencies
    return angles.cos().to(like.dtype), angles.sin().to(like.dtype)


def rotate(vectors: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Turn neighbouring pairs of the leading numbers of (B, H, N, D / H) vectors by their position's angles."""
    width = 2 * cosine.shape[-1]
    even, odd = vectors[..., 0:width:2], vectors[..., 1:width:2]
    turned = torch.stack((even * cosine - odd * sine, odd * cosine + even * sine), dim=-1).flatten(-2)
    return torch.cat((turned, vectors[..., width:]), dim=-1)


def load_decoder(path: Path, shape: DecoderShape | None = None) -> MoonshineDecoder:
    """Build the decoder with the weights of a published `decoder_model_merged.ort`, frozen, in evaluation mode.

    Raises:
        ModelError: the file is missing, not an `.ort` file, or does not hold a decoder of this shape.
    """
    stored = read_ort_weights(path, PARAMETER_PREFIX)
    # The initialisation is thrown away, so it must not move the caller's random state.
    with torch.random.fork_rng(devices=[]):
        decoder = MoonshineDecoder(shape)
    names = decoder.state_dict().keys()
    try:
        weights = {name: torch.from_numpy(stored[name]) for name in names}
        decoder.load_state_dict(weights, assign=True)
    except (KeyError, RuntimeError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise ModelError(f"{path} does not hold the weights of a {decoder.shape}: {reason}") from error
    return decoder.requires_grad_(False).eval()
