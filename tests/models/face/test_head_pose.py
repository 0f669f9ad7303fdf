"""The head's pose is recovered from landmarks, whatever the mouth does."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic_faces import placed, rotation, unit_face

from lipstream.models.face.pose import head_pose


@pytest.mark.parametrize("turn", [{}, {"roll": 30.0}, {"yaw": -40.0}, {"pitch": 20.0}, {"roll": -15.0, "yaw": 35.0}])
def test_scale_rotation_and_place_are_recovered(turn):
    pose = head_pose(placed(unit_face(), scale=64.0, at=(200.0, 90.0), **turn))

    assert pose.scale == pytest.approx(64.0, rel=1e-5)
    np.testing.assert_allclose(pose.rotation, rotation(**turn), atol=1e-5)
    np.testing.assert_allclose(pose.translation, [200.0, 90.0, 0.0], atol=1e-3)


def test_roll_is_the_tilt_of_the_head_in_the_image():
    assert np.rad2deg(head_pose(placed(unit_face(), roll=25.0)).roll) == pytest.approx(25.0, abs=1e-3)


def test_roll_of_a_turned_head_is_zero():
    assert head_pose(placed(unit_face(), yaw=40.0)).roll == pytest.approx(0.0, abs=1e-6)


def test_rotation_stays_proper_for_a_flattened_face():
    """A network that gives no depth must not turn the face inside out."""
    flat = placed(unit_face())
    flat[:, 2] = 0.0

    assert np.linalg.det(head_pose(flat).rotation) == pytest.approx(1.0)


def test_an_open_mouth_does_not_change_the_pose():
    shut, wide = head_pose(placed(unit_face(0.0), yaw=20.0)), head_pose(placed(unit_face(0.6), yaw=20.0))

    assert wide.scale == shut.scale
    np.testing.assert_array_equal(wide.rotation, shut.rotation)


def by_openface(pitch: float, yaw: float, roll: float) -> np.ndarray:
    """(3, 3) rotation R = Rx(pitch) Ry(yaw) Rz(roll), right-handed about axes to the right, down and away."""
    about = []
    for axis, degrees in enumerate((pitch, yaw, roll)):
        cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
        turn = np.eye(3)
        first, second = (axis + 1) % 3, (axis + 2) % 3
        turn[first, first], turn[first, second], turn[second, first], turn[second, second] = cos, -sin, sin, cos
        about.append(turn)
    return about[0] @ about[1] @ about[2]


@pytest.mark.parametrize("angles", [(0, 0, 0), (15, 0, 0), (0, -30, 0), (0, 0, 20), (-12.0, 35.0, 8.0)])
def test_angles_are_those_of_openface_in_degrees(angles: tuple[float, float, float]):
    landmarks = (80 * unit_face() @ by_openface(*angles).T + [160, 120, 0]).astype(np.float32)
    assert head_pose(landmarks).angles == pytest.approx(angles, abs=1e-3)


def test_positive_angles_are_down_to_the_left_and_clockwise():
    """Where the tip of the nose goes, seen from between the temples, and the right side of the mouth."""
    nose, face = 4, unit_face()
    moved = {
        name: (face @ by_openface(*angles).T)[nose] - face[nose]
        for name, angles in {"pitch": (20, 0, 0), "yaw": (0, 20, 0)}.items()
    }
    assert moved["pitch"][1] > 0 and moved["yaw"][0] < 0
    right_corner = (face @ by_openface(0, 0, 20).T)[291] - face[291]
    assert right_corner[0] < 0 < (face @ by_openface(0, 0, 20).T)[263][1] - face[263][1]
