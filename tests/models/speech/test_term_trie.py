"""What expected terms add to the scores of a text."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.models.speech.expected.terms import Terms
from lipstream.models.speech.expected.trie import TermTrie

BONUS = 6.0
END = 0
SPACE, POINT, A, B, C, D = 1, 2, 3, 4, 5, 6
"""A vocabulary of letters; a space is a token of its own."""
LETTERS = {" ": SPACE, ".": POINT, "a": A, "b": B, "c": C, "d": D, "A": 7, "B": 8, "C": 9}


def encode(text):
    return [LETTERS[each] for each in text]


def trie(*phrases):
    return TermTrie(Terms(phrases, BONUS), encode, lambda token: token >= A)


def after(made, text, *more):
    state = made.start
    for token in [*encode(text), *more]:
        state = made.advance(state, token)
    return state


def given_for(made, text, *more):
    return after(made, text, *more).given


def test_a_whole_term_keeps_the_bonus():
    made = trie("ab")
    assert given_for(made, "c ab.") == pytest.approx(BONUS)
    assert given_for(made, "c ab", END) == pytest.approx(BONUS)


def test_a_term_under_way_is_given_a_part_with_each_token():
    made = trie("abc")
    growing = [given_for(made, "d abc"[:length]) for length in range(1, 6)]
    assert growing == pytest.approx([0, BONUS / 4, BONUS / 2, BONUS * 3 / 4, BONUS])


@pytest.mark.parametrize("text", ["d abd", "d ab.", "d ab", "d abcd", "da", "dabc."])
def test_what_is_no_whole_term_gives_all_back(text):
    assert given_for(trie("abc"), text, END) == pytest.approx(0)


def test_a_term_without_its_space_counts_at_the_beginning_alone():
    made = trie("ab")
    assert given_for(made, "ab.") == pytest.approx(BONUS)
    assert given_for(made, "Ab.") == pytest.approx(BONUS)
    assert given_for(made, "c.ab.") == pytest.approx(0)


def test_a_broken_off_longer_term_keeps_the_shorter_one():
    made = trie("ab", "ab cd")
    assert given_for(made, "c ab ca.") == pytest.approx(BONUS)
    assert given_for(made, "c ab cd.") == pytest.approx(BONUS)


def test_a_term_that_begins_inside_a_broken_off_one_is_found():
    made = trie("ab ac", "ad")
    assert given_for(made, "c ab ad.") == pytest.approx(BONUS)


def test_a_term_said_again_at_once_earns_nothing():
    made = trie("ab")
    assert given_for(made, "c ab ab ab.") == pytest.approx(BONUS)
    assert given_for(made, "c ab c ab.") == pytest.approx(2 * BONUS)


def test_different_terms_one_after_the_other_earn_each():
    assert given_for(trie("ab", "cd"), "ab cd.") == pytest.approx(2 * BONUS)


@given(st.text(alphabet="abcd .", max_size=12), st.sampled_from([*LETTERS.values(), END]))
def test_bonuses_are_what_the_next_token_changes(text, token):
    made = trie("ab", "abc d", "b", "ca")
    state = after(made, text)
    change = made.advance(state, token).given - state.given
    bonus = made.bonuses(state).get(token)
    if bonus is None and state.node.term is not None and made.continues_word(token):
        assert change == pytest.approx(state.kept - state.held)
    else:
        assert change == pytest.approx(made.otherwise(state) if bonus is None else bonus)


@given(st.text(alphabet="abcd .", max_size=20))
def test_a_text_holds_a_bonus_for_each_term_at_most(text):
    state = after(trie("ab", "abc d", "b"), text)
    assert 0 <= state.given <= BONUS * (text.count("b") + 1)


def test_words_of_scripts_without_spaces_are_terms_anywhere():
    signs = "東京都"
    made = TermTrie(Terms(("東京",), BONUS), lambda text: [" 東京都".index(each) for each in text], lambda _: False)
    state = made.start
    for token in [" 東京都".index(each) for each in f"{signs[2]}東京都"]:
        state = made.advance(state, token)
    assert state.given == pytest.approx(BONUS)


def test_a_beam_search_writes_an_expected_name_and_no_other():
    """Three texts in a beam; the network hears "ab" where "cb" is said, and "dd" clearly."""
    heard = [{C: 0.6, A: 0.1, D: 0.3}, {B: 0.9, D: 0.1}, {SPACE: 1.0}, {D: 0.999, A: 0.001}, {D: 0.999, B: 0.001}]

    def search(made):
        beam = [(0.0, made.start, ())]
        for probabilities in heard:
            grown = [
                (score + math.log(each), made.advance(state, token), (*text, token))
                for score, state, text in beam
                for token, each in probabilities.items()
            ]
            beam = sorted(grown, key=lambda each: -(each[0] + each[1].given))[:3]
        done = [(score + made.advance(state, END).given, text) for score, state, text in beam]
        return max(done)[1]

    assert search(trie("zz".replace("z", "b"))) == (C, B, SPACE, D, D)
    assert search(trie("ab")) == (A, B, SPACE, D, D)


@pytest.mark.parametrize(
    ("text", "count"), [("d ab c", 1), ("d ab ab", 1), ("d ab ba", 2), ("d abc", 0), ("d", 0), ("ab", 1), ("d ba.", 1)]
)
def test_terms_that_a_text_has_are_counted_once_each(text, count):
    assert trie("ab", "ba").written(encode(text)) == count
