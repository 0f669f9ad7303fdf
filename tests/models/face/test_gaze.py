"""Gaze of made-up eyes, where the right answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from synthetic_faces import placed, unit_face

from lipstream.models.face.gaze import IRIS_RADIUS, gaze, gaze_angles
from lipstream.models.face.pose import head_pose

STRAIGHT = ((-0.012, -0.017), (0.012, -0.017))
EYES = ((468, 33, 133), (473, 263, 362))


def looking(right: float = 0.0, down: float = 0.0) -> np.ndarray:
    """(478, 3) landmarks of a face of unit size whose eyes are turned so many degrees in the head."""
    face = unit_face()
    for (iris, outer, inner), (x, y) in zip(EYES, STRAIGHT, strict=True):
        middle = (face[outer] + face[inner]) / 2
        turned = np.array([math.sin(math.radians(right)), math.sin(math.radians(down)), 0.0])
        face[iris] = middle + IRIS_RADIUS * turned + [x, y, 0.0]
    return face


def seen(face: np.ndarray) -> np.ndarray:
    return gaze(face.astype(np.float32), head_pose(face.astype(np.float32)))


def degrees(eyes: np.ndarray) -> list[float]:
    return [math.degrees(angle) for angle in gaze_angles(eyes)]


def test_who_looks_straight_ahead_looks_into_the_camera():
    eyes = seen(placed(looking()))
    np.testing.assert_allclose(eyes, [[0, 0, -1], [0, 0, -1]], atol=1e-3)
    assert degrees(eyes) == pytest.approx([0, 0], abs=0.1)


@pytest.mark.parametrize(("right", "down"), [(20.0, 0.0), (-15.0, 0.0), (0.0, 12.0), (0.0, -25.0)])
def test_turned_eyes_are_told_to_the_right_and_down(right: float, down: float):
    eyes = seen(placed(looking(right, down)))
    assert degrees(eyes) == pytest.approx([right, down], abs=0.2)
    np.testing.assert_allclose(np.linalg.norm(eyes, axis=1), 1.0)


@pytest.mark.parametrize("scale", [30.0, 300.0])
def test_the_size_and_the_place_of_the_face_do_not_matter(scale: float):
    assert degrees(seen(placed(looking(10.0), scale, (500.0, 20.0)))) == pytest.approx([10, 0], abs=0.3)


def test_the_head_takes_the_eyes_with_it():
    turned = placed(looking(), yaw=25.0)
    yaw = head_pose(turned).angles[1]
    assert degrees(seen(turned))[0] == pytest.approx(-yaw, abs=0.2)


def test_eyes_that_make_up_for_the_head_look_into_the_camera():
    """A head that is turned to one side, and eyes as far to the other."""
    turned = placed(looking(25.0), yaw=25.0)
    back = placed(looking(-25.0), yaw=25.0)
    assert min(abs(degrees(seen(turned))[0]), abs(degrees(seen(back))[0])) < 0.3


def test_an_iris_that_is_beside_the_eye_gives_a_direction_all_the_same():
    face = looking()
    face[[468, 473]] += [0.5, 0.5, 0.0]
    eyes = seen(placed(face))
    assert np.isfinite(eyes).all()
    np.testing.assert_allclose(np.linalg.norm(eyes, axis=1), 1.0)
