"""With an enrolled user's fusion the sound stays as it is, and how much of it is others' is told."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from lipstream.models.av_speech.active_speaker_net import ActiveSpeakerNet
from lipstream.models.av_speech.lip_fusion import LipFusion
from lipstream.models.av_speech.profile import LipNetworks
from lipstream.models.av_speech.profile_fusion import ProfileFusion
from lipstream.models.av_speech.target_mask_net import TargetMaskNet
from lipstream.models.av_speech.training.export import export_active_speaker, export_target_mask
from lipstream.models.speech.fusion import FusedSpeech
from lipstream.models.weights import save_weights
from tests.models.av_speech.test_general_fusion import SOUND_2S, Hears, lips


class Enrolled(LipFusion):
    """Doubles every frame.

    Args:
        belongs: whether the lips are the user's, and of this sound.
    """

    def __init__(self, belongs: bool) -> None:
        super().__init__(LipNetworks.untrained)
        self._belongs = belongs

    def fuse(self, encoding, sound, lips):
        refined = dataclasses.replace(encoding, features=encoding.features * 2)
        return FusedSpeech(refined, np.ones(len(refined.features), np.float32) if self._belongs else None)


@pytest.fixture
def made(tmp_path):
    """A fusion of an enrolled user whose mask gives every band the same score: high is the own voice."""

    def make(score: float, belongs: bool = True) -> tuple[Hears, ProfileFusion]:
        torch.manual_seed(0)
        mask = TargetMaskNet(dropout=0.0)
        torch.nn.init.zeros_(mask.gains.weight)
        torch.nn.init.constant_(mask.gains.bias, score)
        save_weights(ActiveSpeakerNet(), tmp_path / "own_voice.safetensors", {})
        save_weights(mask, tmp_path / "voice_mask.safetensors", {})
        export_active_speaker(tmp_path)
        export_target_mask(tmp_path)
        engine = Hears()
        own, others = tmp_path / "own_voice.onnx", tmp_path / "voice_mask.onnx"
        fusion = ProfileFusion(engine, Enrolled(belongs), None, own, others)
        fusion.load()
        return engine, fusion

    return make


@pytest.mark.parametrize(
    ("score", "least", "most"),
    [
        pytest.param(9.0, 0.0, 0.05, id="nobody else"),
        pytest.param(0.0, 0.3, 0.7, id="two at once"),
        pytest.param(-9.0, 0.0, 0.0, id="somebody else by himself"),
    ],
)
def test_how_much_is_of_others_is_told_and_the_sound_left_as_it_is(made, score, least, most):
    engine, fusion = made(score)
    encoding = engine.encode(SOUND_2S)
    fused = fusion.fuse(encoding, SOUND_2S, lips())
    assert fused.encoding.others is not None and least <= fused.encoding.others <= most
    assert np.array_equal(fused.encoding.features, encoding.features * 2)
    assert fused.sound is None and not fused.encoding.least_confidence
    assert fused.active_speaker is not None
    assert len(engine.heard) == 1


def test_of_a_mouth_that_is_not_the_users_nothing_is_said_of_others(made):
    engine, fusion = made(0.0, belongs=False)
    assert fusion.fuse(engine.encode(SOUND_2S), SOUND_2S, lips()).encoding.others is None


@pytest.mark.parametrize("seen", [lips(50, seen=False), lips(20)])
def test_where_voices_are_hardly_told_apart_nothing_is_said_of_others(made, seen):
    engine, fusion = made(-9.0)
    short = SOUND_2S[: len(seen) * 640]
    fused = fusion.fuse(engine.encode(short), short, seen)
    assert fused.encoding.others is None
