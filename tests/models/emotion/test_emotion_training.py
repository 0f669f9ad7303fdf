import contextlib
import dataclasses
import shutil
from itertools import pairwise

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from lipstream.models.emotion.branches import VoiceEmotion
from lipstream.models.emotion.face_net import ExpressionNet, fold_normalisation, hide_mouth, standardise
from lipstream.models.emotion.prosody import PROSODY
from lipstream.models.emotion.training.corpora import Clip
from lipstream.models.emotion.training.face import FaceRecipe, FaceTraining, hold_out
from lipstream.models.emotion.training.face_augment import augment
from lipstream.models.emotion.training.voice import (
    HOP,
    WINDOW,
    LabelledVoices,
    VoiceRecipe,
    clip_logits,
    speech_windows,
    train_folds,
)
from lipstream.models.emotion.training.voice_data import VARIANTS, VoiceFeatures, folds_of
from lipstream.models.emotion.voice_net import Standardise, VoiceNet
from lipstream.models.emotion.voice_steps import ENCODER, STEP, steps_of
from lipstream.models.errors import ModelError
from lipstream.models.weights import load_weights, save_weights
from tests.models.pretended_gpu import CPU, GPU, pretended_gpu


def faces(count=42):
    """Images whose class is the place of a bright bar."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 7
    images = rng.integers(0, 60, (count, 48, 48)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[4 + 6 * label : 8 + 6 * label] = 220
    return images, labels


RECIPE = FaceRecipe(epochs=3, batch=10, learning_rate=0.05)


def stop_at(step):
    """A progress report that is where Ctrl-C comes."""

    def report(_name, done, _total, _figures):
        if done == step:
            raise KeyboardInterrupt

    return report


def silent(*_):
    pass


def run(folder, recipe=RECIPE, report=silent, device=CPU):
    FaceTraining(recipe, *faces(), folder / "face.safetensors", device).run(report)
    return load_file(folder / "face.safetensors")


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder in which it was trained to the end."""
    folder = tmp_path_factory.mktemp("trained")
    run(folder)
    return folder


@pytest.fixture
def copy(trained, tmp_path):
    """The same, to be gone on with."""
    return shutil.copytree(trained, tmp_path / "copy")


def test_training_resumes_to_the_same_weights(tmp_path):
    recipe = FaceRecipe(epochs=5, batch=10, learning_rate=0.05)
    whole = run(tmp_path / "whole", recipe)
    assert recipe.first == 3
    # In the first cycle, at the first step of the second, and within it; an epoch has three steps.
    for step in (5, 10, 14):
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "broken", recipe, stop_at(step))
    assert same(whole, run(tmp_path / "broken", recipe))


def test_faces_are_trained_on_a_gpu_as_on_the_processor_and_either_goes_on_with_the_others_work(tmp_path, monkeypatch):
    # Half precision would be the processor's or the GPU's, which round differently.
    monkeypatch.setattr(torch, "autocast", lambda *_: contextlib.nullcontext())
    here = run(tmp_path / "here")
    with pretended_gpu():
        there = run(tmp_path / "there", device=GPU)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "begun there", report=stop_at(5), device=GPU)
    assert same(here, there) and same(here, run(tmp_path / "begun there"))


def test_training_follows_the_seed(trained, tmp_path):
    one, other = load_file(trained / "face.safetensors"), run(tmp_path / "1", FaceRecipe(seed=1, epochs=3, batch=10))
    assert not torch.equal(one["classify.weight"], other["classify.weight"])


def test_another_training_does_not_go_on_with_the_weights_of_this_one(copy):
    with pytest.raises(ModelError, match=r"face_checkpoint.* another training \(epochs 3 there, 4 here\)"):
        run(copy, FaceRecipe(epochs=4, batch=10, learning_rate=0.05))


def test_damaged_checkpoint_says_what_to_do(copy):
    (copy / "face_checkpoint.safetensors").write_bytes(b"no tensors")
    with pytest.raises(ModelError, match="delete it to start anew"):
        run(copy)


