"""The layers of Whisper as parts of a graph, with the weights of a CTranslate2 folder.

Shapes: B texts side by side, n tokens, T encoder frames, D width, H heads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from lipstream.models.errors import ModelError
from lipstream.models.onnx_graph import OnnxGraph, rounded
from lipstream.models.speech.whisper.ct2_file import Ct2File

Precision = Literal["int8", "float32"]
_EPSILON: Final = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """Adds layers to a graph.

    Attributes:
        graph: what is added to.
        file: the weights.
        heads: of every attention.
        width: D.
        precision: of the linear layers.
    """

    graph: OnnxGraph
    file: Ct2File
    heads: int
    width: int
    precision: Precision

    @classmethod
    def of(cls, part: str, file: Ct2File, precision: Precision) -> Layers:
        """For a new graph of the encoder or decoder."""
        count_layers(file, part)
        width = len(file.variables[f"{part}/layer_norm/gamma"])
        return cls(OnnxGraph(), file, int(file.variables[f"{part}/num_heads"]), width, precision)

    def norm(self, values: str, name: str) -> str:
        """Layer normalisation."""
        gain, offset = (self.graph.constant(self.file.floats(f"{name}/{part}")) for part in ("gamma", "beta"))
        return self.graph.apply("LayerNormalization", values, gain, offset, axis=-1, epsilon=_EPSILON)

    def linear(self, values: str, name: str) -> str:
        """A linear layer."""
        bias = self.file.floats(f"{name}/bias") if f"{name}/bias" in self.file.variables else None
        if self.precision == "int8":
            weight, scales = self.file.kept.get(f"{name}/weight", lambda: rounded(self.file.numbers(f"{name}/weight")))
            return self.graph.linear_rounded(values, weight, scales, bias)
        return self.graph.linear(values, self.file.floats(f"{name}/weight"), bias)

    def split(self, values: str, parts: int) -> list[str]:
        """(..., parts * D) -> so many (..., D)."""
        sizes = self.graph.sizes(*[self.width] * parts)
        return self.graph.apply_for(parts, "Split", values, sizes, axis=-1)

    def heads_of(self, values: str) -> str:
        """(B, n, D) -> (B, H, n, D / H)."""
        shaped = self.graph.apply("Reshape", values, self.graph.sizes(0, 0, self.heads, self.width // self.heads))
        return self.graph.apply("Transpose", shaped, perm=[0, 2, 1, 3])

    def joined(self, values: str) -> str:
        """(B, H, n, D / H) -> (B, n, D)."""
        turned = self.graph.apply("Transpose", values, perm=[0, 2, 1, 3])
        return self.graph.apply("Reshape", turned, self.graph.sizes(0, 0, self.width))

    def feed_forward(self, values: str, name: str) -> str:
        """Two linear layers with a curve between them."""
        wide = self.graph.apply("Gelu", self.linear(self.norm(values, f"{name}/layer_norm"), f"{name}/linear_0"))
        return self.graph.apply("Add", values, self.linear(wide, f"{name}/linear_1"))

    def everything(self, values: str, name: str) -> str:
        """Every frame attends to every other."""
        asked, keys, told = self.split(self.linear(self.norm(values, f"{name}/layer_norm"), f"{name}/linear_0"), 3)
        found = self.graph.apply("MultiHeadAttention", asked, keys, told, num_heads=self.heads)
        return self.graph.apply("Add", values, self.linear(found, f"{name}/linear_1"))

    def onwards(self, values: str, name: str, past: tuple[str, str], mask: str) -> tuple[str, tuple[str, str]]:
        """Every token attends to those up to it; also gives keys and values (B, H, length, D / H) of all of them."""
        entered = self.split(self.linear(self.norm(values, f"{name}/layer_norm"), f"{name}/linear_0"), 3)
        asked, keys, told = (self.heads_of(part) for part in entered)
        keys, told = (self.graph.apply("Concat", old, new, axis=2) for old, new in zip(past, (keys, told), strict=True))
        turned = self.graph.apply("Transpose", keys, perm=[0, 1, 3, 2])
        scores = self.graph.apply("Mul", self.graph.apply("MatMul", asked, turned), self.scale())
        looks = self.graph.apply("Softmax", self.graph.apply("Add", scores, mask), axis=-1)
        found = self.joined(self.graph.apply("MatMul", looks, told))
        return self.graph.apply("Add", values, self.linear(found, f"{name}/linear_1")), (keys, told)

    def of_sound(self, frames: str, name: str) -> tuple[str, str]:
        """Keys, turned and scaled, (1, H, D / H, T), and values (1, H, T, D / H) of (1, T, D) frames."""
        keys, told = (self.heads_of(part) for part in self.split(self.linear(frames, f"{name}/linear_1"), 2))
        turned = self.graph.apply("Transpose", keys, perm=[0, 1, 3, 2])
        return self.graph.apply("Mul", turned, self.scale()), told

    def across(self, values: str, name: str, sound: tuple[str, str]) -> tuple[str, str]:
        """What (B, n, D) tokens find in the sound, and (1, H, B * n, T) where they looked."""
        keys, told = sound
        # All texts look at the same sound: they are the rows of one matrix.
        asked = self.linear(self.norm(values, f"{name}/layer_norm"), f"{name}/linear_0")
        rows = self.heads_of(self.graph.apply("Reshape", asked, self.graph.sizes(1, -1, self.width)))
        looks = self.graph.apply("Softmax", self.graph.apply("MatMul", rows, keys), axis=-1)
        found = self.joined(self.graph.apply("MatMul", looks, told))
        shaped = self.graph.apply("Reshape", found, self.graph.apply("Shape", values))
        return self.graph.apply("Add", values, self.linear(shaped, f"{name}/linear_2")), looks

    def scale(self) -> str:
        """What scores of attention are multiplied by."""
        return self.graph.constant(np.float32((self.width // self.heads) ** -0.5))


def count_layers(file: Ct2File, part: str) -> int:
    """How many layers the encoder or decoder has.

    Raises:
        ModelError: none.
    """
    numbers = {name.split("/")[1] for name in file.variables if name.startswith(f"{part}/layer_")}
    count = len(numbers - {"layer_norm"})
    if not count:
        raise ModelError(f"these are no weights of Whisper: there is no layer of the {part}")
    return count
