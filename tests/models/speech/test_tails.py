"""Words at the end without sound of their own."""

from __future__ import annotations

import pytest

from lipstream.models.speech.engine import TimedWord
from lipstream.models.speech.tails import has_sound, without_tail

STEP = 0.02


def said(*lengths: int) -> list[TimedWord]:
    """Words one after another that last so many steps."""
    words, at = [], 0
    for length in lengths:
        words.append(TimedWord(f"w{len(words)}", at * STEP, (at + length) * STEP, 0.9))
        at += length
    return words


@pytest.mark.parametrize(
    ("lengths", "kept"),
    [
        ((10, 12, 1, 1, 1), 2),
        ((10, 12, 1, 1, 1, 1, 1, 1), 2),
        ((10, 12, 1, 1), 4),
        ((10, 12, 1), 3),
        ((10, 1, 1, 1, 12), 5),
        ((10, 12, 2, 2, 2), 5),
        ((10, 1, 1, 2, 1, 1), 6),
        ((1, 1, 1), 0),
        ((1, 1), 2),
        ((), 0),
    ],
)
def test_three_or_more_last_words_of_one_step_each_are_left_out(lengths, kept):
    words = said(*lengths)
    assert without_tail(words, STEP) == words[:kept]
    assert len(words) == len(lengths)


def test_a_step_is_that_of_the_encoder():
    words = said(10, 2, 2, 2)
    assert without_tail(words, 2 * STEP) == words[:1]


def test_a_word_has_sound_if_it_lasts_more_than_the_step_it_must():
    assert [has_sound(word, STEP) for word in said(1, 2, 0)] == [False, True, False]
