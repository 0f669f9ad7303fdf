"""Write a trained network as a graph for ONNX Runtime, beside its weights."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn

from lipstream.models.exported import WEIGHTS
from lipstream.models.whole_file import whole_file

_OPERATORS = 18


def export(
    network: nn.Module,
    path: Path,
    examples: Mapping[str, Tensor],
    outputs: Sequence[str],
    changing: Mapping[str, Mapping[int, str]],
    made_of: Sequence[Path],
) -> None:
    """Write a network.

    Args:
        network: in inference mode; called with the examples in their order.
        path: to be written.
        examples: inputs by name.
        outputs: their names.
        changing: of inputs and outputs, axes whose size is not always that of the examples, each with a name.
        made_of: files with its weights; what they held goes into the metadata.
    """
    content: Any = io.BytesIO()  # taken as well, whatever its types say
    with warnings.catch_warnings(), torch.no_grad():
        # The newer exporter takes recurrent layers apart, which then run several times slower.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            tuple(examples.values()),
            content,
            dynamo=False,
            opset_version=_OPERATORS,
            input_names=list(examples),
            output_names=list(outputs),
            dynamic_axes={name: dict(axes) for name, axes in changing.items()},
        )
    model = onnx.load_from_string(content.getvalue())
    _halve(model.graph)
    helper.set_model_props(model, {WEIGHTS: ",".join(digest(each) for each in made_of)})
    with whole_file(path) as partial:
        partial.write_bytes(model.SerializeToString())


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _halve(graph: onnx.GraphProto) -> None:
    """Keep large weights in half precision, as they are in their own file; the runtime widens them when it loads."""
    kept, widened = [], []
    for weight in graph.initializer:
        if weight.data_type != onnx.TensorProto.FLOAT or np.prod(weight.dims) < 64:
            kept.append(weight)
            continue
        name = f"{weight.name}_half"
        kept.append(numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float16), name))
        widened.append(helper.make_node("Cast", [name], [weight.name], to=onnx.TensorProto.FLOAT))
    nodes = [*widened, *graph.node]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)
