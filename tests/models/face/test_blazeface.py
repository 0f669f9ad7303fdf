"""Boxes and points come out of the detector's raw output where they were put in."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.models.face import blazeface

ANCHORS = blazeface.anchors()


def raw_output(faces):
    """The (896, 16) and (896,) a network would give for {anchor: (x, y, side, logit)}, in input pixels."""
    regressors = np.zeros((896, 16), dtype=np.float32)
    logits = np.full(896, -50.0, dtype=np.float32)
    for anchor, (x, y, side, logit) in faces.items():
        anchor_x, anchor_y = ANCHORS[anchor] * 128
        regressors[anchor, :4] = x - anchor_x, y - anchor_y, side, side
        regressors[anchor, 4:] = np.tile([x - anchor_x, y - anchor_y], 6) + np.arange(12)
        logits[anchor] = logit
    return regressors, logits


def decode(faces, min_score=0.5):
    return blazeface.decode(*raw_output(faces), ANCHORS, min_score)


def test_anchors_are_cell_centres_of_the_two_maps():
    assert ANCHORS.shape == (896, 2)
    np.testing.assert_allclose(ANCHORS[:3] * 128, [[4, 4], [4, 4], [12, 4]])
    np.testing.assert_allclose(ANCHORS[32] * 128, [4, 12])
    np.testing.assert_allclose(ANCHORS[512:519] * 128, [[8, 8]] * 6 + [[24, 8]])
    np.testing.assert_allclose(ANCHORS[-1] * 128, [120, 120])


def test_a_face_is_decoded_to_fractions_of_the_input():
    (face,) = decode({300: (60.0, 40.0, 32.0, 3.0)})

    np.testing.assert_allclose(face.box * 128, [44, 24, 76, 56], atol=1e-4)
    np.testing.assert_allclose(face.keypoints[:2] * 128, [[60, 41], [62, 43]], atol=1e-4)
    assert face.score == pytest.approx(1 / (1 + np.exp(-3)), abs=1e-6)


def test_no_face_no_detection():
    assert decode({}) == []


def test_unlikely_boxes_are_dropped():
    assert decode({300: (60.0, 40.0, 32.0, -0.1)}) == []
    assert len(decode({300: (60.0, 40.0, 32.0, -0.1)}, min_score=0.4)) == 1


def test_overlapping_boxes_blend_by_score_into_one():
    (face,) = decode({300: (60.0, 40.0, 32.0, 3.0), 301: (64.0, 40.0, 32.0, 1.0)})
    weights = 1 / (1 + np.exp([-3.0, -1.0]))

    assert (face.box[0] + face.box[2]) / 2 * 128 == pytest.approx(np.average([60, 64], weights=weights), abs=1e-3)
    assert face.score == pytest.approx(weights[0], abs=1e-6)


def test_separate_faces_come_best_first():
    faces = decode({100: (30.0, 30.0, 24.0, 1.0), 700: (90.0, 70.0, 40.0, 4.0), 400: (30.0, 100.0, 20.0, 2.0)})

    assert [round(float(face.box[2] - face.box[0]) * 128) for face in faces] == [40, 20, 24]


def test_extreme_scores_do_not_overflow():
    with np.errstate(all="raise"):
        (face,) = decode({300: (60.0, 40.0, 32.0, 1e4)} | {301: (60.0, 40.0, 32.0, -1e4)})

    assert face.score == 1.0


@pytest.mark.parametrize(
    ("box", "expected"),
    [((0, 0, 2, 2), 1.0), ((1, 0, 3, 2), 1 / 3), ((2, 2, 4, 4), 0.0), ((5, 5, 6, 6), 0.0), ((1, 1, 1, 1), 0.0)],
)
def test_intersection_over_union(box, expected):
    (ratio,) = blazeface.iou(np.array([box], dtype=np.float32), np.array([0, 0, 2, 2], dtype=np.float32))

    assert ratio == pytest.approx(expected)
