"""The graphs of the general fusion are the networks that were trained."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch

from lipstream.models.av_speech.general_fusion import ACTIVE_SPEAKER, TARGET_MASK
from lipstream.models.av_speech.lip_input import INPUTS
from lipstream.models.av_speech.sound_frames import SOUND
from lipstream.models.av_speech.training.export import mask_of, mouth_of
from lipstream.models.av_speech.voice_bands import BANDS
from lipstream.models.exported import WEIGHTS, ExportedNetwork
from lipstream.models.training.export import digest

RANDOM = np.random.default_rng(0)
NETWORKS = ((mouth_of, ACTIVE_SPEAKER), (mask_of, TARGET_MASK))


@pytest.mark.parametrize("graph", [ACTIVE_SPEAKER, TARGET_MASK])
def test_a_graph_that_ships_is_made_of_the_weights_beside_it(graph):
    facts = {each.key: each.value for each in onnx.load(graph).metadata_props}
    assert facts[WEIGHTS] == digest(graph.with_suffix(".safetensors"))


@pytest.mark.parametrize(("lip_frames", "frames"), [(25, 42), (50, 84), (133, 219)])
def test_they_say_what_the_trained_networks_say_of_sound_of_any_length(lip_frames, frames):
    lips, sound = (RANDOM.normal(size=(1, lip_frames, size)).astype(np.float32) for size in (INPUTS, SOUND))
    seen, powers = RANDOM.random((1, lip_frames)) > 0.2, RANDOM.random((1, frames, BANDS)).astype(np.float32)
    own, evidence = ExportedNetwork(ACTIVE_SPEAKER)(lips=lips, seen=seen, sound=sound)
    gains, others = ExportedNetwork(TARGET_MASK)(powers=powers, sound=sound, evidence=evidence)
    mouth, mask = (
        build(graph.with_suffix(".safetensors"))
        for build, graph in ((mouth_of, ACTIVE_SPEAKER), (mask_of, TARGET_MASK))
    )
    with torch.inference_mode():
        expected = mouth(*map(torch.from_numpy, (lips, seen, sound)))
        expected += mask(torch.from_numpy(powers), torch.from_numpy(sound), expected[1])
    for ours, theirs in zip((own, evidence, gains, others), expected, strict=True):
        assert np.abs(ours - theirs.numpy()).max() < 1e-4
