"""From pictures to faces: identities, the speaker and the speaker's lips."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lipstream.models.errors import ModelError
from lipstream.models.face.analyser import FaceAnalyser
from tests.models.face.synthetic_faces import ScriptedFaces, silent_face, talking_face

FRAME_US = 40_000
LEFT, RIGHT = (120.0, 120.0), (420.0, 120.0)


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (240, 540, 3)).astype(np.uint8)


def analyses(script, images=None, max_gap: float = 0.2, others: bool = False):
    """What is told of each picture."""
    script = list(script)
    analyser = FaceAnalyser(ScriptedFaces(script), max_gap, others=others)
    shown = [picture()] * len(script) if images is None else images
    return analyser, [analyser.analyse(image, index * FRAME_US) for index, image in enumerate(shown)]


def test_a_face_is_found_once_and_is_the_speakers_with_its_lips():
    _, (first, second) = analyses([[silent_face()]] * 2)
    assert [face.id for face in first.found] == [1] and second.found == ()
    assert (first.speaker, second.speaker) == (1, 1)
    assert first.lips.face == 1 and first.lips.crop.shape == (96, 96) and first.lips.points.shape == (40, 2)
    assert first.lips.blendshapes.shape == (27,) and first.lips.aperture < 0.01


def test_how_much_the_face_has_changed_is_told_from_the_picture_before():
    _, seen = analyses([[silent_face()]] * 3, [picture(), picture(), picture(1)])
    assert [each.lips.change for each in seen[:2]] == [math.inf, 0.0] and seen[2].lips.change > 10


def test_lips_are_those_of_the_face_that_talks():
    _, seen = analyses([[silent_face(LEFT), talking_face(index * 0.04, RIGHT)] for index in range(75)])
    last = seen[-1]
    assert last.talking == {2} and last.speaker == 2 and last.lips.face == 2
    assert np.std([each.lips.aperture for each in seen[-12:]]) > 0.02


def test_the_lips_of_others_are_looked_at_while_they_move_if_they_are_wanted_and_only_then():
    script = [[talking_face(at * 0.04, LEFT), talking_face(at * 0.04 + 0.3, RIGHT)] for at in range(75)]
    _, both = analyses(script, others=True)
    last = both[-1]
    assert last.talking == {1, 2}
    assert {last.lips.face, *(lips.face for lips in last.other_lips)} == {1, 2} and len(last.other_lips) == 1
    assert np.std([each.other_lips[0].aperture for each in both[-12:]]) > 0.02
    _, one = analyses([[talking_face(at * 0.04, LEFT), silent_face(RIGHT)] for at in range(75)], others=True)
    assert not any(each.other_lips for each in one)
    _, unwanted = analyses(script)
    assert unwanted[-1].talking == {1, 2} and not any(each.other_lips for each in unwanted)


def test_a_face_that_is_missed_for_a_moment_is_kept_and_shows_no_lips_meanwhile():
    _, seen = analyses([[silent_face()], [], [], [silent_face()]])
    assert [each.speaker for each in seen] == [1] * 4
    assert [each.lips is None for each in seen] == [False, True, True, False]
    assert not any(each.lost for each in seen) and seen[3].found == ()


def test_a_face_that_stays_away_is_lost_and_another_one_is_the_speakers():
    script = [[silent_face(LEFT), talking_face(index * 0.04, RIGHT)] for index in range(40)]
    _, seen = analyses([*script, *([silent_face(LEFT)] for _ in range(8))])
    assert [[face.id for face in each.lost] for each in seen[40:]].count([2]) == 1
    assert seen[-1].speaker == 1 and seen[-1].lips.face == 1
    (lost,) = next(each.lost for each in seen if each.lost)
    assert (lost.since_us, lost.until_us) == (0, 39 * FRAME_US)


def test_faces_are_given_up_once_no_picture_has_come_for_longer_than_a_gap():
    analyser, _ = analyses([[silent_face()]])
    assert analyser.without_picture(200_000) == ()
    (lost,) = analyser.without_picture(240_000)
    assert (lost.id, lost.until_us) == (1, 0)
    assert analyser.without_picture(9_000_000) == () and analyser.finish() == ()


def test_without_any_picture_there_is_nothing_to_give_up():
    analyser = FaceAnalyser(ScriptedFaces([]), 0.2)
    assert analyser.without_picture(9_000_000) == () and analyser.finish() == ()


def test_faces_in_view_at_the_end_are_given_up_there():
    analyser, _ = analyses([[silent_face(LEFT), silent_face(RIGHT)]])
    assert [(face.id, face.until_us) for face in analyser.finish()] == [(1, 0), (2, 0)]


def test_a_picture_on_which_the_network_fails_takes_nothing_from_the_next():
    analyser = FaceAnalyser(ScriptedFaces([[silent_face()], ModelError("no answer"), [silent_face()]]), 0.2)
    analyser.analyse(picture(), 0)
    with pytest.raises(ModelError, match="no answer"):
        analyser.analyse(picture(1), FRAME_US)
    seen = analyser.analyse(picture(), 2 * FRAME_US)
    assert seen.speaker == 1 and seen.found == () and seen.lips.change == 0
