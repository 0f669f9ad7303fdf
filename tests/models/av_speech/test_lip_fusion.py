"""Lip fusion at work, and the profiles it comes from."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from lipstream.models import profile_files
from lipstream.models.av_speech.correspondence_net import STRANGE
from lipstream.models.av_speech.lip_fusion import LipFusion
from lipstream.models.av_speech.profile import LipNetworks, load_networks, load_profile, save_networks
from lipstream.models.errors import ModelError
from lipstream.models.profile_files import profile_path
from lipstream.models.speech.engine import Encoding
from lipstream.models.speech.fusion import LipSample
from lipstream.models.speech.moonshine import FRAME_RATE

SOUND = np.full(50 * 384, 0.1, np.float32)


@pytest.fixture(scope="module")
def networks():
    """Networks whose gate lets something through."""
    made = LipNetworks.untrained()
    torch.nn.init.normal_(made.fusion.out.weight)
    for network in made.parts().values():
        network.eval().requires_grad_(False)
    return made


@pytest.fixture
def fusion(networks):
    return believing(networks, 5.0)


def encoding(frames=50, rate=FRAME_RATE):
    features = np.random.default_rng(0).normal(size=(frames, 288)).astype(np.float32)
    return Encoding(features, rate, frames * 384)


def sample(time, seen=True):
    if not seen:
        return LipSample(time, None, None, None)
    rng = np.random.default_rng(round(time * 1000))
    crop = rng.integers(0, 256, (96, 96), dtype=np.uint8)
    points, blendshapes = rng.normal(size=(40, 2)), rng.random(27)
    return LipSample(time, crop, points.astype(np.float32), blendshapes.astype(np.float32))


@pytest.mark.parametrize("lips", [[], [sample(0.0, seen=False), sample(0.04, seen=False)]])
def test_without_a_mouth_the_very_same_encoding_comes_back(fusion, lips):
    given = encoding()
    fused = fusion.fuse(given, SOUND, lips)
    assert fused.encoding is given and not given.refined
    assert fused.gate is None


def test_lips_move_the_frames_and_the_gate_says_how_far(fusion):
    given = encoding()
    fused = fusion.fuse(given, SOUND, [sample(index / 25) for index in range(30)])
    refined, gate = fused.encoding, fused.gate
    assert refined.refined
    assert refined.features.shape == given.features.shape
    assert refined.samples == given.samples
    assert not np.allclose(refined.features, given.features)
    assert gate.shape == (len(given.features),)
    assert (gate > 0).all() and (gate < 1).all()


def believing(networks, score):
    """The fusion of networks that find this evidence for any lips that look familiar."""
    made = copy.deepcopy(networks)
    for weight in (made.correspondence.lip_weight, made.correspondence.sound_weight):
        torch.nn.init.zeros_(weight.weight)
        torch.nn.init.constant_(weight.bias, -50.0)
    torch.nn.init.constant_(made.correspondence.bias, score)
    fusion = LipFusion(lambda: made)
    fusion.load()
    return fusion


def test_lips_that_do_not_belong_to_the_sound_are_as_if_masked(networks):
    fusion, given = believing(networks, -5.0), encoding()
    fused = fusion.fuse(given, SOUND, [sample(index / 25) for index in range(30)])
    np.testing.assert_array_equal(fused.encoding.features, fusion.without_lips(given).features)
    assert fused.gate is None


def test_nothing_heard_is_nothing_to_disagree_with(networks):
    fused = believing(networks, -5.0).fuse(encoding(), 1e-4 * SOUND, [sample(index / 25) for index in range(30)])
    assert fused.gate is not None


def test_a_strange_mouth_must_bring_more_evidence(networks):
    given, lips = encoding(), [sample(index / 25) for index in range(30)]
    fusion = believing(networks, 0.5)
    assert fusion.evidence(given, lips) == pytest.approx(0.5)
    fusion._networks.lips.mean.add_(3.0)
    assert fusion.evidence(given, lips) == pytest.approx(0.5 - STRANGE)
    assert fusion.fuse(given, SOUND, lips).gate is None


def test_lips_that_belong_to_the_sound_count(networks):
    fusion, given = believing(networks, 5.0), encoding()
    fused = fusion.fuse(given, SOUND, [sample(index / 25) for index in range(30)])
    assert not np.array_equal(fused.encoding.features, fusion.without_lips(given).features)
    assert fused.gate is not None


def test_frames_without_lips_among_others_do_not_count(fusion):
    given, seen = encoding(), [sample(index / 25) for index in range(20)]
    behind = [sample(1.0 + index / 25, seen=False) for index in range(10)]
    one, other = (fusion.fuse(given, SOUND, lips).encoding for lips in (seen, seen + behind))
    np.testing.assert_allclose(one.features, other.features, atol=1e-4)


def test_frames_of_another_recogniser_are_refused(fusion):
    with pytest.raises(ModelError, match="Moonshine's encoder"):
        fusion.fuse(encoding(rate=50.0), SOUND, [sample(0.0)])


def test_fusion_that_was_not_loaded_says_so(networks):
    with pytest.raises(ModelError, match="load"):
        LipFusion(lambda: networks).fuse(encoding(), SOUND, [])


def test_a_profile_comes_back_as_it_was_saved(networks, tmp_path):
    path = tmp_path / "ann.safetensors"
    save_networks(networks.with_facts({"minutes": 5}), path)
    loaded = load_networks(path)
    assert loaded.facts == {"minutes": 5}
    assert path.stat().st_size < 6_500_000
    assert torch.allclose(loaded.fusion.out.weight, networks.fusion.out.weight, atol=1e-2)


def test_a_profile_that_is_not_there_is_named_with_those_that_are(networks, tmp_path, monkeypatch):
    monkeypatch.setattr(profile_files, "profiles_folder", lambda: tmp_path)
    save_networks(networks, profile_path("ann"))
    with pytest.raises(ModelError, match=r"'bob'.*there are: ann"):
        load_profile("bob")


def test_a_damaged_profile_is_one_line(tmp_path):
    path = tmp_path / "ann.safetensors"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ModelError, match="enroll") as caught:
        load_networks(path)
    assert "\n" not in str(caught.value)


def test_a_profile_of_an_earlier_format_is_refused_in_one_line(networks, tmp_path):
    path = tmp_path / "ann.safetensors"
    save_file({"fusion.out.bias": torch.zeros(288)}, path, {"facts": "{}"})
    with pytest.raises(ModelError, match="another version") as caught:
        load_networks(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "../ann", "a/b", ".hidden", "x" * 65])
def test_names_that_are_no_file_names_are_refused(name):
    with pytest.raises(ModelError, match="expected a name"):
        profile_path(name)
