import numpy as np

from lipstream.models.emotion.classes import EMOTIONS
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


def test_weak_first_evidence_shows_as_neutral():
    assert EmotionSmoother().update(0.0, peaked("angry", 0.3)).label == "neutral"


def test_a_single_odd_update_does_not_change_the_label():
    smoother = EmotionSmoother()
    states = feed(smoother, 0, ["neutral"] * 6 + ["happy"] + ["neutral"] * 6)
    assert {state.label for state in states} == {"neutral"}


def test_alternating_evidence_does_not_flicker():
    states = feed(EmotionSmoother(), 0, ["neutral", "happy"] * 40)
    assert sum(state.changed for state in states) <= 2


def test_a_lasting_change_is_shown_within_two_seconds():
    smoother = EmotionSmoother()
    feed(smoother, 0, ["neutral"] * 6)
    states = feed(smoother, 3, ["angry"] * 5)
    assert states[-1].label == "angry"
    assert sum(state.changed for state in states) == 1


def test_label_is_kept_over_a_short_gap_and_forgotten_after_a_long_one():
    smoother = EmotionSmoother(SmoothingConfig(forget=1.5))
    feed(smoother, 0, ["sad"] * 4)
    gap = feed(smoother, 2, [None] * 6)
    assert gap[0].label == "sad"
    assert gap[-1].label == "unknown"
    assert sum(state.changed for state in gap) == 1
    assert smoother.update(6.0, peaked("happy")).label == "happy"


def test_reset_starts_anew():
    smoother = EmotionSmoother()
    feed(smoother, 0, ["sad"] * 4)
    smoother.reset()
    assert smoother.label == "unknown"
    assert smoother.update(0.0, peaked("happy")).label == "happy"
