"""Graphs made here compute what they say."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.models import onnx_graph, onnx_model
from lipstream.models.onnx_graph import OnnxGraph


def run(add, values):
    """A graph of one layer, on (2, 3, inputs) values."""
    graph = OnnxGraph()
    graph.output("found", add(graph, graph.input("given", (2, 3, values.shape[-1]))), (2, 3, "outputs"))
    return graph.open(1).run(None, {"given": values})[0]


@pytest.fixture(params=[False, True])
def sixteen_bits(request, monkeypatch):
    """Processors on which products of signed numbers may overflow, and others."""
    monkeypatch.setattr(onnx_graph, "_adds_in_sixteen_bits", lambda: request.param)


@pytest.mark.parametrize("bias", [None, np.linspace(-1, 1, 5, dtype=np.float32)])
def test_a_linear_layer(bias, sixteen_bits):
    random = np.random.default_rng(0)
    # Large enough to be handed over apart.
    weight, values = (random.normal(size=shape).astype(np.float32) for shape in ((5, 1024), (2, 3, 1024)))
    expected = values @ weight.T + (0.0 if bias is None else bias)
    exact = run(lambda graph, given: graph.linear(given, weight, bias), values)
    assert exact == pytest.approx(expected, abs=1e-3)
    rounded = run(lambda graph, given: graph.linear_int8(given, weight, bias), values)
    assert rounded == pytest.approx(expected, abs=2.0)
    assert np.corrcoef(rounded.reshape(-1), expected.reshape(-1))[0, 1] > 0.999


def test_a_layer_of_zeros_gives_its_bias(sixteen_bits):
    bias = np.array([1.0, -2.0], np.float32)
    weight = np.zeros((2, 8), np.float32)
    found = run(lambda graph, given: graph.linear_int8(given, weight, bias), np.ones((2, 3, 8), np.float32))
    assert found == pytest.approx(np.broadcast_to(bias, (2, 3, 2)), abs=1e-3)


def test_a_graph_is_written_once_and_another_one_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    written = []
    real = onnx_model.serialised
    monkeypatch.setattr(onnx_model, "serialised", lambda *parts: written.append(1) or real(*parts))
    values, weight = np.ones((2, 3, 64), np.float32), np.full((64, 64), 0.5, np.float32)
    first, again = (run(lambda graph, given: graph.linear(given, weight), values) for _ in range(2))
    assert len(written) == 1 and first.tobytes() == again.tobytes()
    # What is handed over apart may be any; what is written into the graph may not.
    other = run(lambda graph, given: graph.linear(given, 2 * weight), values)
    assert len(written) == 1 and other == pytest.approx(2 * first)
    added = [
        run(lambda graph, given, by=by: graph.apply("Add", given, graph.constant(np.float32(by))), values)
        for by in (1, 2)
    ]
    assert len(written) == 3 and added[1] - added[0] == pytest.approx(np.ones((2, 3, 64)))


def test_weights_outlive_the_arrays_they_came_from():
    def add(graph, given):
        return graph.linear(given, np.full((64, 64), 1.0, np.float32))

    graph = OnnxGraph()
    graph.output("found", add(graph, graph.input("given", (1, 64))), (1, 64))
    session = graph.open(1)
    del graph
    fill = [np.full((64, 64), -1.0, np.float32) for _ in range(200)]
    assert session.run(None, {"given": np.ones((1, 64), np.float32)})[0] == pytest.approx(np.full((1, 64), 64.0))
    assert len(fill) == 200
