"""Words and their times from results as sherpa-onnx gives them for models of each kind."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.models.speech.engine import SAMPLE_RATE
from lipstream.models.speech.sherpa.words import SECONDS_A_LETTER, SHORTEST_PIECE, Heard, words_of

FOUR_SECONDS = np.zeros(4 * SAMPLE_RATE, np.float32)


def timed(heard: Heard, sound: np.ndarray = FOUR_SECONDS) -> list[tuple[str, float, float]]:
    return [(word.text, round(word.start, 2), round(word.end, 2)) for word in words_of(heard, sound)]


@pytest.mark.parametrize("space", [" ", "▁"])
def test_pieces_with_a_space_before_words(space: str):
    tokens = [f"{space}he", "llo", f"{space}wor", "ld"]
    assert timed(Heard(" hello world", tokens, [0.4, 0.6, 1.0, 1.1])) == [
        ("hello", 0.4, 0.84),
        ("world", 1.0, 1.3),
    ]


def test_a_word_ends_where_the_next_begins():
    heard = Heard(" a b", [" a", " b"], [0.4, 0.5])
    assert timed(heard)[0] == ("a", 0.4, 0.5)


def test_a_word_before_a_pause_ends_after_a_plausible_time():
    heard = Heard(" strengths yes", [" strengths", " yes"], [0.4, 3.0])
    assert timed(heard)[0] == ("strengths", 0.4, round(0.4 + 9 * SECONDS_A_LETTER, 2))
    assert timed(Heard(" I yes", [" I", " yes"], [0.4, 3.0]))[0] == ("I", 0.4, round(0.4 + SHORTEST_PIECE, 2))


def test_durations_are_used_where_the_library_gives_them():
    heard = Heard(" hello yes", [" hel", "lo", " yes"], [0.4, 0.6, 3.0], [0.2, 0.16, 0.5])
    assert timed(heard) == [("hello", 0.4, 0.76), ("yes", 3.0, 3.5)]


def test_single_letters_with_a_space_as_a_piece():
    heard = Heard("hi you", list("hi you"), [0.4, 0.5, 0.6, 1.0, 1.1, 1.2])
    assert timed(heard) == [("hi", 0.4, 0.6), ("you", 1.0, 1.4)]


def test_a_script_without_spaces_has_a_word_a_letter():
    heard = Heard("你好,世界", ["你", "好", ",", "世", "界"], [0.4, 0.6, 0.7, 1.0, 1.3])
    assert timed(heard) == [("你", 0.4, 0.6), ("好,", 0.6, 0.9), ("世", 1.0, 1.2), ("界", 1.3, 1.5)]


def test_scripts_that_are_mixed():
    heard = Heard("我用 google搜", ["我", "用", " goo", "gle", "搜"], [0.4, 0.6, 0.8, 1.0, 1.4])
    assert [word.text for word in words_of(heard, FOUR_SECONDS)] == ["我", "用", "google", "搜"]


def test_pieces_of_paraformer():
    heard = Heard("hello 你 world", ["hel@@", "lo", "你", "wor@@", "ld"], [0.4, 0.6, 1.0, 1.4, 1.6])
    assert timed(heard) == [("hello", 0.4, 0.8), ("你", 1.0, 1.2), ("world", 1.4, 1.8)]


def test_letters_in_bytes():
    tokens = [" caf", "<0xC3>", "<0xA9>", " <0xE4>", "<0xBD>", "<0xA0>"]
    heard = Heard(" café 你", tokens, [0.4, 0.6, 0.7, 1.0, 1.1, 1.2])
    assert [word[:2] for word in timed(heard)] == [("café", 0.4), ("你", 1.0)]


def test_a_text_that_the_pieces_do_not_spell_is_laid_along_their_times():
    """Numbers put in figures: "twenty one" is heard, "21" is written."""
    heard = Heard("about 21 people", [" about", " twenty", " one", " people"], [0.4, 1.0, 1.4, 2.0])
    words = words_of(heard, FOUR_SECONDS)
    assert [word.text for word in words] == ["about", "21", "people"]
    assert words[0].start == pytest.approx(0.4, abs=0.01)
    assert 0.8 < words[1].start < words[1].end < 2.2
    assert words[2].end == pytest.approx(2.0 + 6 * SECONDS_A_LETTER, abs=0.01)


def test_punctuation_stays_with_its_word():
    heard = Heard(" Yes, I do.", [" Yes", ",", " I", " do", "."], [0.4, 0.7, 1.0, 1.2, 1.4])
    assert [word.text for word in words_of(heard, FOUR_SECONDS)] == ["Yes,", "I", "do."]


def test_confidence_is_the_geometric_mean_of_the_pieces_of_a_word():
    logs = [math.log(0.9), math.log(0.4), math.log(0.5)]
    words = words_of(Heard(" hello you", [" hel", "lo", " you"], [0.4, 0.6, 1.0], (), logs), FOUR_SECONDS)
    assert [word.confidence for word in words] == pytest.approx([0.6, 0.5])


def test_confidence_is_one_where_there_are_no_probabilities():
    assert words_of(Heard(" you", [" you"], [0.4]), FOUR_SECONDS)[0].confidence == 1.0


def test_without_times_words_are_laid_along_the_voiced_sound():
    """Two stretches of voice with a pause: no word lies in the pause."""
    sound = np.random.default_rng(0).normal(0, 1e-4, 4 * SAMPLE_RATE).astype(np.float32)
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    for second in (1, 3):
        sound[second * SAMPLE_RATE : (second + 1) * SAMPLE_RATE] += 0.2 * np.sin(900 * time).astype(np.float32)
    first, second, third = words_of(Heard(" aaaa bbbb cccccccc"), sound)
    assert (first.start, first.end) == pytest.approx((1.0, 1.5), abs=0.05)
    assert (second.start, second.end) == pytest.approx((1.5, 2.0), abs=0.05)
    assert (third.start, third.end) == pytest.approx((3.0, 4.0), abs=0.05)


@pytest.mark.parametrize("starts", [[math.nan, 0.5], [0.5]], ids=["no numbers", "one missing"])
def test_times_that_are_none_are_not_used(starts: list[float]):
    first, second = words_of(Heard(" a b", [" a", " b"], starts), FOUR_SECONDS)
    assert (first.start, first.end) == pytest.approx((0.0, 2.0), abs=0.05)
    assert (second.start, second.end) == pytest.approx((2.0, 4.0), abs=0.05)


@pytest.mark.parametrize("text", ["", "  ", ".", " ♪♪ ", "…"])
def test_a_text_without_letters_gives_no_words(text: str):
    assert words_of(Heard(text, [text], [0.4]), FOUR_SECONDS) == ()


def test_no_sound_gives_no_words():
    assert words_of(Heard(" a", [" a"], [0.0]), FOUR_SECONDS[:0]) == ()


def test_a_word_that_was_heard_behind_the_sound_is_left_out():
    """Behind it was silence that nobody said anything in."""
    heard = Heard(" yes thank you", [" yes", " thank", " you"], [0.2, 4.2, 4.5])
    assert [word.text for word in words_of(heard, FOUR_SECONDS)] == ["yes", "thank"]


PIECE = st.sampled_from([" a", "bc", "▁def", "ghi", " ", ",", "你", "好", "<0xE4>", "x@@", "", "<unk>", " 2"])


@given(
    st.lists(st.tuples(PIECE, st.floats(-1, 3), st.floats(-9, 1), st.floats(-1, 1)), min_size=1, max_size=12),
    st.sampled_from([None, "21 a", "a", "a, b. c - d"]),
    st.integers(1, 5 * SAMPLE_RATE),
)
def test_words_are_in_order_and_inside_the_sound_whatever_the_library_gives(pieces, text, samples):
    tokens, starts, logs, durations = zip(*pieces, strict=True)
    written = "".join(tokens) if text is None else text
    words = words_of(Heard(written, tokens, starts, durations, logs), np.zeros(samples, np.float32))
    at = 0.0
    for word in words:
        assert word.text.strip() == word.text != ""
        assert at <= word.start <= word.end <= samples / SAMPLE_RATE + 1e-6
        assert 0.0 <= word.confidence <= 1.0
        at = word.end
    told = [word.text for word in words]
    assert all(word in written.replace("▁", " ") for word in told)
    # No piece lasts longer than a second here.
    if max(starts) + 1 <= samples / SAMPLE_RATE and told:
        assert "".join(told) == "".join(written.replace("▁", " ").split())
