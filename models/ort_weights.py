"""Read the weights of an ONNX Runtime format (`.ort`) file as float32 arrays.

The file is a flatbuffer; its schema ships with onnxruntime, so nothing is executed or unpickled. Quantised matrices
(int8 or uint8 with one scale and zero point, the form onnxruntime's dynamic quantisation writes) come back as
`(q - zero_point) * scale`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lipstream.models.errors import ModelError
from lipstream.models.ort_format import InferenceSession, TensorDataType

Float32 = npt.NDArray[np.float32]

_FILE_IDENTIFIER_AT = slice(4, 8)
_FILE_IDENTIFIER = b"ORTM"
_DTYPES: dict[int, type[np.generic]] = {
    TensorDataType.FLOAT: np.float32,
    TensorDataType.UINT8: np.uint8,
    TensorDataType.INT8: np.int8,
}
_MATRIX_OPERATORS = frozenset({"MatMul", "MatMulIntegerToFloat", "DynamicQuantizeMatMul"})
# "…_merged_0" is added where the graphs of the first and of later decoding steps were joined.
_MERGED = re.compile(r"_merged_\d+$")
_QUANTISED = "_quantized"


def read_ort_weights(path: Path, prefix: str = "") -> dict[str, Float32]:
    """Read the weights of an `.ort` file under the names of the module that was exported.

    Named parameters keep their name (`layers.0.mlp.fc1.bias`). Matrices that the exporter left nameless take the name
    of the node that multiplies by them and are transposed to (out, in), as in `torch.nn.Linear`: the node
    `/layers.0/mlp/fc1/MatMul` gives `layers.0.mlp.fc1.weight`.

    Args:
        path: the `.ort` file.
        prefix: leading part of the names to drop where it is present, for example `model.decoder.`.

    Returns:
        Name -> float32 array. Quantised weights are dequantised.

    Raises:
        ModelError: the file cannot be read or is not in ONNX Runtime format.
    """
    graphs = list(_graphs(_session(path).Model().Graph()))
    tensors = {name: tensor for graph in graphs for name, tensor in _initialisers(graph)}
    weights: dict[str, Float32] = {}
    for stored in tensors:
        name = _MERGED.sub("", stored.removesuffix(_QUANTISED))
        if name.endswith((".weight", ".bias")):
            weights[name.removeprefix(prefix)] = _floats(stored, tensors)
    # A dictionary first: both branches of a merged decoder multiply by the same matrices.
    matrices = dict(pair for graph in graphs for pair in _matrices(graph, tensors))
    for node_name, stored in matrices.items():
        name = ".".join(node_name.strip("/").split("/")[:-1]) + ".weight"
        weights[name.removeprefix(prefix)] = _floats(stored, tensors).T
    return weights


def _session(path: Path) -> Any:  # noqa: ANN401  (flatbuffer accessors are untyped)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror or error}") from error
    if data[_FILE_IDENTIFIER_AT] != _FILE_IDENTIFIER:
        raise ModelError(f"{path} is not an ONNX Runtime format (.ort) model; fetch it again")
    return InferenceSession.GetRootAs(data, 0)


def _graphs(graph: Any) -> Iterator[Any]:  # noqa: ANN401
    """Yield a graph and, depth first, the graphs inside its control flow nodes."""
    yield graph
    for node in map(graph.Nodes, range(graph.NodesLength())):
        for attribute in map(node.Attributes, range(node.AttributesLength())):
            if attribute.G() is not None:
                yield from _graphs(attribute.G())


def _initialisers(graph: Any) -> Iterator[tuple[str, npt.NDArray[Any]]]:  # noqa: ANN401
    for tensor in map(graph.Initializers, range(graph.InitializersLength())):
        dtype = _DTYPES.get(tensor.DataType())
        if dtype is not None and tensor.RawDataLength():
            yield tensor.Name().decode(), tensor.RawDataAsNumpy().view(dtype).reshape(_shape(tensor))


def _shape(tensor: Any) -> tuple[int, ...]:  # noqa: ANN401
    return tuple(tensor.Dims(axis) for axis in range(tensor.DimsLength()))


def _matrices(graph: Any, tensors: dict[str, npt.NDArray[Any]]) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    """Yield (node name, weight name) of every multiplication by a stored 2-D matrix."""
    for node in map(graph.Nodes, range(graph.NodesLength())):
        if node.OpType().decode() in _MATRIX_OPERATORS:
            right = node.Inputs(1).decode()
            if right in tensors and tensors[right].ndim == 2:
                yield node.Name().decode(), right


def _floats(stored: str, tensors: dict[str, npt.NDArray[Any]]) -> Float32:
    values = tensors[stored]
    if values.dtype == np.float32:
        return values.astype(np.float32)
    base = stored.removesuffix(_QUANTISED)
    zero_point, scale = tensors[base + "_zero_point"], tensors[base + "_scale"]
    floats = values.astype(np.float32)
    floats -= np.float32(zero_point)
    floats *= scale
    return floats
