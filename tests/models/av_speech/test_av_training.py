"""Training of lip network and fusion: it learns, and a resumed training is the same training."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lipstream.models.av_speech.correspondence_net import CorrespondenceNet
from lipstream.models.av_speech.fusion_net import FusionNet
from lipstream.models.av_speech.lip_net import LipNet
from lipstream.models.av_speech.training.correspondence import CorrespondenceRecipe, train_correspondence
from lipstream.models.av_speech.training.encodings import EncodedStretch, Encodings, Mixing, cached_encodings, cut
from lipstream.models.av_speech.training.fusion import Example, FusionTraining, LipFusionRecipe, SpokenPrefix
from lipstream.models.av_speech.training.lip_augment import LipSequence
from lipstream.models.av_speech.training.lips import LipReading, LipRecipe, pretrain_lips
from lipstream.models.av_speech.training.mismatched_lips import mismatched_lips
from lipstream.models.errors import ModelError
from lipstream.models.speech.cross_attention import DecoderShape
from lipstream.models.training.torch_decoder import MoonshineDecoder


def silent(*_):
    pass


def lips(seed, frames=20):
    rng = np.random.default_rng(seed)
    shape = torch.from_numpy(rng.normal(size=(frames, 107)).astype(np.float32))
    pictures = torch.from_numpy(rng.integers(0, 256, (frames, 32, 32), dtype=np.uint8))
    return LipSequence(shape, pictures, torch.ones(frames, dtype=torch.bool))


WORDS = {"one": (5,), "two": (6,), "three": (7, 8), "go": (9,)}


def readings():
    return [LipReading(lips(seed), text, tokens) for seed, (text, tokens) in enumerate(WORDS.items())]


def lip_net():
    torch.manual_seed(0)
    return LipNet(width=16)


def weights(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


class Stopped(Exception):
    pass


def stop_after(steps):
    def report(_name, done, _total, _words):
        if done == steps:
            raise Stopped

    return report


def test_a_resumed_pretraining_is_the_same_training(tmp_path):
    recipe = LipRecipe(epochs=3, batch=2)
    whole = weights(pretrain_lips(lip_net(), readings(), recipe, tmp_path / "whole", silent))
    with pytest.raises(Stopped):
        pretrain_lips(lip_net(), readings(), recipe, tmp_path / "parts", stop_after(5))
    resumed = weights(pretrain_lips(lip_net(), readings(), recipe, tmp_path / "parts", silent))
    assert same(whole, resumed)


def test_pretraining_learns_to_read_lips(tmp_path):
    few, losses = readings(), []
    recipe = LipRecipe(epochs=12, batch=10, learning_rate=2e-2)

    def report(_name, _done, _total, words):
        losses.append(float(words.split()[1]))

    pretrain_lips(lip_net(), few * 5, recipe, tmp_path, report)
    assert losses[-1] < 0.5 * losses[0]


def test_a_folder_with_another_training_is_refused(tmp_path):
    pretrain_lips(lip_net(), readings(), LipRecipe(epochs=1, batch=2), tmp_path, silent)
    with pytest.raises(ModelError, match="another training"):
        pretrain_lips(lip_net(), readings(), LipRecipe(epochs=2, batch=2), tmp_path, silent)


def test_a_training_of_other_lips_of_that_number_is_not_gone_on_with(tmp_path):
    recipe = LipRecipe(epochs=1, batch=2)
    pretrain_lips(lip_net(), readings(), recipe, tmp_path, silent)
    others = [*readings()[1:], LipReading(lips(99), "one", (5,))]
    with pytest.raises(ModelError, match="another training"):
        pretrain_lips(lip_net(), others, recipe, tmp_path, silent)


def test_encodings_of_other_sounds_or_voices_of_that_name_are_made_anew(tmp_path):
    heard = []

    def encode(sound):
        heard.append(sound)
        return np.zeros((len(sound) // 384, 288), np.float32)

    def encoded(sound, voice):
        heard.clear()
        sounds, voices = {"a": np.full(16_000, sound, np.float32)}, [np.full(16_000, voice, np.float32)]
        cached_encodings(sounds, {"a": (0.2, 0.8)}, voices, encode, Mixing(variants=1), tmp_path, silent)
        return len(heard)

    assert [encoded(0.1, 0.5), encoded(0.1, 0.5), encoded(0.2, 0.5), encoded(0.2, 0.4)] == [3, 0, 3, 3]


def test_recordings_without_words_cannot_teach_lips(tmp_path):
    mute = [LipReading(lips(0), "", ()), LipReading(lips(1), "?", (5,))]
    with pytest.raises(ModelError, match="transcript"):
        pretrain_lips(lip_net(), mute, LipRecipe(epochs=1), tmp_path, silent)


def examples():
    rng = np.random.default_rng(0)

    def stretch(end=0.8):
        return EncodedStretch(rng.normal(size=(int(end * 41.67), 288)).astype(np.float16), 0.0, end)

    def sound():
        return Encodings(stretch(), stretch(), (stretch(), stretch(0.5)))

    words = (SpokenPrefix(0.4, "Go", (5,)), SpokenPrefix(0.7, "Go on.", (5, 6)))
    told = [Example(sound(), lips(index), "go on", words) for index in range(3)]
    return [*told, Example(sound(), lips(9), None, ())]


@pytest.mark.parametrize(("seconds", "said"), [(0.2, None), (0.5, "Go"), (0.69, "Go on."), (2.0, "Go on.")])
def test_only_words_that_are_over_count_as_said(seconds, said):
    found = examples()[0].until(seconds)
    assert (found and found.text) == said


def fusion_training(recipe):
    torch.manual_seed(0)
    shape = DecoderShape(layers=1, mlp_width=16, vocabulary=12)
    decoder = MoonshineDecoder(shape).requires_grad_(False).eval()
    return FusionTraining(LipNet(width=16), FusionNet(16, width=16, layers=1), decoder, recipe)


def test_fusion_learns_what_the_decoder_should_write(tmp_path):
    losses = []
    recipe = LipFusionRecipe(epochs=40, batch=3, learning_rate=2e-2, character_weight=0.0, smoothing=0.0)
    training = fusion_training(recipe)
    training.run(examples()[:3], tmp_path, lambda _name, _done, _total, words: losses.append(float(words.split()[1])))
    assert losses[-1] < 0.8 * losses[0]


def test_a_resumed_fusion_training_is_the_same_training(tmp_path):
    recipe = LipFusionRecipe(epochs=3, batch=2)
    whole = fusion_training(recipe)
    whole.run(examples(), tmp_path / "whole", silent)
    with pytest.raises(Stopped):
        fusion_training(recipe).run(examples(), tmp_path / "parts", stop_after(3))
    resumed = fusion_training(recipe)
    resumed.run(examples(), tmp_path / "parts", silent)
    assert same(weights(whole.fusion), weights(resumed.fusion))
    assert same(weights(whole.lips), weights(resumed.lips))


def test_mismatched_lips_are_never_the_own_ones_in_place():
    own, others = lips(0, 75), [lips(seed, 60) for seed in range(1, 4)]
    rng = np.random.default_rng(0)
    for _ in range(60):
        found = mismatched_lips(own, [own, *others], rng)
        same_place = (found.shape[:60] == own.shape[:60]).all(dim=1).float().mean()
        assert same_place < 0.6
        assert len(found.mask) in (60, 75)


def test_correspondence_tells_own_lips_from_those_of_others(tmp_path):
    rng = np.random.default_rng(0)

    def example(seed):
        picture = lips(seed, 50)
        said = torch.nn.functional.interpolate(picture.shape[:, :48].T[None], size=83)[0].T.numpy()
        frames = (said.repeat(6, axis=1) + 0.1 * rng.normal(size=(83, 288))).astype(np.float16)
        stretch = EncodedStretch(frames, 0.0, 2.0)
        return Example(Encodings(stretch, stretch, (stretch,)), picture, None, ())

    torch.manual_seed(0)
    given, network = [example(seed) for seed in range(6)], CorrespondenceNet(16, 16)
    frozen, losses = (LipNet(width=16), FusionNet(16, width=16, layers=1)), []
    recipe = CorrespondenceRecipe(steps=15, batch=6, learning_rate=1e-2, takes=1)

    def report(name, _done, _total, words):
        if name == "matching lips and sound":
            losses.append(float(words.split()[1]))

    train_correspondence(network, frozen, given, recipe, tmp_path, report)
    assert losses[-1] < 0.5 * losses[0]


def test_parts_of_recordings_begin_before_the_speech_and_end_in_it():
    rng = np.random.default_rng(0)
    for _ in range(200):
        first, end = cut(48_000, (1.0, 2.0), 1.0, rng)
        assert 0 <= first <= 0.8 * 16_000
        assert 1.3 * 16_000 <= end <= 48_000
    assert cut(48_000, (1.0, 2.0), 0.0, rng) == (0, 48_000)
