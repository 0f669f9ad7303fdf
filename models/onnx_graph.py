"""Networks made of weights that lie elsewhere, as graphs for ONNX Runtime.

Weights are handed over as arrays and not written into the graph, so that they are not copied on the way.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper

from lipstream.models.ort_session import session_options

Float32 = npt.NDArray[np.float32]

_OPERATORS: Final = 18
_FORMAT: Final = 9
_SMALL: Final = 2048
"""Bytes up to which a constant is written into the graph: the runtime folds those away, and asks for the others."""
_ROWS: Final = 1024
_OURS: Final = "com.microsoft"
"""Where ONNX Runtime keeps the operators of its own."""
_OWN: Final = frozenset({"DynamicQuantizeMatMul", "Gelu", "MultiHeadAttention"})


class OnnxGraph:
    """A graph under construction. Values go by their names."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, npt.NDArray[Any]] = {}
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []

    def input(self, name: str, shape: Sequence[int | str], dtype: type[np.generic] = np.float32) -> str:
        """What is given at each run; a name in a shape stands for a size that changes."""
        self._inputs.append(_described(name, shape, dtype))
        return name

    def output(self, name: str, value: str, shape: Sequence[int | str]) -> None:
        """What is had from each run, float32, under this name."""
        self._nodes.append(helper.make_node("Identity", [value], [name]))
        self._outputs.append(_described(name, shape, np.float32))

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
        domain = _OURS if operator in _OWN else ""
        self._nodes.append(helper.make_node(operator, list(values), names, domain=domain, **attributes))
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
        graph = helper.make_graph(self._nodes, "graph", self._inputs, self._outputs)
        large: dict[str, npt.NDArray[Any]] = {}
        for name, values in self._constants.items():
            if values.ndim < 2 or values.nbytes <= _SMALL:
                graph.initializer.append(numpy_helper.from_array(values, name))
            else:
                graph.initializer.append(_elsewhere(name, values))
                large[name] = values
        handed = [ort.OrtValue.ortvalue_from_numpy(values) for values in large.values()]
        options.add_external_initializers(list(large), handed)
        versions = [helper.make_opsetid("", _OPERATORS), helper.make_opsetid(_OURS, 1)]
        model = helper.make_model(graph, opset_imports=versions, ir_version=_FORMAT)
        return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _described(name: str, shape: Sequence[int | str], dtype: type[np.generic]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)


def _elsewhere(name: str, values: npt.NDArray[Any]) -> onnx.TensorProto:
    """A constant whose numbers are handed over apart."""
    tensor = onnx.TensorProto(
        name=name,
        data_type=helper.np_dtype_to_tensor_dtype(values.dtype),
        dims=values.shape,
        data_location=onnx.TensorProto.EXTERNAL,
    )
    for key, value in (("location", "handed over"), ("offset", "0"), ("length", str(values.nbytes))):
        tensor.external_data.add(key=key, value=value)
    return tensor


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
