"""The lip network and its input: how far it sees, and that changes of a track leave it the same track."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lipstream.models.av_speech.characters import BLANK, read, spell
from lipstream.models.av_speech.lip_input import INPUTS, THUMB, lip_input, thumbs, waves
from lipstream.models.av_speech.lip_net import LOOK_AHEAD, LipNet
from lipstream.models.av_speech.training.lip_augment import LipSequence, _mirror, at_speed, drop_frames


def track(frames=30, seed=0):
    rng = np.random.default_rng(seed)
    shape = torch.from_numpy(rng.normal(size=(frames, 107)).astype(np.float32))
    pictures = torch.from_numpy(rng.integers(0, 256, (frames, THUMB, THUMB), dtype=np.uint8))
    return LipSequence(shape, pictures, torch.ones(frames, dtype=torch.bool))


def test_the_lip_network_looks_ahead_as_far_as_it_says_and_no_further():
    network, frames = LipNet(width=16).eval(), torch.randn(1, 40, INPUTS)
    mask = torch.ones(1, 40, dtype=torch.bool)
    before = network(frames, mask)
    changed = frames.clone()
    changed[:, 20:] += 1
    after = network(changed, mask)
    assert torch.equal(before[:, : 20 - LOOK_AHEAD], after[:, : 20 - LOOK_AHEAD])
    assert not torch.allclose(before[:, 20 - LOOK_AHEAD], after[:, 20 - LOOK_AHEAD])


def test_what_the_mask_hides_does_not_matter():
    network, frames = LipNet(width=16).eval(), torch.randn(1, 20, INPUTS)
    mask = torch.ones(1, 20, dtype=torch.bool)
    mask[0, 5:9] = False
    other = frames.clone()
    other[0, 5:9] = 7.0
    assert torch.equal(network(frames, mask), network(other, mask))


def test_waves_ignore_brightness_and_contrast():
    pictures = track().pictures.numpy() / np.float32(255)
    assert np.allclose(waves(pictures), waves(pictures * 0.5 + 0.3), atol=0.6)
    assert np.allclose(waves(pictures), waves(pictures + 0.3), atol=1e-3)


def test_a_mirrored_picture_has_the_mirrored_waves():
    pictures = track().pictures.numpy() / np.float32(255)
    rows = waves(pictures).reshape(-1, 12, 12)
    signs = np.array([1.0, -1.0] * 6)
    assert np.allclose(waves(pictures[:, :, ::-1]), (rows * signs).reshape(len(rows), -1), atol=1e-4)


def test_a_mirror_twice_gives_the_same_lips():
    shape = track().shape
    assert torch.equal(_mirror(_mirror(shape)), shape)


@pytest.mark.parametrize("change", [LipSequence.varied, LipSequence.disguised])
def test_variations_keep_length_and_differ(change):
    sequence, rng = track(), np.random.default_rng(1)
    one, other = change(sequence, rng), change(sequence, rng)
    assert one.shape == other.shape == sequence.plain().shape == (30, INPUTS)
    assert not torch.equal(one, other)


@pytest.mark.parametrize(("speed", "frames"), [(0.5, 60), (1.0, 30), (2.0, 15)])
def test_faster_speech_has_fewer_frames(speed, frames):
    sequence = track()
    stretched, mask = at_speed(sequence.plain(), sequence.mask, speed)
    assert (len(stretched), len(mask)) == (frames, frames)


def test_dropped_frames_are_only_ever_hidden():
    mask = torch.zeros(30, dtype=torch.bool)
    mask[10:20] = True
    kept = drop_frames(mask, np.random.default_rng(3))
    assert not (kept & ~mask).any()


def test_lip_input_of_no_frames_is_empty():
    crops = np.zeros((0, 96, 96), np.uint8)
    assert lip_input(np.zeros((0, 40, 2)), np.zeros((0, 27)), thumbs(crops)).shape == (0, INPUTS)


def test_spelling_round_trips_through_ctc_paths():
    classes = spell("Place 2 Books, now")
    path = [step for each in classes for step in (each, each, BLANK)]
    assert read(path) == "place two books now"
