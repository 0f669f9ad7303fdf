"""Faces keep their ids over motion, misses and any order of observations, and new faces get new ones."""

from __future__ import annotations

import pytest
from synthetic_faces import observation

from lipstream.models.face.tracking import FaceTracker

FRAME_US = 40_000


def ids(frame):
    return [face.id for face in frame.faces]


def id_at(frame, x):
    return min(frame.faces, key=lambda face: abs((face.box[0] + face.box[2]) / 2 - x)).id


def test_first_faces_are_numbered_from_one_and_reported_as_found():
    frame = FaceTracker().update([observation(100, 100), observation(300, 100)], 0)

    assert ids(frame) == [1, 2]
    assert frame.found == (1, 2)
    assert frame.lost == ()


def test_box_encloses_the_landmarks_and_since_is_the_first_frame():
    tracker = FaceTracker()
    tracker.update([observation(100, 100)], 5_000)

    (face,) = tracker.update([observation(102, 100, side=80)], 45_000).faces

    assert face.box == pytest.approx((62, 60, 142, 140))
    assert face.since_us == 5_000


def test_ids_follow_the_faces_when_the_order_of_observations_changes():
    tracker = FaceTracker()
    tracker.update([observation(100, 100), observation(300, 100)], 0)

    frame = tracker.update([observation(305, 100), observation(105, 100)], FRAME_US)

    assert id_at(frame, 105) == 1
    assert id_at(frame, 305) == 2
    assert frame.found == ()


def test_a_moving_face_keeps_its_id():
    tracker = FaceTracker()
    for index in range(50):
        frame = tracker.update([observation(40 + 10 * index, 100, side=60 + index)], index * FRAME_US)

    assert ids(frame) == [1]


def test_two_faces_moving_together_keep_their_ids():
    tracker = FaceTracker()
    for index in range(20):
        frame = tracker.update(
            [observation(100 + 30 * index, 100), observation(220 + 30 * index, 100)], index * FRAME_US
        )

    assert id_at(frame, 670) == 1
    assert id_at(frame, 790) == 2


def test_a_short_miss_keeps_the_id_and_reports_nothing():
    tracker = FaceTracker(max_gap=0.5)
    tracker.update([observation(100, 100)], 0)
    missing = tracker.update([], 200_000)

    frame = tracker.update([observation(105, 100)], 500_000)

    assert missing.faces == missing.found == missing.lost == ()
    assert ids(frame) == [1]
    assert frame.found == ()


def test_a_long_miss_is_a_loss_and_the_face_comes_back_as_another():
    tracker = FaceTracker(max_gap=0.5)
    tracker.update([observation(100, 100)], 0)
    tracker.update([observation(100, 100)], 100_000)
    assert tracker.update([], 600_000).lost == ()

    (lost,) = tracker.update([], 600_001).lost
    frame = tracker.update([observation(100, 100)], 700_000)

    assert (lost.id, lost.since_us, lost.until_us) == (1, 0, 100_000)
    assert ids(frame) == [2]
    assert frame.found == (2,)


def test_a_stalled_camera_does_not_carry_an_id_over_the_gap():
    tracker = FaceTracker(max_gap=0.5)
    tracker.update([observation(100, 100)], 0)

    frame = tracker.update([observation(100, 100)], 3_000_000)

    assert [lost.id for lost in frame.lost] == [1]
    assert frame.found == (2,)


def test_a_face_elsewhere_is_another_face():
    tracker = FaceTracker()
    tracker.update([observation(100, 100)], 0)

    assert ids(tracker.update([observation(260, 100)], FRAME_US)) == [2]


def test_a_face_of_another_size_is_another_face():
    tracker = FaceTracker()
    tracker.update([observation(100, 100, side=40)], 0)

    assert ids(tracker.update([observation(100, 100, side=100)], FRAME_US)) == [2]


def test_a_slow_camera_may_show_larger_steps_than_a_fast_one():
    step = observation(100 + 0.9 * 80, 100)
    fast, slow = FaceTracker(), FaceTracker()
    for tracker in (fast, slow):
        tracker.update([observation(100, 100)], 0)

    assert ids(fast.update([step], FRAME_US)) == [2]
    assert ids(slow.update([step], 400_000)) == [1]


def test_a_newcomer_beside_a_face_does_not_take_its_id():
    tracker = FaceTracker()
    tracker.update([observation(100, 100)], 0)

    frame = tracker.update([observation(145, 100), observation(102, 100)], FRAME_US)

    assert id_at(frame, 102) == 1
    assert id_at(frame, 145) == 2


def test_equally_near_tracks_are_settled_by_age():
    tracker = FaceTracker()
    tracker.update([observation(100, 100), observation(140, 100)], 0)

    assert ids(tracker.update([observation(120, 100)], FRAME_US)) == [1]


def test_ids_are_never_used_twice_not_even_after_a_reset():
    tracker = FaceTracker()
    tracker.update([observation(100, 100), observation(300, 100)], 0)

    lost = tracker.reset()
    frame = tracker.update([observation(100, 100)], 0)

    assert [face.id for face in lost] == [1, 2]
    assert ids(frame) == [3]


def test_a_frame_is_decided_without_later_frames():
    """The result of a prefix is the prefix of the result."""
    steps = [[observation(100 + 8 * i, 100)] + ([observation(300, 100)] if i % 3 else []) for i in range(12)]

    def run(count):
        tracker = FaceTracker()
        return [ids(tracker.update(step, i * FRAME_US)) for i, step in enumerate(steps[:count])]

    assert run(12)[:6] == run(6)


@pytest.mark.parametrize("seconds", [0.4, 1.0, 3.0])
def test_at_few_frames_a_second_a_face_stays_one_face(seconds):
    tracker, step = FaceTracker(max_gap=0.5), round(seconds * 1e6)
    frames = [tracker.update([observation(100 + index % 3, 100)], index * step, step) for index in range(12)]

    assert {tuple(ids(frame)) for frame in frames} == {(1,)}
    assert not any(frame.lost for frame in frames)


def test_at_few_frames_a_second_a_face_may_be_missed_in_one_and_is_lost_after_more():
    tracker = FaceTracker(max_gap=0.5)
    seen = [True, True, False, True, True, False, False, False]
    frames = [
        tracker.update([observation(100, 100)] * face, index * 1_000_000, 1_000_000) for index, face in enumerate(seen)
    ]

    assert ids(frames[3]) == [1]
    assert [bool(frame.lost) for frame in frames] == [False] * 7 + [True]


def test_how_far_frames_are_apart_is_learnt_where_nobody_tells():
    tracker = FaceTracker(max_gap=0.5)
    frames = [tracker.update([observation(100, 100)], index * 1_000_000) for index in range(6)]

    assert tracker.max_gap_us == 2_500_000
    assert ids(frames[3]) == ids(frames[-1]) and tracker.give_up(7_000_000) == ()
    assert len(tracker.give_up(8_000_000)) == 1


def test_one_long_gap_among_many_short_ones_ends_a_track_as_ever():
    tracker = FaceTracker(max_gap=0.5)
    for index in range(10):
        tracker.update([observation(100, 100)], index * FRAME_US, FRAME_US)

    assert ids(tracker.update([observation(100, 100)], 9 * FRAME_US + 600_000, FRAME_US)) == [2]