def test_the_expression_encoder_overfits_a_small_batch():
    torch.manual_seed(0)
    images, labels = faces(14)
    batch, targets = standardise(torch.from_numpy(images)[:, None].float()), torch.from_numpy(labels)
    network = ExpressionNet(dropout=0)
    optimiser = torch.optim.AdamW(network.parameters(), 3e-3)
    for _ in range(25):
        loss = torch.nn.functional.cross_entropy(network(batch)[0], targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss < 0.2


def test_folding_the_normalisation_changes_no_result():
    torch.manual_seed(0)
    network = ExpressionNet().train()
    batch = torch.rand(32, 1, 48, 48)
    network(batch)  # moves the running statistics away from 0 and 1
    network.eval()
    with torch.inference_mode():
        before = network(batch)
    fold_normalisation(network)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in network.modules())
    with torch.inference_mode():
        after = network(batch)
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in zip(before, after, strict=True))


def test_learning_rate_warms_up_stays_and_falls_to_zero():
    recipe = FaceRecipe(epochs=20, learning_rate=0.1)
    rates = [recipe.rate(epoch) for epoch in np.linspace(0, 20, 41)]
    assert rates[0] < 0.01
    assert max(rates) == rates[10] == 0.1
    assert rates[-1] == 0
    assert [recipe.size(0), recipe.size(19)] == [32, 48]


def test_augmented_faces_are_standardised_and_follow_the_generator():
    images = torch.rand(8, 1, 48, 48)
    one, same = (augment(images, 32, torch.Generator().manual_seed(5)) for _ in range(2))
    assert one.shape == (8, 1, 32, 32)
    assert torch.equal(one, same)
    assert torch.isfinite(one).all()


def test_exposure_does_not_matter_and_the_mouth_can_be_hidden():
    images = torch.rand(2, 1, 48, 48)
    assert torch.allclose(standardise(images), standardise(images * 0.3 + 0.2), atol=1e-3)
    other = images.clone()
    other[:, :, 36:] = 0.5
    assert torch.equal(hide_mouth(images), hide_mouth(other))


def test_held_out_images_are_of_all_classes_and_never_trained_on():
    labels = np.repeat(np.arange(7), 40)
    train, held = hold_out(labels, 0.05, 0)
    assert not set(train) & set(held)
    assert len(train) + len(held) == 280
    assert np.bincount(labels[held]).tolist() == [2] * 7


