from itertools import pairwise

import numpy as np
import pytest

from lipstream.models.emotion.classes import EMOTIONS, UNCLEAR
from lipstream.models.emotion.smoothing import EmotionSmoother, SmoothingConfig


def peaked(label, height=0.8):
    probabilities = np.full(7, (1 - height) / 6, np.float32)
    probabilities[EMOTIONS.index(label)] = height
    return probabilities


def feed(smoother, start, labels):
    return [smoother.update(start + 0.5 * i, None if each is None else peaked(each)) for i, each in enumerate(labels)]


def test_label_is_unknown_until_there_is_evidence():
    smoother = EmotionSmoother()
    first = smoother.update(0.0, None)
    assert (first.label, first.changed) == ("unknown", False)
    assert np.allclose(first.probabilities, 1 / 7)
    assert smoother.update(0.5, peaked("happy")).label == "happy"


def test_weak_first_evidence_is_unclear():
    assert EmotionSmoother().update(0.0, peaked("angry", 0.3)).label == UNCLEAR


@pytest.mark.parametrize("seed", range(5))
def test_the_label_is_that_of_the_largest_probability_or_says_that_it_is_unclear(seed):
    rng = np.random.default_rng(seed)
    smoother, named = EmotionSmoother(), 0
    for step in range(400):
        # Evidence that drifts from one emotion to another, with gaps.
        strength = rng.dirichlet(np.full(7, 0.3) + 6 * (np.arange(7) == step // 20 % 7)).astype(np.float32)
        state = smoother.update(0.5 * step, None if rng.random() < 0.2 else strength)
        if state.label in EMOTIONS:
            named += 1
            shown = np.round(state.probabilities, 4)
            assert shown[EMOTIONS.index(state.label)] == shown.max()
        else:
            assert state.label in (UNCLEAR, "unknown")
    assert named > 100


def test_what_leads_by_too_little_is_unclear_and_named_again_once_it_leads_by_enough():
    smoother = EmotionSmoother(SmoothingConfig(time_constant=0.01, first=0.0, margin=0.12, hold=0.5, keep=0.02))
    close = np.array([0.28, 0.36, 0.35, 0.01, 0, 0, 0], np.float32)
    assert smoother.update(0.0, peaked("happy")).label == "happy"
    assert smoother.update(0.5, close).label == UNCLEAR
    assert [smoother.update(1 + 0.5 * i, peaked("happy")).label for i in range(2)] == [UNCLEAR, "happy"]


def test_after_an_emotion_neutral_is_shown_by_a_small_lead_and_another_emotion_is_not():
    smoother = EmotionSmoother(SmoothingConfig(time_constant=0.01, first=0.0))
    calm, sad, even = (
        np.array(each, np.float32)
        for each in ([0.44, 0, 0.42, 0.14, 0, 0, 0], [0.42, 0, 0.44, 0.14, 0, 0, 0], [0.43, 0, 0.425, 0.145, 0, 0, 0])
    )
    given = [peaked("sad"), sad, calm, even, sad, sad, calm, calm, peaked("neutral"), peaked("neutral")]
    labels = [smoother.update(0.5 * i, each).label for i, each in enumerate(given)]
    assert labels == ["sad", "sad", "neutral", *[UNCLEAR] * 6, "neutral"]


def test_a_single_odd_update_does_not_change_the_label():
    smoother = EmotionSmoother()
    states = feed(smoother, 0, ["neutral"] * 6 + ["happy"] + ["neutral"] * 6)
    assert {state.label for state in states} == {"neutral"}


def test_alternating_evidence_does_not_flicker():
    states = feed(EmotionSmoother(), 0, ["neutral", "happy"] * 40)
    assert sum(state.changed for state in states) <= 2


def test_a_lasting_change_is_shown_within_a_few_seconds_and_never_as_a_third_emotion():
    smoother = EmotionSmoother()
    feed(smoother, 0, ["neutral"] * 6)
    labels = [state.label for state in feed(smoother, 3, ["angry"] * 10)]
    assert labels[-1] == "angry"
    assert set(labels) <= {"neutral", UNCLEAR, "angry"}
    assert sum(one != other for one, other in pairwise(labels)) <= 2


def test_label_is_kept_over_a_short_gap_and_forgotten_after_a_long_one():
    smoother = EmotionSmoother(SmoothingConfig(forget=1.5))
    feed(smoother, 0, ["sad"] * 4)
    gap = feed(smoother, 2, [None] * 6)
    assert gap[0].label == "sad"
    assert gap[-1].label == "unknown"
    assert sum(state.changed for state in gap) == 1
    assert smoother.update(6.0, peaked("happy")).label == "happy"


def test_in_the_first_seconds_the_average_moves_slower_than_later():
    early, late = EmotionSmoother(), EmotionSmoother()
    feed(early, 0, ["neutral"] * 2)
    feed(late, 0, ["neutral"] * 20)
    after = [feed(each, start, ["happy"] * 2)[-1].probabilities for each, start in ((early, 1.0), (late, 10.0))]
    happy = EMOTIONS.index("happy")
    assert after[0][happy] < 0.7 * after[1][happy]


def test_reset_starts_anew():
    smoother = EmotionSmoother()
    feed(smoother, 0, ["sad"] * 4)
    smoother.reset()
    assert smoother.label == "unknown"
    assert smoother.update(0.0, peaked("happy")).label == "happy"
