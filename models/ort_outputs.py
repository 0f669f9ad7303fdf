"""Let a network in ONNX Runtime format (`.ort`) give out values that its graph computes anyway."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from lipstream.models.ort_format import InferenceSession

_OUTPUTS = 16
"""Where a `Graph` table's entry for its outputs stands in the table's directory (onnxruntime's schema `ort.fbs`)."""


def with_outputs(model: bytes, names: Sequence[str]) -> bytes:
    """The same network with more outputs, after its own.

    The file is a flatbuffer: a new list of output names goes to its end, and the graph is pointed there. Nothing else
    changes, so the network computes what it did. A name the graph does not know makes onnxruntime refuse the model.

    Args:
        model: content of the file.
        names: names of values inside the graph.
    """
    graph = InferenceSession.GetRootAs(model, 0).Model().Graph()
    wanted = [graph.Outputs(index) for index in range(graph.OutputsLength())] + [name.encode() for name in names]
    field = graph._tab.Pos + graph._tab.Offset(_OUTPUTS)
    data = bytearray(model)
    _align(data)
    vector = len(data)
    data += struct.pack("<I", len(wanted)) + bytes(4 * len(wanted))
    for index, name in enumerate(wanted):
        _align(data)
        entry = vector + 4 + 4 * index
        struct.pack_into("<I", data, entry, len(data) - entry)
        data += struct.pack("<I", len(name)) + name + b"\0"
    struct.pack_into("<I", data, field, vector - field)
    return bytes(data)


def _align(data: bytearray) -> None:
    data += bytes(-len(data) % 4)
