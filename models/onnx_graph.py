"""Networks made of weights that lie elsewhere, as graphs for ONNX Runtime.

Weights are handed over as arrays and not written into the graph, so that they are not copied on the way. What is left
is small, and is kept in the cache under a name that says all it is made of: ONNX's library, which writes it
(`onnx_model`), loads slowly.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from lipstream.models.kept_arrays import KeptArrays, kept_path
from lipstream.models.ort_session import session_options

Float32 = npt.NDArray[np.float32]

OPERATORS: Final = 18
"""Version of ONNX's operators."""
_SMALL: Final = 2048
"""Bytes up to which a constant is written into the graph: the runtime folds those away, and asks for the others."""
_ROWS: Final = 1024
OURS: Final = "com.microsoft"
"""Where ONNX Runtime keeps the operators of its own."""
_OWN: Final = frozenset({"DynamicQuantizeMatMul", "Gelu", "MultiHeadAttention"})
_FORM: Final = "1"
"""Of what is kept; another one is made anew."""


@dataclass(frozen=True, slots=True)
class Node:
    """An operator in a graph.

    Attributes:
        operator: its name.
        given: names of the values that it is given; "" for one that is left out.
        results: names of those that it gives.
        domain: where it is from, "" for ONNX itself.
        settings: names and values of its attributes.
    """

    operator: str
    given: tuple[str, ...]
    results: tuple[str, ...]
    domain: str = ""
    settings: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Value:
    """An input or an output of a graph.

    Attributes:
        name: of it.
        shape: a name in it stands for a size that changes.
        kind: numpy's name of its numbers.
    """

    name: str
    shape: tuple[int | str, ...]
    kind: str


