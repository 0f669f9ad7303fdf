"""Telling a picture that stands still from a living one."""

from __future__ import annotations

import math

import numpy as np

from lipstream.models.face.stillness import STANDS_STILL, face_change

BOX = (20.0, 10.0, 84.0, 74.0)


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(40, 200, (96, 128, 3)).astype(np.uint8)


def test_the_same_picture_stands_still_and_so_it_does_with_an_encoders_rounding():
    image = picture()
    assert face_change(image, image.copy(), BOX) == 0
    rounded = (image + np.random.default_rng(1).integers(0, 2, image.shape)).astype(np.uint8)
    assert face_change(image, rounded, BOX) < STANDS_STILL


def test_a_mouth_that_moves_is_seen_in_a_face_that_rests_and_what_is_beside_the_face_is_not():
    before = picture()
    speaks, elsewhere = before.copy(), before.copy()
    speaks[58:64, 44:60] += 40
    elsewhere[:, 90:] += 40
    assert face_change(before, speaks, BOX) > STANDS_STILL
    assert face_change(before, elsewhere, BOX) == 0


def test_pictures_that_cannot_be_compared_count_as_changed():
    image = picture()
    assert face_change(image, image[:48], BOX) == math.inf
    assert face_change(image, image, (200.0, 0.0, 300.0, 50.0)) == math.inf
    assert face_change(image, image, (-20.0, -20.0, 300.0, 300.0)) == 0