def voices(count=40):
    """Clips whose class is the encoder number that is high, in every variant; some numbers are far from zero."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 7
    clips = []
    for label in labels:
        encoded = rng.normal(0, 1, (15, ENCODER)).astype(np.float16)
        encoded[:, label * 60 : label * 60 + 60] += 3
        encoded[:, 600:] -= 150
        clips.append(VoiceFeatures(encoded, np.zeros((15 * STEP, PROSODY), np.float16), 1, 14))
    return LabelledVoices({variant: clips for variant in VARIANTS}, labels, np.arange(count) // 20)


def test_voice_is_judged_by_the_network_that_never_heard_it(tmp_path):
    given = voices()
    networks, unseen = train_folds(given, VoiceRecipe(epochs=12, batch=10), tmp_path, silent)
    assert len(networks) == 2
    assert np.mean(unseen["clean"].argmax(axis=1) == given.labels) > 0.9
    for fold, network in enumerate(networks):
        own = np.flatnonzero(given.folds == fold)
        assert np.allclose(unseen["clean"][own], clip_logits(network, [given.features["clean"][i] for i in own]))


def test_finished_folds_are_not_trained_again(tmp_path):
    recipe = VoiceRecipe(epochs=1, batch=10)
    train_folds(voices(), recipe, tmp_path, silent)
    steps = []
    train_folds(voices(), recipe, tmp_path, lambda *step: steps.append(step))
    assert steps == []


def test_voice_training_that_is_stopped_within_a_fold_goes_on_there_to_the_same_weights(tmp_path):
    recipe, steps = VoiceRecipe(epochs=4, batch=10), []
    stops = [("voice: seed 0 fold 1", 5), ("voice: seed 0 fold 2", 3), ("voice: seed 0 fold 2", 8)]

    def report(name, done, _total, _figures):
        steps.append((name, done))
        if stops and steps[-1] == stops[0]:
            del stops[0]
            raise KeyboardInterrupt

    train_folds(voices(), recipe, tmp_path / "whole", silent)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            train_folds(voices(), recipe, tmp_path / "broken", report)
    train_folds(voices(), recipe, tmp_path / "broken", report)
    whole, broken = ({path.name: load_file(path) for path in (tmp_path / n).iterdir()} for n in ("whole", "broken"))
    assert whole.keys() == broken.keys() == {f"voice_seed0_fold{fold}.safetensors" for fold in range(2)}
    assert all(same(whole[name], broken[name]) for name in whole)
    # An epoch has two steps. What was done of a fold, but for the epoch that was broken off, is not done again.
    assert [done for name, done in steps if name.endswith("fold 1")] == [1, 2, 3, 4, 5, 5, 6, 7, 8]
    assert [done for name, done in steps if name.endswith("fold 2")] == [1, 2, 3, 3, 4, 5, 6, 7, 8, 7, 8]


def test_what_is_left_of_a_fold_of_other_voices_is_not_gone_on_with(tmp_path):
    recipe, given = VoiceRecipe(epochs=2, batch=10), voices()
    with pytest.raises(KeyboardInterrupt):
        train_folds(given, recipe, tmp_path, stop_at(3))
    other = dataclasses.replace(given, labels=np.roll(given.labels, 1))
    with pytest.raises(ModelError, match=r"another training \(other data\); delete it"):
        train_folds(other, recipe, tmp_path, silent)


def test_the_state_of_an_unfinished_fold_is_not_taken_for_weights(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train_folds(voices(), VoiceRecipe(epochs=2, batch=10), tmp_path, stop_at(3))
    assert list(tmp_path.iterdir())
    with pytest.raises(ModelError, match=r"voice\.onnx: no such network"):
        VoiceEmotion(tmp_path).load()


def test_padding_of_a_window_changes_nothing():
    torch.manual_seed(0)
    network = VoiceNet().eval()
    encoded, sound = torch.randn(1, 13, ENCODER), torch.randn(1, 13 * STEP, PROSODY)
    alone = network(encoded, sound, torch.ones(1, 13, dtype=torch.bool))[0]
    mask = torch.zeros(1, 20, dtype=torch.bool)
    mask[:, :13] = True
    padded = [torch.cat([e, torch.zeros(1, e.shape[1] // 13 * 7, e.shape[2])], dim=1) for e in (encoded, sound)]
    assert torch.allclose(alone, network(*padded, mask)[0], atol=1e-5)


def test_steps_are_means_of_frames_and_never_none():
    frames = np.arange(11, dtype=np.float32)[:, None].repeat(2, axis=1)
    assert steps_of(frames).tolist() == [[1.5, 1.5], [5.5, 5.5]]
    assert steps_of(frames[:3]).tolist() == [[1.0, 1.0]]


def test_numbers_of_any_size_are_standardised():
    frames = torch.randn(500, 3) * torch.tensor([0.1, 1, 40]) + torch.tensor([0, -5, 200])
    standardise_frames = Standardise(3)
    standardise_frames.fit(frames)
    rows = standardise_frames(frames)
    assert torch.allclose(rows.mean(dim=0), torch.zeros(3), atol=1e-4)
    assert torch.allclose(rows.std(dim=0), torch.ones(3), atol=1e-4)


def test_speech_is_covered_by_windows_of_three_seconds():
    features = voices(1).features["clean"][0]
    assert [(start, end) for _, start, end in speech_windows(features)] == [(1, 15)]
    rows = np.zeros((80, ENCODER), np.float16), np.zeros((80 * STEP, PROSODY), np.float16)
    windows = [(start, end) for _, start, end in speech_windows(VoiceFeatures(*rows, 4, 60))]
    assert windows[0] == (4, 4 + WINDOW)
    assert windows[-1][0] > 60 - WINDOW - HOP
    assert {later[0] - earlier[0] for earlier, later in pairwise(windows)} == {HOP}


def test_folds_keep_actors_whole(tmp_path):
    clips = [Clip(tmp_path, 0, f"a{index % 11:02}") for index in range(44)]
    folds = folds_of(clips)
    for actor in {clip.actor for clip in clips}:
        assert len({fold for clip, fold in zip(clips, folds, strict=True) if clip.actor == actor}) == 1
    assert set(folds) == set(range(5))
    with pytest.raises(ModelError, match="5 actors or more"):
        folds_of(clips[:4])


def test_weights_survive_half_precision_and_a_wrong_file_is_named(tmp_path):
    network, other = VoiceNet(), VoiceNet()
    save_weights(network, tmp_path / "w.safetensors", {"seed": "0"})
    load_weights(other, tmp_path / "w.safetensors")
    assert torch.allclose(network.classify.weight, other.classify.weight, atol=1e-3)
    with pytest.raises(ModelError, match=r"w.safetensors: no usable weights"):
        load_weights(ExpressionNet(), tmp_path / "w.safetensors")
