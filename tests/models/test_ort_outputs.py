"""Values inside a published graph can be had as outputs, and the graph computes what it did."""

import numpy as np
import pytest

from lipstream.models.assets import resolve
from lipstream.models.errors import ModelError
from lipstream.models.ort_session import open_session
from lipstream.models.speech.moonshine_graph import EncoderGraph

ENCODER = "moonshine-tiny-en/encoder_model.ort"

pytestmark = pytest.mark.media


def test_inner_layers_come_beside_the_unchanged_frames():
    audio = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    feeds = {"input_values": audio[None], "attention_mask": np.ones((1, len(audio)), np.int64)}
    plain = open_session(resolve(ENCODER), 1).run(None, feeds)[0][0]
    frames, inner = EncoderGraph(resolve(ENCODER), 1).run_inside(audio)
    assert np.array_equal(frames, plain)
    assert inner.shape == (len(frames), 3 * frames.shape[1])
    layers = np.split(inner, 3, axis=1)
    assert all(layer.std() > 0.1 for layer in layers)
    assert not np.allclose(layers[0], layers[1], atol=0.1)


def test_a_value_the_graph_does_not_have_is_an_error():
    with pytest.raises(ModelError, match="onnxruntime cannot load"):
        open_session(resolve(ENCODER), 1, more_outputs=["/layers.9/Add_1_output_0"])
