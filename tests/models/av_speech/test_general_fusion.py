"""Voices of others taken away beside a visible mouth: bands, the network, its data, its training, and the fusion."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from lipstream.models.av_speech import general_fusion
from lipstream.models.av_speech.active_speaker_net import EVIDENCE, ActiveSpeakerNet
from lipstream.models.av_speech.general_fusion import GeneralFusion, Thresholds
from lipstream.models.av_speech.sound_frames import SOUND
from lipstream.models.av_speech.target_mask_net import FLOOR, TargetMaskNet, loudness_of
from lipstream.models.av_speech.training import target_mask as train_target_mask_module
from lipstream.models.av_speech.training.export import export_active_speaker, export_target_mask
from lipstream.models.av_speech.training.lip_augment import LipSequence
from lipstream.models.av_speech.training.target_mask import TargetMaskRecipe, judge_target_mask, train_target_mask
from lipstream.models.av_speech.training.target_mask_data import Mixture, Speaker, disturbed, make_mixtures
from lipstream.models.av_speech.two_voices import competing
from lipstream.models.av_speech.voice_bands import BANDS, powers, spectrum, with_gains
from lipstream.models.errors import ModelError
from lipstream.models.speech.engine import Encoding
from lipstream.models.speech.fusion import LipSample
from lipstream.models.weights import save_weights
from tests.stages.fakes import CountingEngine

RATE = 16_000 / 384
SOUND_2S = np.random.default_rng(0).normal(0, 0.1, 32_000).astype(np.float32)


class Hears(CountingEngine):
    """Encodes to frames that depend on the sound, inner layers and levels included, and remembers what it heard."""

    def __init__(self):
        super().__init__()
        self.heard = []

    def encode(self, audio):
        self.heard.append(audio)
        count = len(audio) // 384
        level = np.square(audio[: count * 384]).reshape(count, 384).mean(axis=1).astype(np.float32)
        return Encoding(np.tile(level[:, None], 288), RATE, len(audio), level, np.tile(level[:, None], 864))


def lips(count=50, seen=True, start=0.0, swing=0.05):
    """Lip frames; the lower lip goes up and down by `swing`."""
    crop, shapes = np.random.default_rng(0).integers(0, 256, (96, 96), dtype=np.uint8), np.zeros(27, np.float32)
    if not seen:
        return [LipSample(start + index / 25, None, None, None) for index in range(count)]
    points = np.zeros((count, 40, 2), np.float32)
    points[:, 31:40, 1] = 0.1 + swing * np.sin(np.arange(count))[:, None]
    return [LipSample(start + index / 25, crop, points[index], shapes) for index in range(count)]


@pytest.fixture
def made(tmp_path):
    """A fusion with networks that say the same of every frame: the gain of each band, whose voices are heard."""

    def make(score, thresholds, others=9.0, own=9.0):
        torch.manual_seed(0)
        mask, mouth = TargetMaskNet(dropout=0.0), ActiveSpeakerNet()
        for layer, says in ((mask.gains, score), (mask.other, others), (mouth.decide, own)):
            torch.nn.init.zeros_(layer.weight)
            torch.nn.init.constant_(layer.bias, says)
        save_weights(mouth, tmp_path / "own_voice.safetensors", {})
        save_weights(mask, tmp_path / "voice_mask.safetensors", {})
        export_active_speaker(tmp_path)
        export_target_mask(tmp_path)
        engine = Hears()
        fusion = GeneralFusion(engine, None, thresholds, tmp_path / "own_voice.onnx", tmp_path / "voice_mask.onnx")
        fusion.load()
        return engine, fusion

    return make


EAGER = Thresholds(least=0.0, full=0.01, floor=0.7)
MIXED = 0.0
"""The score of gains of a half: both voices are heard."""


def test_bands_with_gains_of_one_give_the_sound_back():
    sound = SOUND_2S[:20_001]
    lines = spectrum(sound)
    assert powers(lines).shape == (20_001 // 384 + 1, BANDS)
    assert np.allclose(with_gains(lines, np.ones((len(lines), BANDS), np.float32), len(sound)), sound, atol=1e-5)


@pytest.mark.parametrize("samples", [0, 1, 383, 384, 768, 769, 5000])
def test_bands_are_those_of_the_transform_of_torch(samples):
    sound = SOUND_2S[:samples]
    lines = spectrum(sound)
    padded = torch.from_numpy(np.pad(sound, (0, 2000)))
    taper = torch.hann_window(768).sqrt()
    expected = torch.stft(padded, 768, 384, window=taper, pad_mode="constant", return_complex=True).T.numpy()
    assert lines.shape == (samples // 384 + 1, 385)
    assert np.allclose(lines, expected[: len(lines)], atol=1e-3)
    back = with_gains(lines, np.ones((len(lines), BANDS), np.float32), samples)
    assert back.shape == (samples,)
    # The last samples lie at the edge of one window, where little of them is left.
    assert np.allclose(back, sound, atol=5e-3)
    assert np.allclose(back[:-30], sound[:-30], atol=1e-4)


def test_every_line_of_the_spectrum_is_in_one_band():
    lines = spectrum(SOUND_2S)
    assert np.allclose(powers(lines).sum(axis=1), np.square(np.abs(lines)).sum(axis=1), rtol=1e-4)


def test_gains_stay_between_floor_and_one():
    bands, sound, evidence = torch.randn(2, 84, BANDS), torch.randn(2, 50, SOUND), torch.randn(2, 50, EVIDENCE)
    found = TargetMaskNet().eval()(9 * bands, 9 * sound, 9 * evidence)
    assert found.gains.shape == bands.shape
    assert found.other.shape == (2, 84)
    assert found.gains.min() >= FLOOR
    assert found.gains.max() <= 1


@pytest.mark.parametrize("samples", [[], lips(50, seen=False)])
def test_without_a_mouth_the_very_encoding_is_kept(made, samples):
    engine, fusion = made(MIXED, EAGER)
    encoding = engine.encode(SOUND_2S)
    fused = fusion.fuse(encoding, SOUND_2S, samples)
    assert fused.encoding is encoding
    assert fused.gate is None
    assert fused.active_speaker is None
    assert len(engine.heard) == 1


def test_where_no_other_voice_is_heard_the_very_encoding_is_kept_and_the_mouth_is_judged(made):
    engine, fusion = made(9.0, None, own=0.0)
    encoding = engine.encode(SOUND_2S)
    fused = fusion.fuse(encoding, SOUND_2S, lips())
    assert fused.encoding is encoding
    assert fused.encoding.least_confidence is None
    assert fused.active_speaker.shape == (len(encoding.features),)
    assert ((fused.active_speaker > 0) & (fused.active_speaker < 1)).all()


def test_beside_a_mouth_that_is_not_heard_no_word_is_softened_or_doubted(made):
    engine, fusion = made(MIXED, EAGER, own=-9.0)
    encoding = engine.encode(SOUND_2S)
    fused = fusion.fuse(encoding, SOUND_2S, lips())
    assert fused.encoding is encoding
    assert fused.encoding.least_confidence is None
    assert fused.sound is None
    assert len(engine.heard) == 1


def test_beside_a_mouth_that_is_still_nothing_is_softened(made):
    engine, fusion = made(MIXED, EAGER)
    encoding = engine.encode(SOUND_2S)
    assert fusion.fuse(encoding, SOUND_2S, lips(swing=0.0)).encoding is encoding


@pytest.mark.parametrize("score", [-9.0, 9.0])
def test_people_who_take_turns_are_all_left(made, score):
    engine, fusion = made(score, EAGER)
    encoding = engine.encode(SOUND_2S)
    assert fusion.fuse(encoding, SOUND_2S, lips()).encoding is encoding


def test_two_who_speak_at_once_have_what_their_masks_have_of_both(made):
    engine, fusion = made(MIXED, EAGER)
    encoding = engine.encode(SOUND_2S)
    parted = fusion.part(encoding, SOUND_2S, (lips(), lips()))
    assert parted.both.shape == (len(parted.parts[0].encoding.features),) and parted.both.mean() > 0.9
    for part in parted.parts:
        # Masks that are alike share all: half of every band is each one's.
        assert np.allclose(part.share, 0.5, atol=1e-3)
        assert np.allclose(part.sound[4000:-4000], 0.5 * SOUND_2S[4000:-4000], atol=1e-4)
        assert part.own > 0.9 and part.encoding.least_confidence.max() == pytest.approx(EAGER.likely)
    assert len(engine.heard) == 3


def test_what_only_judges_mouths_parts_nothing():
    encoding = Hears().encode(SOUND_2S)
    assert GeneralFusion(None, softens=False).part(encoding, SOUND_2S, (lips(), lips())) is None


@pytest.mark.parametrize("other", [[], lips(50, seen=False), lips(swing=0.0)], ids=["none", "unseen", "still"])
def test_who_does_not_speak_is_not_told_apart(made, other):
    engine, fusion = made(MIXED, EAGER)
    encoding = engine.encode(SOUND_2S)
    assert fusion.part(encoding, SOUND_2S, (lips(), other)) is None
    assert fusion.part(encoding, SOUND_2S, (other, lips())) is None
    assert len(engine.heard) == 1


def test_masks_compete_for_every_band():
    one, other = np.array([[0.9, 0.1, 0.5, 0.0]], np.float32), np.array([[0.1, 0.9, 0.5, 0.0]], np.float32)
    mine, theirs = competing(one, other), competing(other, one)
    assert np.allclose(mine, [[0.988, 0.012, 0.5, 0.0]], atol=1e-3)
    assert np.allclose((mine + theirs)[:, :3], 1.0, atol=1e-5)


def test_what_one_says_before_and_after_an_overlap_is_left_as_it_is(made, monkeypatch):
    engine, fusion = made(MIXED, EAGER)
    at_once = np.zeros(84, np.bool_)
    at_once[30:60] = True
    monkeypatch.setattr(general_fusion, "overlapping", lambda _: at_once)
    encoding = engine.encode(SOUND_2S)
    fused = fusion.fuse(encoding, SOUND_2S, lips())
    alone = [slice(0, 26 * 384), slice(64 * 384, None)]
    for part in alone:
        assert np.allclose(fused.sound[part], SOUND_2S[part], atol=1e-5)
    assert np.allclose(fused.sound[34 * 384 : 56 * 384], 0.7 * SOUND_2S[34 * 384 : 56 * 384], atol=1e-5)
    assert fused.encoding.asks(0.0, 0.6) == 0.0
    assert fused.encoding.asks(0.8, 1.4) == pytest.approx(EAGER.likely)
    assert fused.encoding.asks(1.5, 2.0) == 0.0
    assert fused.gate[:26].max() < 1e-3 < fused.gate[34:56].min()


def test_words_are_doubted_more_where_the_mouth_is_not_found_in_the_sound(made):
    engine, fusion = made(MIXED, dataclasses.replace(EAGER, own=0.5))
    encoding = engine.encode(SOUND_2S)
    looks = fusion.look
    # The network says the same of every frame: heard in the first second, not in the second.
    first = np.arange(50) < 25

    def look(*given):
        return looks(*given)._replace(own=np.where(first, 0.9, 0.2).astype(np.float32))

    fusion.look = look
    fused = fusion.fuse(encoding, SOUND_2S, lips())
    assert fused.encoding.asks(0.1, 0.7) == pytest.approx(EAGER.likely)
    assert fused.encoding.asks(1.3, 1.9) == pytest.approx(EAGER.sure)


def test_a_mouth_seen_only_before_the_sound_takes_nothing_away(made):
    engine, fusion = made(MIXED, EAGER)
    encoding = engine.encode(SOUND_2S)
    fused = fusion.fuse(encoding, SOUND_2S, lips(3, start=-0.2) + lips(50, seen=False))
    assert fused.encoding is encoding
    assert np.isnan(fused.active_speaker).all()


def test_what_is_too_short_to_tell_voices_apart_is_left_alone(made):
    engine, fusion = made(MIXED, EAGER)
    encoding = engine.encode(SOUND_2S[:15_000])
    assert fusion.fuse(encoding, SOUND_2S[:15_000], lips()).encoding is encoding


def test_other_voices_are_softened_no_further_than_the_floor(made):
    engine, fusion = made(MIXED, EAGER)
    encoding = engine.encode(SOUND_2S)
    fused = fusion.fuse(encoding, SOUND_2S, lips())
    assert len(engine.heard[1]) == len(SOUND_2S)
    assert np.allclose(engine.heard[1], 0.7 * SOUND_2S, atol=1e-5)
    assert fused.encoding.features.shape == encoding.features.shape
    assert fused.encoding.least_confidence == pytest.approx(np.full(len(encoding.features), EAGER.likely))
    assert fused.gate == pytest.approx(np.full(len(encoding.features), 0.3), abs=1e-3)


def test_the_same_sound_and_lips_give_the_same_frames(made):
    engine, fusion = made(0.0, EAGER)
    encoding = engine.encode(SOUND_2S)
    first, second = (fusion.fuse(encoding, SOUND_2S, lips()).encoding for _ in range(2))
    assert first is not encoding
    assert np.array_equal(first.features, second.features)


def test_a_recogniser_without_inner_layers_is_left_alone(made):
    engine, fusion = made(MIXED, EAGER)
    encoding = dataclasses.replace(engine.encode(SOUND_2S), inner=None)
    fused = fusion.fuse(encoding, SOUND_2S, lips())
    assert fused.encoding is encoding
    assert fused.active_speaker is None


def test_the_active_speaker_is_unknown_where_no_mouth_is_seen(made):
    engine, fusion = made(9.0, None)
    fused = fusion.fuse(engine.encode(SOUND_2S), SOUND_2S, lips(25))
    assert np.isfinite(fused.active_speaker[:40]).all()
    assert np.isnan(fused.active_speaker[46:]).all()


def test_use_before_loading_is_an_error():
    engine = Hears()
    with pytest.raises(ModelError, match="load"):
        GeneralFusion(engine).fuse(engine.encode(SOUND_2S), SOUND_2S, lips())


def test_what_is_kept_and_what_is_not_make_up_the_mixture():
    rng = np.random.default_rng(3)
    others = [rng.normal(0, 0.1, 20_000).astype(np.float32) for _ in range(8)]
    for seed in range(20):
        kept, mismatched = disturbed(SOUND_2S, others, np.random.default_rng(seed))
        assert kept.shape == mismatched.shape == SOUND_2S.shape
        assert np.isfinite(kept).all()
        assert np.abs(kept).max() > 0


def speaker(name):
    rng = np.random.default_rng(len(name))
    frames = 50
    shape = torch.from_numpy(rng.normal(size=(frames, 107)).astype(np.float32))
    pictures = torch.from_numpy(rng.integers(0, 256, (frames, 32, 32), dtype=np.uint8))
    return Speaker(name, SOUND_2S, LipSequence(shape, pictures, torch.ones(frames, dtype=torch.bool)))


def test_mixtures_are_the_same_for_a_seed():
    made = [
        make_mixtures(
            [speaker("a"), speaker("bb")], [], 4, 1, Hears().encode, ActiveSpeakerNet().eval(), lambda *_: None
        )
        for _ in range(2)
    ]
    for one, other in zip(*made, strict=True):
        assert torch.equal(one.bands, other.bands)
        assert one.gains.shape == one.bands.shape == (84, BANDS)
        assert one.sound.shape == (50, SOUND)
        assert one.evidence.shape == (50, EVIDENCE)
        assert one.gains.min() >= FLOOR - 1e-3


def mixture(seed):
    """Another voice is in the upper half of the bands, where and when the lips' evidence is low."""
    rng = np.random.default_rng(seed)
    own = torch.from_numpy(np.repeat(rng.integers(0, 2, 10), 5).astype(np.float32))
    heard = own[(torch.arange(84) * 0.6).long().clamp_max(49)]
    gains = torch.ones(84, BANDS)
    gains[:, BANDS // 2 :] = torch.where(heard > 0, 1.0, FLOOR)[:, None]
    evidence = own[:, None] * torch.ones(EVIDENCE)
    evidence[:, 2] = 1
    bands = loudness_of(torch.from_numpy(rng.exponential(1.0, (84, BANDS)).astype(np.float32)))
    return Mixture(bands.half(), gains.half(), 1 - heard.half(), torch.randn(50, SOUND).half(), evidence.half())


def test_the_mask_learns_which_bands_are_of_others(tmp_path, monkeypatch):
    monkeypatch.setattr(train_target_mask_module, "_STEPS", 14)
    mixtures = [mixture(seed) for seed in range(12)]
    recipe = TargetMaskRecipe(epochs=1, batch=4, learning_rate=5e-3)
    network = train_target_mask(mixtures, recipe, tmp_path, lambda *_: None, "data")
    figures = judge_target_mask(network, [mixture(seed) for seed in range(20, 24)])
    assert figures["ratio after"] > figures["ratio before"] + 3
    assert figures["auc"] > 0.9
