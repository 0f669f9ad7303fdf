"""The regions the landmark network looks at, and the way back to the frame."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic_faces import placed, unit_face

from lipstream.models.face.blazeface import Detection
from lipstream.models.face.roi import Roi, from_detection, from_landmarks


def in_frame(roi, x, y, size=256):
    return roi.to_frame(size) @ np.array([x, y, 1.0])


def test_the_crop_of_an_upright_region_is_a_shift_and_a_scale():
    roi = Roi(x=100.0, y=60.0, width=80.0, height=40.0, angle=0.0)

    np.testing.assert_allclose(in_frame(roi, 0, 0), [60, 40], atol=1e-4)
    np.testing.assert_allclose(in_frame(roi, 256, 256), [140, 80], atol=1e-4)
    np.testing.assert_allclose(roi.upright_box(), [60, 40, 140, 80])


def test_a_tilted_region_turns_about_its_middle():
    roi = Roi(x=100.0, y=60.0, width=80.0, height=80.0, angle=np.pi / 2)

    np.testing.assert_allclose(in_frame(roi, 128, 128), [100, 60], atol=1e-4)
    np.testing.assert_allclose(in_frame(roi, 256, 128), [100, 100], atol=1e-4)  # the crop's right is the frame's down


def test_a_detection_on_a_letterboxed_frame_is_found_again_in_the_frame():
    keypoints = np.tile(np.array([0.5, 0.5], dtype=np.float32), (6, 1))
    keypoints[0], keypoints[1] = (0.45, 0.45), (0.55, 0.45)
    detection = Detection(np.array([0.4, 0.4, 0.6, 0.6], dtype=np.float32), keypoints, 0.9)

    roi = from_detection(detection, 640, 360)

    assert (roi.x, roi.y) == pytest.approx((320, 180), abs=1e-3)
    assert (roi.width, roi.height) == pytest.approx((192, 192), abs=1e-3)
    assert roi.angle == pytest.approx(0.0)


@pytest.mark.parametrize("roll", [0.0, 20.0, -35.0, 120.0])
def test_the_region_of_landmarks_is_level_with_the_eyes(roll):
    assert np.rad2deg(from_landmarks(placed(unit_face(), roll=roll)).angle) == pytest.approx(roll, abs=1e-3)


def test_the_region_of_landmarks_leaves_half_as_much_room_again():
    landmarks = placed(unit_face())
    low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)

    roi = from_landmarks(landmarks)

    assert roi.width == roi.height == pytest.approx(1.5 * (high - low).max(), rel=1e-5)
    assert (roi.x, roi.y) == pytest.approx(tuple((low + high) / 2), rel=1e-5)
