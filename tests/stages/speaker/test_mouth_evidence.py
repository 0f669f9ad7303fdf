"""Which face says a window of speech."""

from __future__ import annotations

import numpy as np

from lipstream.models.speech.engine import Encoding
from lipstream.pipeline import micros
from lipstream.stages.payloads import EncodedSpeech, Mouth, MouthState
from lipstream.stages.speaker.mouth_evidence import NOTHING, Seen, middle_of, seen_to_say

BOTH = frozenset((1, 2))


def speech(own: float | None) -> EncodedSpeech:
    """Two seconds of sound, in which the mouth looked at is the voice with a probability."""
    sound = (0.1 * np.random.default_rng(0).standard_normal(32_000)).astype(np.float32)
    return EncodedSpeech(
        segment=1,
        encoding=Encoding(np.zeros((80, 4), np.float32), 40.0, len(sound)),
        samples=sound,
        start=0,
        speech_start=0,
        speech_end=micros(2),
        end=micros(2),
        last=True,
        active_speaker=None if own is None else np.full(80, own, np.float32),
    )


def mouths(face: int | None, *talking: int, aperture: float = 0.1) -> list[Mouth]:
    def moved(index: int) -> float:
        return aperture * (1 + 0.5 * float(np.sin(index)))

    state = MouthState.UNSEEN if face is None else MouthState.MOVING
    return [Mouth(index * 40_000, face, moved(index), state, frozenset(talking)) for index in range(50)]


def judged(own: float | None, seen: list[Mouth]) -> Seen:
    return seen_to_say(speech(own), seen, BOTH, micros(0.6), micros(1.4))


def test_the_mouth_that_is_the_voice_speaks_and_the_others_do_not():
    assert judged(0.9, mouths(1, 1, 2)) == Seen(1, frozenset((2,)))


def test_where_it_is_not_the_other_that_moves_its_lips_speaks():
    assert judged(0.02, mouths(1, 1, 2)) == Seen(2, frozenset((1,)))


def test_where_nobody_else_moves_their_lips_nobody_in_view_is_seen_to_speak():
    assert judged(0.02, mouths(1, 1)) == Seen(None, frozenset((1,)))


def test_in_doubt_nothing_is_said():
    assert judged(0.25, mouths(1, 1, 2)) == NOTHING
    assert judged(0.9, mouths(None)) == NOTHING
    assert judged(float("nan"), mouths(1, 1)) == NOTHING


def test_without_the_network_a_still_mouth_is_not_the_voice():
    still = [Mouth(index * 40_000, 1, 0.001, MouthState.SHUT) for index in range(50)]
    assert judged(None, still) == Seen(None, BOTH)
    assert judged(None, mouths(1, 1)).face == 1


def test_the_middle_is_no_longer_than_what_there_is():
    assert middle_of(0, micros(2), 0.8) == (micros(0.6), micros(1.4))
    assert middle_of(0, micros(0.4), 0.8) == (0, micros(0.4))
