"""The graphs that run are the networks that were trained."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch

from lipstream.models.emotion.branches import VOICE_GRAPH, WEIGHTS, Evidence, VoiceEmotion
from lipstream.models.emotion.face_shape import GEOMETRY
from lipstream.models.emotion.fusion import FUSION_GRAPH, EmotionFusion, TimedEvidence, token_of
from lipstream.models.emotion.fusion_net import WAYS
from lipstream.models.emotion.looks import APPEARANCE_WEIGHTS, GRAPH, SHAPE_WEIGHTS, FaceLooks, Look
from lipstream.models.emotion.prosody import PROSODY
from lipstream.models.emotion.training.export import all_folds, export_fusion, fusion_of, voice_files
from lipstream.models.emotion.training.face_networks import load_face_networks
from lipstream.models.emotion.voice_steps import ENCODER, STEP
from lipstream.models.exported import WEIGHTS as MADE_OF
from lipstream.models.training.export import digest
from lipstream.models.weights import save_weights

RANDOM = np.random.default_rng(0)


def evidence(time):
    logs = np.log(RANDOM.dirichlet(np.ones(7))).astype(np.float32)
    return TimedEvidence(time, Evidence(logs, np.zeros(3, np.float32), RANDOM.random(3).astype(np.float32)))


@pytest.mark.parametrize(
    ("graph", "weights"),
    [
        (GRAPH, [WEIGHTS / APPEARANCE_WEIGHTS, WEIGHTS / SHAPE_WEIGHTS]),
        (VOICE_GRAPH, voice_files(WEIGHTS)),
        (FUSION_GRAPH, [WEIGHTS / "fusion.safetensors"]),
    ],
)
def test_a_graph_that_ships_is_made_of_the_weights_beside_it(graph, weights):
    facts = {each.key: each.value for each in onnx.load(WEIGHTS / graph).metadata_props}
    assert facts[MADE_OF] == ",".join(map(digest, weights))


@pytest.mark.parametrize("look", [Look(), Look(talking=True, mouth=False)])
def test_faces_are_judged_as_by_the_trained_networks(look):
    crops = RANDOM.integers(0, 256, (3, 48, 48)).astype(np.uint8)
    shapes = RANDOM.normal(size=(3, GEOMETRY)).astype(np.float32)
    shapes[1] = np.nan
    found, expected = (
        FaceLooks(WEIGHTS).judge(crops, shapes, look),
        load_face_networks(WEIGHTS).judge(crops, shapes, look),
    )
    for ours, theirs in zip(found, expected, strict=True):
        assert np.abs(ours - theirs).max() < 0.01


@pytest.mark.parametrize("lengths", [(1,), (31,), (8, 31, 2)])
def test_voices_are_judged_as_by_the_trained_networks(lengths):
    branch = VoiceEmotion()
    branch.load()
    steps = [RANDOM.normal(size=(length, ENCODER)).astype(np.float32) for length in lengths]
    sounds = [RANDOM.normal(size=(STEP * length, PROSODY)).astype(np.float32) for length in lengths]
    network = all_folds(WEIGHTS)
    for found, encoded, sound in zip(branch._judge(steps, sounds), steps, sounds, strict=True):
        with torch.inference_mode():
            mask = torch.ones(1, len(encoded), dtype=torch.bool)
            logs, embedding = network(torch.from_numpy(encoded)[None], torch.from_numpy(sound)[None], mask)
        assert np.abs(found.log_probabilities - logs[0].numpy()).max() < 0.01
        assert np.abs(found.embedding - embedding[0].numpy()).max() < 0.01


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("faces", "voices"), [(1, 1), (7, 3), (20, 20)])
def test_every_way_to_fuse_is_written_as_it_was_trained(way, faces, voices, tmp_path):
    torch.manual_seed(0)
    save_weights(WAYS[way](), tmp_path / "fusion.safetensors", {})
    export_fusion(tmp_path, way)
    fusion = EmotionFusion(tmp_path)
    fusion.load()
    network, now = fusion_of(tmp_path, way), 10.0
    sides = [[evidence(now - 0.05 * (count - index)) for index in range(count)] for count in (faces, voices)]
    found = fusion.predict(*sides, now)
    tokens = [torch.from_numpy(np.stack([token_of(each.evidence) for each in side]))[None] for side in sides]
    times = [torch.tensor([[each.time - now for each in side]], dtype=torch.float32) for side in sides]
    masks = [torch.ones(1, count, dtype=torch.bool) for count in (faces, voices)]
    with torch.inference_mode():
        logs, weights = network(*tokens, *masks, *times)
    assert np.abs(found.probabilities - logs[0].exp().numpy()).max() < 1e-3
    assert found.weight_face == pytest.approx(float(weights[0, 0]), abs=1e-3)
