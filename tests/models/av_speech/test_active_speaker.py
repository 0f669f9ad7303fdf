"""Whose voice is heard: the network, its data and its figures."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lipstream.models.av_speech.active_speaker_net import ActiveSpeakerNet, centred
from lipstream.models.av_speech.lip_input import INPUTS
from lipstream.models.av_speech.recording import LipTrack, Recording
from lipstream.models.av_speech.sound_frames import SOUND, at_times, sound_frames
from lipstream.models.av_speech.training.active_speaker import (
    ActiveSpeakerRecipe,
    area,
    judge,
    left_out,
    train_active_speaker,
)
from lipstream.models.av_speech.training.active_speaker_data import (
    Sample,
    cached_samples,
    speech_active,
)
from lipstream.models.av_speech.training.lip_augment import LipSequence
from lipstream.models.errors import ModelError
from lipstream.models.speech.engine import Encoding


def sample(seed, frames=80):
    """Lips and sound that move together: both show the same hidden signal."""
    rng = np.random.default_rng(seed)
    signal = torch.from_numpy(np.repeat(rng.normal(size=(frames // 4, 1)), 4, axis=0).astype(np.float32))
    shape = signal * torch.ones(107) + 0.1 * torch.from_numpy(rng.normal(size=(frames, 107)).astype(np.float32))
    pictures = torch.from_numpy(rng.integers(0, 256, (frames, 32, 32), dtype=np.uint8))
    lips = LipSequence(shape, pictures, torch.ones(frames, dtype=torch.bool))
    sound = (signal * torch.ones(SOUND) + 0.1 * torch.from_numpy(rng.normal(size=(frames, SOUND)))).half()
    return Sample(f"speaker{seed}", lips, sound, (sound,), torch.ones(frames, dtype=torch.bool))


def encoding(frames=50):
    rng = np.random.default_rng(0)

    def some(*shape):
        return rng.normal(size=shape).astype(np.float32)

    return Encoding(some(frames, 288), 41.67, frames * 384, some(frames), some(frames, 864))


@pytest.mark.parametrize("disguised", [0.0, 0.5])
def test_the_active_speaker_is_told_from_others_after_training(tmp_path, disguised):
    recipe = ActiveSpeakerRecipe(epochs=2, batch=5, disguised=disguised)
    network = train_active_speaker([sample(seed) for seed in range(12)], recipe, tmp_path, lambda *_: None)
    assert judge(network, [sample(seed) for seed in range(20, 24)])["auc"] > 0.8


def test_hidden_lips_do_not_matter():
    network = ActiveSpeakerNet().eval()
    lips, sound = torch.randn(1, 60, INPUTS), torch.randn(1, 60, SOUND)
    mask = torch.ones(1, 60, dtype=torch.bool)
    mask[0, 20:30] = False
    before = network(lips, mask, sound)
    lips[0, 20:30] += 3
    assert torch.equal(before, network(lips, mask, sound))


def test_one_speaker_is_not_enough(tmp_path):
    with pytest.raises(ModelError, match="two or more"):
        train_active_speaker([sample(0)], ActiveSpeakerRecipe(epochs=1), tmp_path, lambda *_: None)


def test_whose_lips_they_are_falls_away():
    lips = torch.randn(40, INPUTS)
    mask = torch.ones(40, dtype=torch.bool)
    assert torch.allclose(centred(lips, mask), centred(lips + 5, mask), atol=1e-4)


def test_frames_are_read_between_their_times():
    frames = np.arange(10.0, dtype=np.float32)[:, None]
    assert at_times(frames, 10, np.array([0.0, 0.05, 0.1, 0.5, 9.0], np.float32))[:, 0].tolist() == pytest.approx(
        [0, 0, 0.5, 4.5, 9]
    )


def test_sound_frames_stand_at_the_lips_times():
    assert sound_frames(encoding(), np.arange(30) / 25).shape == (30, SOUND)


def test_a_recogniser_without_inner_layers_is_refused():
    bare = Encoding(np.zeros((5, 288), np.float32), 41.67, 1920)
    with pytest.raises(ModelError, match="moonshine"):
        sound_frames(bare, np.arange(3) / 25)


def test_speech_is_what_stands_out_from_the_pauses():
    levels = np.r_[np.full(40, -60.0), np.full(60, -20.0)]
    assert speech_active(levels).tolist() == [False] * 40 + [True] * 60


def test_the_area_under_the_curve_counts_pairs_in_order():
    assert area(torch.tensor([2.0, 3.0]), torch.tensor([0.0, 1.0])) == 1.0
    assert area(torch.tensor([0.0, 3.0]), torch.tensor([1.0, 2.0])) == 0.5


def test_one_speaker_in_five_is_left_out_and_always_the_same():
    names = [f"speaker{index}" for index in range(1000)]
    chosen = [left_out(name) for name in names]
    assert 150 < sum(chosen) < 250
    assert chosen == [left_out(name) for name in names]


def test_recordings_are_encoded_once(tmp_path):
    calls = []

    def hear(sound):
        calls.append(len(sound))
        return encoding(len(sound) // 384)

    rng = np.random.default_rng(0)
    recordings = [Recording(rng.integers(-999, 999, 32_000).astype(np.int16), LipTrack.unseen(50)) for _ in range(3)]
    for _ in range(2):
        found = cached_samples(["a", "b", "c"], ["1", "2", "3"], recordings, hear, tmp_path, lambda *_: None)
    assert len(calls) == 3 * 4
    assert found[0].clean.shape == (50, SOUND)
    # The clip was replaced: its sound frames are not set beside the new lips.
    recordings[1] = Recording(recordings[1].pcm[:25_600], LipTrack.unseen(40))
    found = cached_samples(["a", "b", "c"], ["1", "2", "3"], recordings, hear, tmp_path, lambda *_: None)
    assert len(calls) == 4 * 4
    assert [len(each.clean) for each in found] == [50, 40, 50]
