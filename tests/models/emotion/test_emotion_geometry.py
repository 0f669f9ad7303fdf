"""The shape of a face: what it is free of, its mirror image, and what training makes of it."""

import numpy as np
import pytest
import torch

from lipstream.models.emotion.face_shape import GEOMETRY, geometry
from lipstream.models.emotion.geometry_net import GeometryNet, blended
from lipstream.models.emotion.training.geometry import (
    GeometryRecipe,
    fit_blend,
    shape_log_probabilities,
    train_geometry,
)
from lipstream.models.emotion.training.still_faces import cached_shapes
from lipstream.models.errors import ModelError
from lipstream.models.face.backend import BLENDSHAPES, LANDMARK_COUNT

POINTS = LANDMARK_COUNT * 3


EYES = [(33, 263), (133, 362)]
OTHERS = [i for i in range(LANDMARK_COUNT) if i not in {33, 133, 263, 362}]
TWINS = EYES + list(zip(OTHERS[::2], OTHERS[1::2], strict=True))

CUES = ("browInnerUp", "jawOpen", "mouthPucker", "mouthFunnel", "mouthClose", "mouthRollLower", "cheekPuff")


def face(seed=0):
    """Landmarks of a symmetric face, and blendshapes."""
    rng = np.random.default_rng(seed)
    landmarks = np.zeros((LANDMARK_COUNT, 3), np.float32)
    for one, other in TWINS:
        x, y, z = rng.normal(0, 30, 3)
        landmarks[one], landmarks[other] = (-abs(x) - 1, y, z), (abs(x) + 1, y, z)
    landmarks[:, 1] += 40
    for (one, other), x in zip(EYES, (20, 10), strict=True):
        landmarks[one, :2], landmarks[other, :2] = (-x, -10), (x, -10)
    return landmarks, rng.random(len(BLENDSHAPES)).astype(np.float32)


def turned(landmarks, angle, scale, shift):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = landmarks * scale
    moved[:, :2] = moved[:, :2] @ turn.T + shift
    return moved.astype(np.float32)


def test_place_size_and_tilt_do_not_matter():
    landmarks, blendshapes = face()
    there = geometry(turned(landmarks, 0.4, 3.0, (200, 90)), blendshapes)
    assert np.allclose(geometry(landmarks, blendshapes), there, atol=1e-4)
    assert there.shape == (GEOMETRY,)


def test_an_expression_does_matter():
    landmarks, blendshapes = face()
    other = landmarks.copy()
    other[61, 1] += 8
    assert not np.allclose(geometry(landmarks, blendshapes), geometry(other, blendshapes), atol=1e-2)


def shapes(count=210, seed=0):
    """Faces whose class is a blendshape that is high, and landmarks that lie deep."""
    rng = np.random.default_rng(seed)
    base, _ = face()
    labels = np.arange(count) % 7
    rows = []
    for label in labels:
        blendshapes = rng.random(len(BLENDSHAPES)).astype(np.float32) * 0.3
        blendshapes[BLENDSHAPES.index(CUES[label])] += 0.7
        landmarks = (base + rng.normal(0, 0.5, base.shape)).astype(np.float32)
        landmarks[np.array(TWINS[30 * label : 30 * label + 30]).ravel(), 2] += 30
        rows.append(geometry(landmarks, blendshapes))
    return np.stack(rows), labels


def test_mirroring_twice_gives_the_face_back():
    given, _ = shapes(30)
    network = GeometryNet()
    network.fit_scale(torch.from_numpy(given))
    once = network.mirror(torch.from_numpy(given))
    assert torch.allclose(network.mirror(once), torch.from_numpy(given), atol=1e-5)
    left, right = BLENDSHAPES.index("mouthSmileLeft"), BLENDSHAPES.index("mouthSmileRight")
    assert torch.equal(once[:, POINTS + left], torch.from_numpy(given)[:, POINTS + right])


def test_hiding_the_mouth_hides_jaw_and_smile_but_no_brow():
    given, _ = shapes(30)
    network = GeometryNet()
    network.fit_scale(torch.from_numpy(given))
    hidden = network.hide_mouth(torch.ones(1, GEOMETRY))[0, POINTS:]
    assert hidden[BLENDSHAPES.index("mouthSmileLeft")] == hidden[BLENDSHAPES.index("jawOpen")] == 0
    assert hidden[BLENDSHAPES.index("browInnerUp")] == 1


def test_training_learns_follows_the_seed_and_passes_over_faces_without_a_shape(tmp_path):
    given, labels = shapes()
    given[::10] = np.nan
    train = np.arange(140)
    recipe = GeometryRecipe(epochs=25, batch=32, components=60)
    results = [train_geometry(given, labels, train, recipe, tmp_path, lambda *_: None) for _ in range(2)]
    logs = shape_log_probabilities(results[0], given[140:])
    seen = ~np.isnan(logs[:, 0])
    assert (logs[seen].argmax(axis=1) == labels[140:][seen]).mean() > 0.8
    assert np.array_equal(seen, ~np.isnan(given[140:, 0]))
    assert torch.equal(results[0].enter.weight, results[1].enter.weight)


def test_a_geometry_training_that_is_stopped_goes_on_to_the_same_weights(tmp_path):
    given, labels = shapes()
    recipe = GeometryRecipe(epochs=3, batch=32, components=60)

    def train(folder, report):
        return train_geometry(given, labels, np.arange(140), recipe, folder, report).state_dict()

    def stop(_name, done, _total, _figures):
        if done == 8:  # five steps an epoch
            raise KeyboardInterrupt

    whole = train(tmp_path / "whole", lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "broken", stop)
    done = []
    resumed = train(tmp_path / "broken", lambda _name, step, _total, _figures: done.append(step))
    assert done == list(range(6, 16))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert [path.name for path in (tmp_path / "broken").iterdir()] == ["geometry.safetensors"]


def test_the_better_look_counts_more():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, 400)

    def look(share):
        logits = rng.normal(0, 1, (400, 7)).astype(np.float32)
        logits[np.arange(400), np.where(rng.random(400) < share, labels, rng.integers(0, 7, 400))] += 3
        return torch.from_numpy(logits).log_softmax(dim=1).numpy()

    good, poor = look(0.9), look(0.3)
    poor[:5] = np.nan
    network = GeometryNet()
    fit_blend(network, good, poor, labels)
    assert network.blend[0] > 2 * network.blend[1]
    assert torch.allclose(
        blended(network, torch.from_numpy(good), torch.from_numpy(good)).exp().sum(1), torch.ones(400)
    )


def test_a_cache_of_other_images_is_refused(tmp_path):
    class Finder:
        def load(self):
            pass

        def shapes(self, images, report, name):
            return np.zeros((len(images), GEOMETRY), np.float32)

    images = np.zeros((3, 48, 48), np.uint8)
    cache = tmp_path / "shapes.safetensors"
    assert cached_shapes(images, Finder, cache, print, "x").shape == (3, GEOMETRY)
    with pytest.raises(ModelError, match="holds 3 faces, expected 2"):
        cached_shapes(images[:2], Finder, cache, print, "x")
    cache.write_bytes(b"nothing")
    with pytest.raises(ModelError, match="not a cache"):
        cached_shapes(images, Finder, cache, print, "x")
