import numpy as np
import pytest

from lipstream.models.emotion.classes import EMOTIONS
from lipstream.models.emotion.usual import Usual, UsualConfig


def shown(**probabilities: float) -> np.ndarray:
    rest = (1 - sum(probabilities.values())) / (len(EMOTIONS) - len(probabilities))
    return np.array([probabilities.get(name, rest) for name in EMOTIONS], np.float32)


def label(probabilities: np.ndarray) -> str:
    return EMOTIONS[int(probabilities.argmax())]


@pytest.mark.parametrize(("face", "times"), [(True, 3.0), (False, 1.5)], ids=["face", "voice alone"])
def test_of_somebody_new_calm_is_likelier_and_nothing_else_is_changed(face: bool, times: float):
    usual = Usual()
    for _ in range(6):
        given = shown(sad=0.5, neutral=0.3)
        corrected = usual.corrected(given, 0.5, face=face)
        assert corrected[0] / corrected[1:] == pytest.approx(times * given[0] / given[1:], rel=1e-5)
    assert label(Usual().corrected(shown(happy=0.8), 0.5, face=face)) == "happy"


def test_a_face_that_always_looks_a_little_sad_is_neutral_after_a_while_and_sad_when_it_is_sadder():
    usual = Usual()
    for _ in range(40):
        calm = usual.corrected(shown(sad=0.5, neutral=0.3), 0.5, face=True)
    assert label(calm) == "neutral"
    assert label(usual.corrected(shown(sad=0.93, neutral=0.02), 0.5, face=True)) == "sad"
    assert label(usual.corrected(shown(happy=0.6, sad=0.2, neutral=0.1), 0.5, face=True)) == "happy"


def test_who_plainly_shows_an_emotion_all_the_time_is_still_seen_to():
    usual = Usual()
    for _ in range(60):
        smiling = usual.corrected(shown(happy=0.85, neutral=0.1), 0.5, face=True)
    assert label(smiling) == "happy" and smiling[1] < 0.7


def test_somebody_as_people_are_on_average_stays_as_they_are():
    usual, average = Usual(), np.array(UsualConfig().expected, np.float32)
    for _ in range(60):
        corrected = usual.corrected(average, 0.5, face=True)
    assert corrected == pytest.approx(average, abs=1e-6)


def test_what_is_usual_is_forgotten_in_time():
    usual = Usual(UsualConfig(memory=10.0))
    for _ in range(40):
        usual.corrected(shown(angry=0.8), 0.5, face=True)
    for _ in range(120):
        usual.corrected(shown(neutral=0.7), 0.5, face=True)
    assert label(usual.corrected(shown(angry=0.6, neutral=0.2), 0.5, face=True)) == "angry"


def test_probabilities_stay_probabilities():
    rng, usual = np.random.default_rng(0), Usual()
    for _ in range(200):
        corrected = usual.corrected(rng.dirichlet(np.full(7, 0.1)).astype(np.float32), 0.5, face=True)
        assert corrected.sum() == pytest.approx(1, abs=1e-5) and (corrected >= 0).all()


def test_what_is_expected_sums_to_one():
    assert sum(UsualConfig().expected) == pytest.approx(1)
