"""The weights that come along: complete, small, and usable through the inference classes."""

import numpy as np
import pytest
from safetensors import safe_open

from lipstream.models.emotion.branches import WEIGHTS, FaceExpression, VoiceEmotion
from lipstream.models.emotion.classes import EMOTIONS
from lipstream.models.emotion.face_shape import GEOMETRY
from lipstream.models.emotion.fusion import EmotionFusion, TimedEvidence
from lipstream.models.emotion.looks import Look
from lipstream.models.emotion.voice_steps import ENCODER
from lipstream.models.errors import ModelError


@pytest.fixture(scope="module")
def face():
    network = FaceExpression()
    network.load()
    return network


@pytest.fixture(scope="module")
def voice():
    network = VoiceEmotion()
    network.load()
    return network


def crop(seed=0):
    return np.random.default_rng(seed).integers(0, 255, (48, 48)).astype(np.uint8)


NO_SHAPE = np.full(GEOMETRY, np.nan, np.float32)


def window(frames=125):
    rng = np.random.default_rng(0)
    return rng.normal(0, 1, (frames, ENCODER)).astype(np.float32), rng.normal(0, 0.1, frames * 384).astype(np.float32)


def test_weights_are_together_under_8_megabytes_and_each_has_a_card():
    assert sum(file.stat().st_size for file in WEIGHTS.glob("*.safetensors")) < 8_000_000
    for part in ("face", "voice", "fusion"):
        card = (WEIGHTS / f"{part}.md").read_text(encoding="utf-8")
        assert all(word in card for word in ("**Data**", "**Command**", "--seed", "**Limits**"))


def test_the_face_counts_the_votes_as_its_card_says():
    with safe_open(WEIGHTS / "face.safetensors", framework="np") as file:
        share = file.metadata()["votes"]
    assert f"--branch votes --votes {share} " in (WEIGHTS / "face.md").read_text(encoding="utf-8")


def test_a_face_is_judged_with_and_without_its_shape(face):
    shape = np.random.default_rng(0).normal(0, 1, GEOMETRY).astype(np.float32)
    both, alone = face.predict(crop(), shape), face.predict(crop(), NO_SHAPE)
    for each in (both, alone):
        assert np.exp(each.log_probabilities).sum() == pytest.approx(1, abs=1e-5)
        assert each.embedding.shape == (192,)
    assert np.abs(both.log_probabilities - alone.log_probabilities).max() > 1e-3


def test_a_talking_face_is_looked_at_with_and_without_its_mouth_in_turns(face):
    assert [Look.of(True, turn).mouth for turn in range(4)] == [True, False, True, False]
    assert all(Look.of(False, turn).mouth for turn in range(4))
    assert face.predict(crop(), NO_SHAPE).quality[2] == 0
    assert face.predict(crop(), NO_SHAPE, Look.of(True, 0)).quality[2] == 1


def test_without_the_mouth_a_mouth_changes_nothing(face):
    image = crop()
    other = image.copy()
    other[34:46, 12:36] = 255 - other[34:46, 12:36]

    def moved(look):
        each = [face.predict(i, NO_SHAPE, look).log_probabilities for i in (image, other)]
        return np.abs(each[0] - each[1]).mean()

    assert moved(Look(talking=True, mouth=False)) < moved(Look(talking=True)) / 2


@pytest.mark.parametrize("frames", [20, 83, 125])
def test_windows_of_any_length_are_judged(voice, frames):
    heard = voice.predict(*window(frames))
    assert np.exp(heard.log_probabilities).sum() == pytest.approx(1, abs=1e-5)
    assert heard.embedding.shape == (128,)
    assert np.isfinite(heard.quality).all()


def test_fusion_of_the_branches(face, voice):
    fusion = EmotionFusion()
    fusion.load()
    faces = [TimedEvidence(time, face.predict(crop(index), NO_SHAPE)) for index, time in enumerate((9.7, 9.8, 9.9))]
    result = fusion.predict(faces, [TimedEvidence(9.5, voice.predict(*window()))], 10.0)
    assert result.probabilities.shape == (len(EMOTIONS),)
    assert 0 < result.weight_face < 1


def test_unloaded_and_missing_networks_are_named(tmp_path):
    with pytest.raises(ModelError, match="not loaded"):
        FaceExpression().predict(crop(), NO_SHAPE)
    with pytest.raises(ModelError, match="not loaded"):
        VoiceEmotion().predict(*window())
    with pytest.raises(ModelError, match=r"voice\.onnx: no such network"):
        VoiceEmotion(tmp_path).load()
