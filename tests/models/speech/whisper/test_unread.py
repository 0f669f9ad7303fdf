"""What a text passed over, from scripted words and levels."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.models.speech.engine import TimedWord
from lipstream.models.speech.whisper.unread import put_in, trimmed, unread

RATE = 50.0


def timed(*spans: tuple[float, float]) -> list[TimedWord]:
    return [TimedWord(f"w{at}", start, end, 0.9) for at, (start, end) in enumerate(spans)]


def levels(seconds: float, *said: tuple[float, float]) -> np.ndarray:
    """Loud where something is said."""
    found = np.full(round(seconds * RATE), -70.0, np.float32)
    for start, end in said:
        found[round(start * RATE) : round(end * RATE)] = -20.0
    return found


def gaps(words, places, sound):
    return [pytest.approx(gap) for gap in unread(words, places, sound, RATE)]


def test_words_one_after_another_leave_nothing():
    words = timed((0.0, 0.4), (0.4, 1.0), (1.0, 2.0))
    assert gaps(words, [0.2, 0.7, 1.5], levels(4.0, (0.0, 2.0))) == []


@pytest.mark.parametrize(
    ("said", "expected"),
    [([(0.0, 6.0)], [(1.0, 3.0)]), ([(0.0, 1.0), (3.0, 6.0)], []), ([(0.0, 1.6), (2.8, 6.0)], [])],
    ids=["voiced", "silent", "voiced for less than its most part"],
)
def test_a_voiced_stretch_between_words_was_passed_over(said, expected):
    words = timed((0.0, 1.0), (3.0, 4.0), (4.0, 5.0))
    assert gaps(words, [0.5, 3.5, 4.5], levels(8.0, *said)) == expected


def test_a_short_stretch_is_left():
    assert gaps(timed((0.0, 1.0), (1.9, 2.9)), [0.5, 2.4], levels(4.0, (0.0, 2.9))) == []


def test_the_beginning_and_the_end_count_as_well():
    sound = levels(8.0, (0.0, 3.0), (5.0, 8.0))
    assert gaps(timed((2.0, 2.8), (5.0, 6.0)), [2.4, 5.5], sound) == [(0.0, 2.0), (6.0, 8.0)]


@pytest.mark.parametrize(("place", "gap", "left"), [(4.8, (1.0, 4.5), (4.5, 5.0)), (1.2, (1.5, 5.0), (1.0, 1.5))])
def test_a_word_of_seconds_keeps_the_half_second_that_was_looked_at(place, gap, left):
    words = timed((0.0, 1.0), (1.0, 5.0), (5.0, 6.0))
    found = unread(words, [0.5, place, 5.5], levels(9.0, (0.0, 6.0)), RATE)
    assert found == [pytest.approx(gap)]
    first, middle, last = trimmed(words, found)
    assert (middle.start, middle.end) == pytest.approx(left)
    assert (first, last) == (words[0], words[2])
    assert (middle.text, middle.confidence) == (words[1].text, words[1].confidence)


def test_without_words_all_that_is_voiced_was_passed_over():
    assert gaps([], [], levels(5.0, (0.0, 4.0))) == [(0.0, 5.0)]
    assert gaps([], [], levels(5.0)) == []


def test_words_beside_a_stretch_are_left_as_they_are():
    words = timed((0.0, 1.0), (3.0, 4.0))
    assert trimmed(words, [(1.0, 3.0)]) == words
    assert trimmed(words, []) == words


def said(text: str, start: float) -> list[TimedWord]:
    return [TimedWord(word, start + at / 2, start + at / 2 + 0.4, 0.9) for at, word in enumerate(text.split())]


@pytest.mark.parametrize(
    ("read", "whole"),
    [
        ("it was the age", "one two it was the age of wisdom"),
        ("two it was the", "one two it was the of wisdom"),
        ("it was of Wisdom.", "one two it was of wisdom"),
        ("one two", "one two of wisdom"),
        ("two of", "one two of wisdom"),
        ("two", "one two of wisdom"),
    ],
)
def test_what_is_put_into_a_gap_repeats_nothing_that_stands_beside_it(read: str, whole: str):
    """Sentences that are alike were written twice where the edge of a gap was not exact."""
    text = [*said("one two", 0.0), *said("of wisdom", 9.0)]
    assert " ".join(word.text for word in put_in(text, said(read, 2.0))) == whole
