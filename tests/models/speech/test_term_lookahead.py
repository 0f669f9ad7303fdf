"""Expected terms in greedy decoding, over networks of a few tokens."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.models.speech.expected.terms import Terms
from lipstream.models.speech.expected.trie import TermTrie
from lipstream.models.speech.greedy import Stop, greedy_decode

WORDS = ["<start>", "<end>", " We", " met", " Lou", "is", " Lo", "is", "e", " Ana", ".", " Li", "sa", " Mo"]
START, END, WE, MET, LOU, IS, LO, IS_TOO, E, ANA, POINT, LI, SA, MO = range(len(WORDS))
BONUS = 4.0


def continues(token):
    return WORDS[token][0].isalpha()


def trie(*terms, bonus=BONUS):
    """Terms by their tokens."""
    spelled = {" " + "".join(WORDS[token] for token in tokens).strip(): tokens for tokens in terms}
    phrases = tuple(phrase.strip() for phrase in spelled)
    return TermTrie(Terms(phrases, bonus), lambda text: spelled.get(" " + text.strip(), ()), continues)


class Scripted:
    """A network that knows what follows some texts; every other token has probability `floor`."""

    def __init__(self, after, floor=1e-6):
        self.after = after
        self.floor = floor
        self.fed = []
        self.calls = 0

    def feed(self, tokens):
        self.calls += 1
        rows = []
        for token in tokens:
            self.fed.append(token)
            row = np.full(len(WORDS), self.floor)
            for then, probability in self.after.get(tuple(self.fed[1:]), {END: 1.0}).items():
                row[then] = probability
            rows.append(np.log(row).astype(np.float32))
        return np.stack(rows)

    def crop(self, length):
        assert length <= len(self.fed)
        del self.fed[length:]


MISHEARD = {
    (): {WE: 1.0},
    (WE,): {MET: 0.9, LO: 0.1},
    (WE, MET): {LOU: 0.8, LO: 0.1, ANA: 0.1},
    (WE, MET, LOU): {IS: 1.0},
    (WE, MET, LOU, IS): {POINT: 1.0},
    (WE, MET, LO): {IS_TOO: 0.9},
    (WE, MET, LO, IS_TOO): {E: 0.9, POINT: 0.1},
    (WE, MET, LO, IS_TOO, E): {POINT: 1.0},
    (WE, LO): {MET: 1.0},
}
PLAIN = [WE, MET, LOU, IS, POINT]
NAMED = [WE, MET, LO, IS_TOO, E, POINT]
LOISE = (LO, IS_TOO, E)


def decode(after, terms, draft=(), prefix=(), limit=20, keep=len):
    return greedy_decode(Scripted(after), START, prefix, draft, Stop(END, limit, keep), terms)


def test_a_misheard_name_is_written_when_it_is_expected():
    assert decode(MISHEARD, None)[0] == PLAIN
    assert decode(MISHEARD, trie(LOISE))[0] == NAMED


def test_a_name_that_is_not_said_is_not_written():
    assert decode(MISHEARD, trie((LI, SA), (MO,)))[0] == PLAIN


def test_a_name_whose_beginning_fits_leaves_no_trace_when_its_end_does_not():
    assert decode(MISHEARD, trie((LO, SA)))[0] == PLAIN


def test_a_name_dearer_than_its_bonus_is_not_written():
    assert decode(MISHEARD, trie(LOISE, bonus=2.6))[0] == NAMED  # -log(0.1 * 0.9 * 0.9) = 2.51
    assert decode(MISHEARD, trie(LOISE, bonus=2.4))[0] == PLAIN


def test_a_name_that_would_be_part_of_a_longer_word_is_not_written():
    # " Lois" goes on with "e".
    assert decode(MISHEARD, trie((LO, IS_TOO)))[0] == PLAIN


def test_the_longer_of_two_names_is_written_where_both_fit():
    after = MISHEARD | {(WE, MET, LO, IS_TOO): {POINT: 0.6, E: 0.4}}
    assert decode(after, trie((LO, IS_TOO), LOISE))[0] == NAMED
    assert decode(after, trie((LO, IS_TOO)))[0] == [WE, MET, LO, IS_TOO, POINT]


def test_the_likelier_of_two_names_is_written():
    after = MISHEARD | {(WE, MET, ANA): {POINT: 1.0}}
    assert decode(after, trie((ANA,), LOISE))[0] == [WE, MET, ANA, POINT]


def test_a_name_does_not_begin_where_the_network_would_end_the_text():
    after = MISHEARD | {(WE, MET): {END: 0.6, LO: 0.4}}
    assert decode(after, trie(LOISE))[0] == [WE, MET]


def test_a_name_does_not_cut_a_word_short():
    after = MISHEARD | {(WE, MET, LOU): {IS: 0.8, MO: 0.2}, (WE, MET, LOU, MO): {POINT: 1.0}}
    assert decode(after, trie((MO,)))[0] == PLAIN


def test_a_name_is_not_repeated_without_end():
    class Stuck(Scripted):
        def feed(self, tokens):
            self.fed.extend(tokens)
            row = np.full(len(WORDS), 1e-6)
            row[MET], row[ANA] = 0.95, 0.05
            return np.tile(np.log(row).astype(np.float32), (len(tokens), 1))

    tokens, _ = greedy_decode(Stuck({}), START, (), (), Stop(END, 30, len), trie((ANA,)))
    assert tokens[0] == ANA
    assert tokens.count(ANA) == 1


def test_a_name_that_exceeds_the_limit_is_left_out():
    assert decode(MISHEARD, trie(LOISE), limit=4)[0] == PLAIN[:4]


def test_a_guard_may_end_the_text_inside_a_name():
    tokens, probabilities = decode(MISHEARD, trie(LOISE), keep=lambda so_far: min(len(so_far), 3))
    assert tokens == NAMED[:3]
    assert len(probabilities) == 3


def test_probabilities_of_a_written_name_are_those_with_its_bonus():
    _, probabilities = decode(MISHEARD, trie(LOISE))
    boost = np.exp(BONUS)
    assert probabilities[2] == pytest.approx(0.1 * boost / (0.1 * boost + 0.9), rel=1e-3)
    assert all(0 < each <= 1 for each in probabilities)


def test_what_is_heard_anyway_keeps_its_probabilities():
    assert decode(MISHEARD, trie((LOU, IS))) == decode(MISHEARD, None)


def test_terms_of_which_none_is_near_cost_no_calls():
    plain, expecting = Scripted(MISHEARD), Scripted(MISHEARD)
    greedy_decode(plain, START, (), (), Stop(END, 20, len))
    greedy_decode(expecting, START, (), (), Stop(END, 20, len), trie((LI, SA), (MO,)))
    assert expecting.calls == plain.calls


def test_a_right_draft_with_a_name_is_verified_in_one_call():
    network = Scripted(MISHEARD)
    tokens, _ = greedy_decode(network, START, (), NAMED, Stop(END, 20, len), trie(LOISE))
    assert tokens == NAMED
    # The start token, the draft, and a look at where "We Lo..." would lead.
    assert network.calls <= 3


def test_an_impossible_token_inside_a_name_is_no_error():
    after = MISHEARD | {(WE, MET, LO): {POINT: 1.0, IS_TOO: 0.0}}
    with np.errstate(divide="ignore"):
        assert decode(after, trie(LOISE))[0] == PLAIN


class Oracle:
    """Scores that depend on all tokens before, near enough to each other for terms to fit."""

    def __init__(self, seed):
        self.seed = seed
        self.fed = []

    def feed(self, tokens):
        rows = []
        for token in tokens:
            self.fed.append(token)
            row = np.random.default_rng([self.seed, *self.fed]).normal(scale=2, size=len(WORDS)).astype(np.float32)
            row[START] = -np.inf
            rows.append(row)
        return np.stack(rows)

    def crop(self, length):
        assert length <= len(self.fed)
        del self.fed[length:]


TEXT_TOKENS = st.lists(st.integers(2, len(WORDS) - 1), max_size=12)


@given(seed=st.integers(0, 300), prefix=TEXT_TOKENS, draft=TEXT_TOKENS, good=st.booleans())
def test_any_draft_gives_the_text_without_draft(seed, prefix, draft, good):
    terms = trie(LOISE, (LO, SA), (ANA,), (LI, SA), (MO, LI), bonus=8.0)
    stop = Stop(END, 16, len)
    without = greedy_decode(Oracle(seed), START, prefix, (), stop, terms)
    guess = [*without[0][: len(without[0]) // 2], *draft, *without[0][len(without[0]) // 2 :]] if good else draft
    assert greedy_decode(Oracle(seed), START, prefix, guess if good else [*prefix, *guess], stop, terms) == without


def test_terms_change_some_of_these_texts():
    terms = trie(LOISE, (LO, SA), (ANA,), (LI, SA), (MO, LI), bonus=8.0)
    stop = Stop(END, 16, len)
    texts = [[greedy_decode(Oracle(seed), START, (), (), stop, each) for each in (None, terms)] for seed in range(50)]
    assert sum(one != other for one, other in texts) > 10