class OnnxGraph:
    """A graph under construction. Values go by their names."""

    def __init__(self) -> None:
        self._nodes: list[Node] = []
        self._constants: dict[str, npt.NDArray[Any]] = {}
        self._inputs: list[Value] = []
        self._outputs: list[Value] = []

    def input(self, name: str, shape: Sequence[int | str], dtype: type[np.generic] = np.float32) -> str:
        """What is given at each run; a name in a shape stands for a size that changes."""
        self._inputs.append(Value(name, tuple(shape), np.dtype(dtype).name))
        return name

    def output(self, name: str, value: str, shape: Sequence[int | str]) -> None:
        """What is had from each run, float32, under this name."""
        self._nodes.append(Node("Identity", (value,), (name,)))
        self._outputs.append(Value(name, tuple(shape), "float32"))

    def constant(self, values: npt.ArrayLike) -> str:
        """An array that stays as it is."""
        name = f"constant{len(self._constants)}"
        self._constants[name] = np.ascontiguousarray(values)
        return name

    def sizes(self, *values: int) -> str:
        """Whole numbers, as shapes and places are given."""
        return self.constant(np.array(values, np.int64))

    def apply(self, operator: str, *values: str, **attributes: Any) -> str:  # noqa: ANN401
        """An operator of ONNX, or of ONNX Runtime, with one result."""
        return self.apply_for(1, operator, *values, **attributes)[0]

    def apply_for(self, results: int, operator: str, *values: str, **attributes: Any) -> list[str]:  # noqa: ANN401
        """The same with several."""
        names = [f"{operator.lower()}{len(self._nodes)}_{place}" for place in range(results)]
        domain = OURS if operator in _OWN else ""
        self._nodes.append(Node(operator, values, tuple(names), domain, tuple(sorted(attributes.items()))))
        return names

    def linear(self, values: str, weight: Float32, bias: Float32 | None = None) -> str:
        """`values @ weight.T + bias` in float32.

        Args:
            values: (..., in).
            weight: (out, in).
            bias: (out,).
        """
        found = self.apply("MatMul", values, self.constant(weight.T))
        return found if bias is None else self.apply("Add", found, self.constant(bias))

    def linear_int8(self, values: str, weight: npt.NDArray[Any], bias: Float32 | None = None) -> str:
        """The same in eight bits: a quarter of the memory, and several times as fast.

        Weights are kept in eight bits with a scale for each output, activations are brought to eight bits with one
        scale a call (dynamic quantisation). So what goes through a layer together is rounded a little differently than
        one by one.
        """
        return self.linear_rounded(values, *rounded(weight), bias)

    def linear_rounded(
        self, values: str, weight: npt.NDArray[np.int8], scales: Float32, bias: Float32 | None = None
    ) -> str:
        """The same with weights that are rounded already.

        Args:
            values: (..., in).
            weight: (in, out), from `rounded`.
            scales: (out,), likewise.
            bias: (out,).
        """
        if _adds_in_sixteen_bits():
            kept = self.constant(weight.view(np.uint8) ^ np.uint8(128))
            zero = self.constant(np.full(len(scales), 128, np.uint8))
        else:
            kept, zero = self.constant(weight), ""
        inputs = [values, kept, self.constant(scales), zero]
        if bias is not None:
            inputs.append(self.constant(bias))
        return self.apply("DynamicQuantizeMatMul", *inputs)

    def open(self, threads: int) -> Any:  # noqa: ANN401  (onnxruntime carries no types)
        """The finished graph, on the processor, with so many threads of its own."""
        options = session_options(threads)
        small, large = self._small_and_large()
        handed = [ort.OrtValue.ortvalue_from_numpy(values) for values in large.values()]
        options.add_external_initializers(list(large), handed)
        return ort.InferenceSession(self._content(small, large), options, providers=["CPUExecutionProvider"])

    def _small_and_large(self) -> tuple[dict[str, npt.NDArray[Any]], dict[str, npt.NDArray[Any]]]:
        small: dict[str, npt.NDArray[Any]] = {}
        large: dict[str, npt.NDArray[Any]] = {}
        for name, values in self._constants.items():
            (small if values.ndim < 2 or values.nbytes <= _SMALL else large)[name] = values
        return small, large

    def _content(self, small: dict[str, npt.NDArray[Any]], large: dict[str, npt.NDArray[Any]]) -> bytes:
        """The graph without what is handed over: kept, or made and kept."""

        def make() -> tuple[npt.NDArray[np.uint8]]:
            from lipstream.models.onnx_model import serialised

            content = serialised(self._nodes, self._inputs, self._outputs, small, large)
            return (np.frombuffer(content, np.uint8),)

        kept = KeptArrays(kept_path("graph", {"form": _FORM, "graph": self._digest(small, large)}))
        content = kept.get("graph", make)[0].tobytes()
        kept.finish()
        return content

    def _digest(self, small: dict[str, npt.NDArray[Any]], large: dict[str, npt.NDArray[Any]]) -> str:
        """A hash of all that `_content` is made of."""
        nodes = [(each.operator, each.given, each.results, each.domain, each.settings) for each in self._nodes]
        values = [[(each.name, each.shape, each.kind) for each in those] for those in (self._inputs, self._outputs)]
        kinds = [(name, each.dtype.str, each.shape) for name, each in (*small.items(), *large.items())]
        digest = hashlib.sha256(json.dumps([OPERATORS, nodes, values, kinds, list(small)]).encode())
        for each in small.values():
            digest.update(each.tobytes())
        return digest.hexdigest()


def rounded(weight: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int8], Float32]:
    """(in, out) numbers in eight bits, and (out,) their scales; some rows at a time, which needs little memory.

    Args:
        weight: (out, in).
    """
    found = np.empty(weight.shape[::-1], np.int8)
    scales = np.empty(len(weight), np.float32)
    for first in range(0, len(weight), _ROWS):
        rows = slice(first, first + _ROWS)
        some = weight[rows].astype(np.float32)
        scales[rows] = np.maximum(np.maximum(some.max(1), -some.min(1)) / 127, 1e-8)
        some *= (1 / scales[rows])[:, None]
        found[:, rows] = np.rint(some, out=some).astype(np.int8).T
    return found, scales


@cache
def _adds_in_sixteen_bits() -> bool:
    """Whether products of unsigned and signed eight-bit numbers may overflow here.

    x86 processors without VNNI instructions add them in sixteen bits, unless both are unsigned.
    """
    if platform.machine().lower() not in ("x86_64", "amd64", "i386", "i686"):
        return False
    try:
        return "vnni" not in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return True
