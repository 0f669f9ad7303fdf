"""A graph as ONNX Runtime reads it. Apart from `onnx_graph`, because the library that writes it loads slowly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from lipstream.models.onnx_graph import OPERATORS, OURS, Node, Value

FORMAT: Final = 9
"""Version of the file format."""


def serialised(
    nodes: Sequence[Node],
    inputs: Sequence[Value],
    outputs: Sequence[Value],
    small: Mapping[str, npt.NDArray[Any]],
    large: Mapping[str, npt.NDArray[Any]],
) -> bytes:
    """The graph in ONNX's own format.

    Args:
        nodes: in an order in which they can be run.
        inputs: what is given at each run.
        outputs: what is had from each run.
        small: constants that are written into it, by name.
        large: constants that are handed over apart.
    """
    made = [
        helper.make_node(node.operator, list(node.given), list(node.results), domain=node.domain, **dict(node.settings))
        for node in nodes
    ]
    graph = helper.make_graph(made, "graph", list(map(_described, inputs)), list(map(_described, outputs)))
    graph.initializer.extend(numpy_helper.from_array(values, name) for name, values in small.items())
    graph.initializer.extend(_elsewhere(name, values) for name, values in large.items())
    versions = [helper.make_opsetid("", OPERATORS), helper.make_opsetid(OURS, 1)]
    content: bytes = helper.make_model(graph, opset_imports=versions, ir_version=FORMAT).SerializeToString()
    return content


def _described(value: Value) -> onnx.ValueInfoProto:
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(value.kind))
    return helper.make_tensor_value_info(value.name, kind, value.shape)


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
