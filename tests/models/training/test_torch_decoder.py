"""The decoder in torch: its own invariants, and agreement with the published graph in onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lipstream.models.assets import resolve
from lipstream.models.errors import ModelError
from lipstream.models.ort_weights import read_ort_weights
from lipstream.models.speech.cross_attention import CrossAttention, DecoderShape
from lipstream.models.speech.moonshine_graph import DecoderGraph, EncoderGraph
from lipstream.models.speech.tokenizer import END, START
from lipstream.models.training.torch_decoder import (
    MoonshineDecoder,
    load_decoder,
    rotary_rotation,
    rotate,
)

SMALL = DecoderShape(layers=2, heads=2, width=16, mlp_width=24, vocabulary=50, rotary_width=4)
TEXT_END = 32_000
DECODER = "moonshine-tiny-en/decoder_model_merged.ort"
ENCODER = "moonshine-tiny-en/encoder_model.ort"


@pytest.fixture
def small():
    torch.manual_seed(0)
    return MoonshineDecoder(SMALL).requires_grad_(False).eval()


def random_states(batch, frames):
    return torch.randn(batch, frames, SMALL.width, generator=torch.Generator().manual_seed(1))


def test_shapes(small):
    output = small(torch.tensor([[1, 7, 9], [1, 8, 3]]), random_states(2, 11))
    assert output.hidden.shape == (2, 3, SMALL.width)
    assert output.cross_attention.shape == (2, SMALL.layers, SMALL.heads, 3, 11)
    assert small.logits(output.hidden).shape == (2, 3, SMALL.vocabulary)


def test_a_look_at_the_audio_sums_to_one(small):
    attention = small(torch.tensor([[1, 7, 9]]), random_states(1, 11)).cross_attention
    torch.testing.assert_close(attention.sum(dim=-1), torch.ones(attention.shape[:-1]))


def test_later_tokens_do_not_change_earlier_rows(small):
    states = random_states(1, 11)
    one, other = (small(torch.tensor([[1, 7, last]]), states) for last in (9, 30))
    torch.testing.assert_close(one.hidden[:, :2], other.hidden[:, :2])
    torch.testing.assert_close(one.cross_attention[..., :2, :], other.cross_attention[..., :2, :])
    assert not torch.allclose(one.hidden[:, 2], other.hidden[:, 2])


def test_masked_frames_count_for_nothing(small):
    tokens, states = torch.tensor([[1, 7, 9]]), random_states(1, 11)
    short = small(tokens, states[:, :8])
    mask = torch.arange(11)[None] < 8
    padded = small(tokens, states, mask)
    torch.testing.assert_close(padded.hidden, short.hidden)
    assert not padded.cross_attention[..., 8:].any()


def test_gradients_reach_the_encoder_states_through_frozen_weights(small):
    states = random_states(1, 11).requires_grad_()
    output = small(torch.tensor([[1, 7, 9]]), states)
    torch.nn.functional.cross_entropy(small.logits(output.hidden)[0], torch.tensor([7, 9, 2])).backward()
    assert states.grad is not None
    assert (states.grad.abs().sum(dim=-1) > 0).all()
    assert all(weight.grad is None for weight in small.parameters())


def test_rotation_keeps_what_depends_on_distance_alone():
    vectors = torch.randn(2, 1, 1, 1, 8, generator=torch.Generator().manual_seed(2))
    query, key = (vector.expand(1, 1, 6, 8) for vector in vectors)
    rotation = rotary_rotation(6, 4, 10_000.0, query)
    scores = (rotate(query, *rotation) @ rotate(key, *rotation).transpose(-1, -2))[0, 0]
    for distance in range(6):
        along = scores.diagonal(distance)
        torch.testing.assert_close(along, along[:1].expand_as(along))
    assert not torch.isclose(scores[0, 0], scores[0, 3])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"cannot read .*nothing\.ort"):
        load_decoder(tmp_path / "nothing.ort")


def test_a_file_of_another_format_is_named(tmp_path):
    path = tmp_path / "text.ort"
    path.write_text("this is not a network")
    with pytest.raises(ModelError, match=r"text\.ort is not an ONNX Runtime format"):
        load_decoder(path)


@pytest.mark.media
def test_a_network_that_is_no_decoder_is_refused():
    with pytest.raises(ModelError, match="does not hold the weights"):
        load_decoder(resolve(ENCODER))


@pytest.mark.media
def test_both_copies_of_the_tied_embedding_are_read_alike():
    # One is stored for looking up rows, the other, transposed, for a product: they check the reader's two ways.
    weights = read_ort_weights(resolve(DECODER), "model.decoder.")
    np.testing.assert_array_equal(weights["embed_tokens.weight"], weights["proj_out.weight"])


@pytest.mark.media
def test_loading_leaves_the_random_state_alone():
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    load_decoder(resolve(DECODER), DecoderShape(layers=1))
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.media
@pytest.mark.parametrize("media", ["two_cities_audio", "beckett_audio"])
def test_scores_agree_with_onnxruntime(media, request):
    features = EncoderGraph(resolve(ENCODER), threads=1).run(request.getfixturevalue(media)[:160_000])
    text = DecoderGraph(resolve(DECODER), 1, TEXT_END).open(features)
    tokens, expected = [START], []
    while tokens[-1] != END and len(tokens) < 60:
        expected.append(text.feed(tokens[-1:])[0, END:])
        tokens.append(END + int(expected[-1].argmax()))
    decoder = load_decoder(resolve(DECODER))
    with torch.inference_mode():
        output = decoder(torch.tensor([tokens[:-1]]), torch.tensor(features)[None])
        scores = decoder.logits(output.hidden)[0, :, END:TEXT_END].numpy()
    # The graph quantises its activations to 8 bits at every product, so the two are close, not equal.
    correlations = [np.corrcoef(ours, theirs)[0, 1] for ours, theirs in zip(scores, expected, strict=True)]
    assert min(correlations) > 0.995
    agree = scores.argmax(axis=1) == np.argmax(expected, axis=1)
    assert agree.mean() >= 0.95


@pytest.mark.parametrize("layers", [1, 3])
def test_the_graph_that_times_words_looks_where_this_decoder_looks(layers):
    """Two definitions of one network: that in torch is trained with, the graph runs."""
    path, shape = resolve(DECODER), DecoderShape(layers=layers)
    tokens, frames = [START, 400, 520, 731, 29889, 610], np.random.default_rng(0).normal(size=(50, 288))
    features = frames.astype(np.float32)
    with torch.inference_mode():
        output = load_decoder(path, shape)(torch.tensor([tokens]), torch.from_numpy(features)[None])
    found = CrossAttention(path, shape)(tokens, features)
    assert found.shape == (layers, shape.heads, len(tokens), 50)
    np.testing.assert_allclose(found, output.cross_attention[0].numpy(), atol=1e-4)
