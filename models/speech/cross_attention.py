"""Where the Moonshine decoder looks in the sound, for a whole text at once (teacher forcing).

The published decoder graph gives one token's logits a step and keeps its attention to itself. This graph is made of
its weights, in float32. Architecture: Jeffries et al., "Moonshine: Speech Recognition for Live Transcription and Voice
Commands", arXiv 2410.15608: a pre-norm transformer whose causal self-attention has rotary position embeddings on part
of each head, cross-attention without positions, a SwiGLU MLP, and layer norms without bias.

The same in torch, for training, is `models/training/torch_decoder.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from lipstream.models.errors import ModelError
from lipstream.models.onnx_graph import OnnxGraph
from lipstream.models.ort_weights import read_ort_weights
from lipstream.models.speech.engine import Float32

PARAMETER_PREFIX: Final = "model.decoder."
_EPSILON: Final = 1e-5


@dataclass(frozen=True, slots=True)
class DecoderShape:
    """Sizes of a Moonshine decoder; the defaults are those of the tiny model."""

    layers: int = 6
    heads: int = 8
    width: int = 288
    mlp_width: int = 1152
    vocabulary: int = 32_768
    rotary_width: int = 32
    """How many of the `width // heads` numbers of each query and key turn with the position."""
    rotary_base: float = 10_000.0


class CrossAttention:
    """The first layers of a decoder.

    Args:
        path: the published `decoder_model_merged.ort`.
        shape: of the decoder; `layers` says how many are run.
        threads: processor threads.

    Raises:
        ModelError: the file is missing, not an `.ort` file, or does not hold such a decoder.
    """

    def __init__(self, path: Path, shape: DecoderShape, threads: int = 1) -> None:
        stored = read_ort_weights(path, PARAMETER_PREFIX)
        self._shape = shape
        try:
            self._embeddings = stored["embed_tokens.weight"]
            if self._embeddings.shape != (shape.vocabulary, shape.width):
                raise ValueError(f"embeddings of shape {self._embeddings.shape}")
            self._session = _graph(shape, stored).open(threads)
        except (KeyError, ValueError, IndexError) as error:
            raise ModelError(f"{path} does not hold the weights of a {shape}: {error}") from error

    def __call__(self, tokens: Sequence[int], features: Float32) -> Float32:
        """Look at the sound with each token of a text.

        Args:
            tokens: N of them, the first the start token.
            features: (T, width) encoder frames.

        Returns:
            (layers, heads, N, T) softmax weights over the frames. Row n is the look taken with tokens 0..n known, thus
            while choosing token n + 1.
        """
        shape = self._shape
        frequencies = shape.rotary_base ** -(np.arange(0, shape.rotary_width, 2) / shape.rotary_width)
        angles = np.arange(len(tokens))[:, None] * frequencies
        given = {
            "tokens": self._embeddings[list(tokens)],
            "frames": np.ascontiguousarray(features, np.float32),
            "cosine": np.cos(angles).astype(np.float32),
            "sine": np.sin(angles).astype(np.float32),
            "mask": np.triu(np.full((len(tokens), len(tokens)), -np.inf, np.float32), 1),
        }
        return np.stack(self._session.run(None, given))


def _graph(shape: DecoderShape, stored: Mapping[str, Float32]) -> OnnxGraph:
    layers = _Layers(OnnxGraph(), shape, stored)
    graph, half = layers.graph, shape.rotary_width // 2
    values = graph.input("tokens", ("N", shape.width))
    frames = graph.input("frames", ("T", shape.width))
    turn = graph.input("cosine", ("N", half)), graph.input("sine", ("N", half))
    mask = graph.input("mask", ("N", "N"))
    for index in range(shape.layers):
        name = f"layers.{index}"
        normed = layers.norm(values, f"{name}.input_layernorm")
        values = graph.apply("Add", values, layers.onwards(normed, f"{name}.self_attn", turn, mask))
        normed = layers.norm(values, f"{name}.post_attention_layernorm")
        found, looks = layers.across(normed, f"{name}.encoder_attn", frames)
        graph.output(f"looks{index}", looks, (shape.heads, "N", "T"))
        if index + 1 < shape.layers:
            values = graph.apply("Add", values, found)
            normed = layers.norm(values, f"{name}.final_layernorm")
            values = graph.apply("Add", values, layers.feed_forward(normed, f"{name}.mlp"))
    return graph


class _Layers:
    """Adds layers to a graph."""

    def __init__(self, graph: OnnxGraph, shape: DecoderShape, stored: Mapping[str, Float32]) -> None:
        self.graph, self._shape, self._stored = graph, shape, stored
        size, turning = shape.width // shape.heads, shape.rotary_width
        # Neighbouring numbers turn together. Queries and keys may have theirs in any order, as long as it is the same
        # one: the first of each pair first, then the second, then what does not turn.
        order = [*range(0, turning, 2), *range(1, turning, 2), *range(turning, size)]
        self._rows = [head * size + place for head in range(shape.heads) for place in order]

    def norm(self, values: str, name: str) -> str:
        gain = self.graph.constant(self._stored[f"{name}.weight"])
        return self.graph.apply("LayerNormalization", values, gain, axis=-1, epsilon=_EPSILON)

    def onwards(self, values: str, name: str, turn: tuple[str, str], mask: str) -> str:
        """Every token attends to those up to it."""
        asked, keys = (
            self._turned(self._heads(values, f"{name}.{part}_proj", self._rows), turn) for part in ("q", "k")
        )
        told = self._heads(values, f"{name}.v_proj")
        scores = self.graph.apply("Add", self._likeness(asked, keys), mask)
        return self._joined(self.graph.apply("Softmax", scores, axis=-1), told, name)

    def across(self, values: str, name: str, frames: str) -> tuple[str, str]:
        """What tokens find in the frames, and where they look."""
        asked = self._heads(values, f"{name}.q_proj")
        keys, told = (self._heads(frames, f"{name}.{part}_proj") for part in ("k", "v"))
        looks = self.graph.apply("Softmax", self._likeness(asked, keys), axis=-1)
        return self._joined(looks, told, name), looks

    def feed_forward(self, values: str, name: str) -> str:
        """SwiGLU (Shazeer, arXiv 2002.05202)."""
        wide = self._linear(values, f"{name}.fc1")
        sizes = self.graph.sizes(self._shape.mlp_width, self._shape.mlp_width)
        value, gate = self.graph.apply_for(2, "Split", wide, sizes, axis=-1)
        opened = self.graph.apply("Mul", gate, self.graph.apply("Sigmoid", gate))
        return self._linear(self.graph.apply("Mul", opened, value), f"{name}.fc2")

    def _linear(self, values: str, name: str) -> str:
        return self.graph.linear(values, self._stored[f"{name}.weight"], self._stored.get(f"{name}.bias"))

    def _heads(self, values: str, name: str, rows: Sequence[int] | None = None) -> str:
        """(N, D) -> (H, N, D / H) by a linear layer, whose outputs may be had in another order."""
        weight = self._stored[f"{name}.weight"]
        projected = self.graph.linear(values, weight if rows is None else weight[list(rows)])
        count = self._shape.heads
        shaped = self.graph.apply("Reshape", projected, self.graph.sizes(0, count, self._shape.width // count))
        return self.graph.apply("Transpose", shaped, perm=[1, 0, 2])

    def _likeness(self, asked: str, keys: str) -> str:
        """(H, N, M) scores of (H, N, D / H) queries and (H, M, D / H) keys."""
        scale = self.graph.constant(np.float32((self._shape.width // self._shape.heads) ** -0.5))
        found = self.graph.apply("MatMul", asked, self.graph.apply("Transpose", keys, perm=[0, 2, 1]))
        return self.graph.apply("Mul", found, scale)

    def _joined(self, looks: str, told: str, name: str) -> str:
        """What is found, (N, D)."""
        found = self.graph.apply("Transpose", self.graph.apply("MatMul", looks, told), perm=[1, 0, 2])
        shaped = self.graph.apply("Reshape", found, self.graph.sizes(0, self._shape.width))
        return self._linear(shaped, f"{name}.o_proj")

    def _turned(self, values: str, turn: tuple[str, str]) -> str:
        """(H, N, D / H) vectors, each turned by the angles of its position (Su et al., arXiv 2104.09864)."""
        cosine, sine = turn
        half = self._shape.rotary_width // 2
        rest = self._shape.width // self._shape.heads - 2 * half
        parts = [half, half, *([rest] if rest else [])]
        first, second, *others = self.graph.apply_for(len(parts), "Split", values, self.graph.sizes(*parts), axis=-1)
        apply = self.graph.apply
        turned = apply("Sub", apply("Mul", first, cosine), apply("Mul", second, sine))
        beside = apply("Add", apply("Mul", second, cosine), apply("Mul", first, sine))
        return apply("Concat", turned, beside, *others, axis=-1)
