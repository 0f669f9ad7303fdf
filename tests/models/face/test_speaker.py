"""The speaker's face is the one that talks, and the choice is steady."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.models.face.speaker import SpeakerCandidate, SpeakerSelector

FRAME_SIZE = (640, 360)
FRAME_US = 40_000


def box(x, y, height):
    return (x - 0.4 * height, y - height / 2, x + 0.4 * height, y + height / 2)


LARGE_MIDDLE = box(320, 180, 160)
SMALL_SIDE = box(80, 90, 60)
LEFT, RIGHT = box(200, 180, 100), box(440, 180, 100)


def still(_seconds):
    return 0.02


def talking(seconds):
    """Four syllables a second."""
    return 0.08 + 0.07 * np.sin(2 * np.pi * 4 * seconds)


def play(selector, faces, seconds, start=0.0, step_us=FRAME_US, lost=()):
    """Show faces {id: (box, aperture over time)} for a while; the choice after each frame."""
    chosen = []
    for index in range(round(seconds * 1_000_000 / step_us)):
        timestamp_us = round(start * 1_000_000) + index * step_us
        candidates = [
            SpeakerCandidate(id_, place, float(aperture(timestamp_us / 1_000_000)))
            for id_, (place, aperture) in faces.items()
        ]
        chosen.append(selector.update(candidates, lost if index == 0 else (), FRAME_SIZE, timestamp_us))
    return chosen


def test_no_face_no_speaker():
    assert SpeakerSelector().update([], (), FRAME_SIZE, 0) is None


def test_the_first_face_is_chosen_at_once():
    assert play(SpeakerSelector(), {7: (SMALL_SIDE, still)}, 0.04) == [7]


def test_among_silent_faces_the_large_central_one_is_chosen():
    assert play(SpeakerSelector(), {1: (SMALL_SIDE, still), 2: (LARGE_MIDDLE, still)}, 0.04) == [2]


def test_a_small_talking_face_at_the_side_beats_a_large_silent_one():
    chosen = play(SpeakerSelector(), {1: (SMALL_SIDE, talking), 2: (LARGE_MIDDLE, still)}, 3.0)

    assert chosen[0] == 2
    assert chosen[-1] == 1


def test_when_both_talk_the_large_central_one_stays():
    assert set(play(SpeakerSelector(), {1: (SMALL_SIDE, talking), 2: (LARGE_MIDDLE, talking)}, 3.0)) == {2}


def test_the_choice_follows_the_conversation():
    selector = SpeakerSelector()
    play(selector, {1: (LEFT, talking), 2: (RIGHT, still)}, 3.0)

    chosen = play(selector, {1: (LEFT, still), 2: (RIGHT, talking)}, 3.0, start=3.0)

    assert chosen[0] == 1
    assert chosen[-1] == 2
    assert chosen == sorted(chosen)  # one change, no going back and forth


def test_a_lead_shorter_than_the_hold_time_does_not_switch():
    selector = SpeakerSelector(hold=0.6)
    play(selector, {1: (LEFT, talking), 2: (RIGHT, still)}, 3.0)
    chosen = play(selector, {1: (LEFT, talking), 2: (RIGHT, talking)}, 0.56, start=3.0)

    assert set(chosen) == {1}


@pytest.mark.parametrize("step_us", [16_667, 40_000, 83_333, 200_000, 500_000])
@pytest.mark.parametrize("glitch", [0.08, 0.3, 0.9])
@pytest.mark.parametrize("speaking", [talking, still])
def test_one_wild_frame_never_switches(speaking, glitch, step_us):
    """A landmark jump in one frame looks like a burst of lip motion."""
    selector = SpeakerSelector()
    step = step_us / 1_000_000
    chosen = play(selector, {1: (LEFT, speaking), 2: (RIGHT, still)}, 20 * step, step_us=step_us)
    chosen += play(selector, {1: (LEFT, speaking), 2: (RIGHT, lambda _: glitch)}, step, 20 * step, step_us)
    chosen += play(selector, {1: (LEFT, speaking), 2: (RIGHT, still)}, 5.0, 21 * step, step_us)

    assert set(chosen) == {1}


def test_a_face_that_appears_for_one_frame_never_becomes_the_speaker():
    selector = SpeakerSelector()
    play(selector, {1: (SMALL_SIDE, still)}, 1.0)
    play(selector, {1: (SMALL_SIDE, still), 2: (LARGE_MIDDLE, still)}, 0.04, start=1.0)

    assert set(play(selector, {1: (SMALL_SIDE, still)}, 1.0, start=1.04)) == {1}


def test_an_interrupted_lead_starts_over():
    selector = SpeakerSelector(hold=0.6)
    both = {1: (SMALL_SIDE, still), 2: (LARGE_MIDDLE, still)}
    only_first = {1: (SMALL_SIDE, still)}
    play(selector, only_first, 1.0)
    for start in (1.0, 1.6, 2.2):  # 0.56 s in view, then away for one frame
        assert set(play(selector, both, 0.56, start=start)) == {1}
        play(selector, only_first, 0.04, start=start + 0.56)

    assert play(selector, both, 1.0, start=2.8)[-1] == 2


def test_losing_the_speaker_switches_to_the_next_best_at_once():
    selector = SpeakerSelector()
    play(selector, {1: (LARGE_MIDDLE, talking), 2: (SMALL_SIDE, still), 3: (RIGHT, still)}, 1.0)

    chosen = play(selector, {2: (SMALL_SIDE, still), 3: (RIGHT, still)}, 0.04, start=1.0, lost=(1,))

    assert chosen == [3]


def test_losing_the_last_face_leaves_no_speaker():
    selector = SpeakerSelector()
    play(selector, {1: (LEFT, talking)}, 1.0)

    assert selector.update([], (1,), FRAME_SIZE, 1_000_000) is None
    assert selector.speaker is None


def test_a_short_miss_of_the_speaker_is_no_change():
    selector = SpeakerSelector()
    both = {1: (LARGE_MIDDLE, still), 2: (SMALL_SIDE, still)}
    play(selector, both, 1.0)

    assert set(play(selector, {2: (SMALL_SIDE, still)}, 0.4, start=1.0)) == {1}
    assert set(play(selector, both, 1.0, start=1.4)) == {1}


def test_equal_faces_are_settled_by_the_smaller_id_in_any_order():
    mirrored = {9: (LEFT, still), 4: (RIGHT, still)}

    assert play(SpeakerSelector(), mirrored, 0.04) == [4]
    assert play(SpeakerSelector(), dict(reversed(mirrored.items())), 0.04) == [4]


@pytest.mark.parametrize("step_us", [16_667, 40_000, 83_333])
def test_the_frame_rate_does_not_decide(step_us):
    chosen = play(SpeakerSelector(), {1: (SMALL_SIDE, talking), 2: (LARGE_MIDDLE, still)}, 3.0, step_us=step_us)

    changes = [index * step_us / 1_000_000 for index, id_ in enumerate(chosen) if id_ == 1]
    assert changes[0] == pytest.approx(0.85, abs=0.25)


def test_landmark_noise_at_a_high_frame_rate_is_not_speech():
    noise = np.random.default_rng(3)
    faces = {1: (SMALL_SIDE, lambda _: 0.02 + noise.normal(0, 0.008)), 2: (LARGE_MIDDLE, still)}

    assert set(play(SpeakerSelector(), faces, 5.0, step_us=16_667)) == {2}


def test_reset_forgets_the_speaker():
    selector = SpeakerSelector()
    play(selector, {1: (LEFT, talking)}, 1.0)

    selector.reset()

    assert selector.speaker is None
    assert play(selector, {5: (RIGHT, still)}, 0.04) == [5]


def test_lips_that_move_as_in_speech_talk_and_still_ones_do_not():
    selector = SpeakerSelector()
    play(selector, {1: (LEFT, talking), 2: (RIGHT, still)}, 2.0)
    assert selector.talking == {1}
    play(selector, {1: (LEFT, still), 2: (RIGHT, still)}, 4.0, start=2.0)
    assert selector.talking == frozenset()
