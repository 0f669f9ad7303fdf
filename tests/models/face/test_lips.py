"""Lip measurements do not depend on where the head is and how it is turned; the crop keeps the mouth in place."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from synthetic_faces import placed, unit_face

from lipstream.models.face.backend import BLENDSHAPES
from lipstream.models.face.lips import (
    INNER_LIP,
    LIPS,
    MOUTH_BLENDSHAPES,
    OUTER_LIP,
    aperture,
    lip_crop,
    mouth_blendshapes,
    normalised_lips,
    opening,
    similarity_transform,
)
from lipstream.models.face.pose import head_pose

PLACES = [
    {"scale": 25.0},
    {"scale": 300.0, "at": (900.0, 20.0)},
    {"roll": 40.0},
    {"yaw": 35.0},
    {"pitch": -20.0},
    {"roll": -10.0, "yaw": -30.0, "pitch": 10.0, "scale": 50.0, "at": (30.0, 200.0)},
]


def lips_of(landmarks):
    return normalised_lips(landmarks, head_pose(landmarks))


def aperture_of(landmarks):
    return aperture(landmarks, head_pose(landmarks))


def crop_of(frame, landmarks, **options):
    return lip_crop(frame, landmarks, head_pose(landmarks), **options)


def to_crop(landmarks, point, size=96):
    return similarity_transform(landmarks, head_pose(landmarks), size) @ np.array([*point, 1.0])


def face_picture(landmarks, shape=(240, 320), colour=(255, 255, 255)):
    """A black frame with the mouth filled."""
    frame = np.zeros((*shape, 3), dtype=np.uint8)
    cv2.fillPoly(frame, [np.round(landmarks[list(OUTER_LIP), :2]).astype(np.int32)], colour)
    return frame


def test_the_40_lip_landmarks_are_those_of_mediapipe():
    vision = pytest.importorskip("mediapipe").tasks.vision
    edges = vision.FaceLandmarksConnections.FACE_LANDMARKS_LIPS
    drawn = {frozenset((edge.start, edge.end)) for edge in edges}
    walked = {
        frozenset(pair)
        for contour in (OUTER_LIP, INNER_LIP)
        for pair in zip(contour, np.roll(contour, -1), strict=True)
    }

    assert walked == drawn
    assert len(set(LIPS)) == 40


@pytest.mark.parametrize("place", PLACES)
def test_normalised_lips_do_not_depend_on_the_pose(place):
    face = unit_face(0.2)

    np.testing.assert_allclose(lips_of(placed(face, **place)), lips_of(placed(face)), atol=1e-4)


def test_normalised_lips_are_centred_between_the_corners_and_scaled_by_the_eyes():
    lips = lips_of(placed(unit_face(0.2), yaw=25.0))

    assert lips.shape == (40, 2)
    assert lips.dtype == np.float32
    np.testing.assert_allclose(lips[[0, 10]], [[-0.28, 0.0], [0.28, 0.0]], atol=1e-4)


def test_depth_errors_of_a_turned_head_move_the_lips_little():
    """The networks guess depth from one picture; a fifth too little at 30 degrees must stay tolerable."""
    landmarks = placed(unit_face(0.2), yaw=30.0)
    landmarks[:, 2] *= 0.8

    assert np.abs(lips_of(landmarks) - lips_of(placed(unit_face(0.2)))).max() < 0.05
    assert aperture_of(landmarks) == pytest.approx(0.2, rel=0.1)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("gap", [0.0, 0.05, 0.3])
def test_aperture_is_the_gap_between_the_lips_in_any_pose(place, gap):
    assert aperture_of(placed(unit_face(gap), **place)) == pytest.approx(gap, abs=1e-4)


@pytest.mark.parametrize("place", PLACES)
def test_the_opening_of_lip_points_is_the_aperture_of_their_face(place):
    faces = [placed(unit_face(gap), **place) for gap in (0.0, 0.05, 0.2)]
    openings = opening(np.stack([lips_of(face) for face in faces]))
    assert openings == pytest.approx([aperture_of(face) for face in faces], abs=1e-4)


def test_aperture_of_pressed_lips_is_not_negative():
    assert aperture_of(placed(unit_face(-0.02))) == 0.0


@pytest.mark.parametrize("place", PLACES)
def test_crop_centres_the_mouth_and_levels_the_face(place):
    landmarks = placed(unit_face(0.1), **place)
    left, right = landmarks[61, :2], landmarks[291, :2]

    np.testing.assert_allclose(to_crop(landmarks, (left + right) / 2), [47.5, 47.5], atol=1e-2)
    bridge, tip = to_crop(landmarks, landmarks[168, :2]), to_crop(landmarks, landmarks[4, :2])
    assert tip[1] > bridge[1] + 5  # the nose points down


def test_crop_scale_follows_the_head_and_not_the_mouth():
    def eye_distance(gap):
        landmarks = placed(unit_face(gap), scale=133.0)
        return np.linalg.norm(to_crop(landmarks, landmarks[33, :2]) - to_crop(landmarks, landmarks[263, :2]))

    assert eye_distance(0.0) == pytest.approx(96.0, rel=1e-4)
    assert eye_distance(0.5) == pytest.approx(96.0, rel=1e-4)


@pytest.mark.parametrize("scale", [30.0, 96.0, 400.0])
def test_crop_shows_the_same_mouth_at_any_distance(scale):
    landmarks = placed(unit_face(0.3), scale=scale, at=(400.0, 300.0))
    expected = np.zeros((96, 96), dtype=np.uint8)
    outline = [to_crop(landmarks, point) for point in landmarks[list(OUTER_LIP), :2]]
    cv2.fillPoly(expected, [np.round(outline).astype(np.int32)], 255)

    crop = crop_of(face_picture(landmarks, (800, 1000)), landmarks)

    assert crop.shape == (96, 96)
    assert crop.dtype == np.uint8
    differing = np.abs(crop.astype(int) - expected) > 127
    assert differing.mean() < 0.03


def test_shrinking_averages_instead_of_picking_pixels():
    """A fine chequered pattern has to come out as even gray; picked pixels would come out black and white."""
    frame = np.zeros((960, 960, 3), dtype=np.uint8)
    frame[::2, ::2] = frame[1::2, 1::2] = 255

    crop = crop_of(frame, placed(unit_face(), scale=96.0 * 6, at=(480.0, 300.0)))

    assert np.abs(crop.astype(int) - 127).max() < 40


def test_crop_of_a_gray_frame_equals_the_crop_of_the_same_rgb_frame():
    landmarks = placed(unit_face(0.2), roll=12.0)
    gray = np.random.default_rng(0).integers(0, 256, (240, 320), dtype=np.uint8)

    np.testing.assert_allclose(
        crop_of(gray, landmarks).astype(int), crop_of(cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB), landmarks), atol=1
    )


def test_crop_weighs_colours_as_luma():
    landmarks = placed(unit_face(0.3))

    red, green = (
        crop_of(face_picture(landmarks, colour=colour), landmarks).max() for colour in ([255, 0, 0], [0, 255, 0])
    )

    assert red == pytest.approx(0.299 * 255, abs=1)
    assert green == pytest.approx(0.587 * 255, abs=1)


def test_crop_beyond_the_frame_repeats_the_edge():
    frame = np.full((240, 320, 3), 200, dtype=np.uint8)

    assert (crop_of(frame, placed(unit_face(), scale=200.0, at=(310.0, 235.0))) == 200).all()


def test_crop_size_can_be_chosen():
    landmarks = placed(unit_face())

    assert crop_of(np.zeros((240, 320, 3), dtype=np.uint8), landmarks, size=48).shape == (48, 48)


def test_mouth_blendshapes_are_jaw_and_mouth_in_order():
    names = [BLENDSHAPES[index] for index in MOUTH_BLENDSHAPES]

    assert len(names) == 27
    assert names[0] == "jawForward"
    assert names[-1] == "mouthUpperUpRight"
    np.testing.assert_array_equal(mouth_blendshapes(np.arange(52, dtype=np.float32)), np.array(MOUTH_BLENDSHAPES))
