import cv2
import numpy as np
import pytest

from lipstream.models.emotion.face_crop import face_crop

RIGHT_EYE, LEFT_EYE, MOUTH_RIGHT, MOUTH_LEFT = (15.1, 19.0), (32.9, 19.0), (16.5, 37.1), (31.5, 37.1)


def scene(scale, angle, centre, size=400):
    """A frame with bright spots where the eyes and the corners of the mouth are, and its landmarks."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = [turn @ (np.array(p) - 24) * scale + centre for p in (RIGHT_EYE, LEFT_EYE, MOUTH_RIGHT, MOUTH_LEFT)]
    frame = np.zeros((size, size, 3), np.uint8)
    for x, y in points:
        cv2.circle(frame, (round(x), round(y)), max(2, round(1.5 * scale)), (255, 255, 255), -1)
    landmarks = np.zeros((478, 3), np.float32)
    for indices, point in zip(([33, 133], [362, 263], [61], [291]), points, strict=True):
        landmarks[indices, :2] = point
    return frame, landmarks


@pytest.mark.parametrize("scale", [1.0, 2.5, 6.0])
@pytest.mark.parametrize("angle", [0.0, 0.5])
def test_eyes_and_mouth_land_in_their_places(scale, angle):
    crop = face_crop(*scene(scale, angle, np.array([200, 190])))
    assert crop.shape == (48, 48)
    assert crop.dtype == np.uint8
    for x, y in (RIGHT_EYE, LEFT_EYE, MOUTH_RIGHT, MOUTH_LEFT):
        assert crop[round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2].max() > 120
    assert crop[27:31, 22:26].max() < 60


def test_face_at_the_edge_of_the_frame():
    assert face_crop(*scene(3.0, 0.0, np.array([10, 390]))).shape == (48, 48)


def test_coinciding_landmarks_do_not_fail():
    assert face_crop(np.zeros((40, 40, 3), np.uint8), np.full((478, 3), 20, np.float32)).shape == (48, 48)
