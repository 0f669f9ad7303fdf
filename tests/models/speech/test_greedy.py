"""Greedy decoding gives the same text whatever is guessed, and guessing right saves calls."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.models.speech.greedy import Stop, greedy_decode

VOCABULARY = 7
START, END = 0, 1
TOKENS = st.lists(st.integers(2, VOCABULARY - 1), max_size=15)


class Oracle:
    """A network whose scores depend on all tokens before; counts its calls and fed tokens."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.fed: list[int] = []
        self.calls = 0

    def feed(self, tokens):
        assert len(tokens) > 0
        self.calls += 1
        rows = []
        for token in tokens:
            self.fed.append(token)
            rows.append(np.random.default_rng([self.seed, *self.fed]).normal(size=VOCABULARY).astype(np.float32))
        scores = np.stack(rows)
        scores[:, START] = -np.inf
        return scores

    def crop(self, length):
        assert length <= len(self.fed)
        del self.fed[length:]


def stop(limit=12, keep=len):
    return Stop(END, limit, keep)


def one_by_one(seed, prefix=(), limit=12):
    """Greedy decoding written out, with nothing cached."""
    text = list(prefix)
    while len(text) < limit:
        scores = Oracle(seed).feed([START, *text])[-1]
        if scores.argmax() == END:
            break
        text.append(int(scores.argmax()))
    return text


@given(seed=st.integers(0, 500), prefix=TOKENS, draft=TOKENS)
def test_any_draft_gives_the_text_without_draft(seed, prefix, draft):
    limit = max(12, len(prefix))
    tokens, probabilities = greedy_decode(Oracle(seed), START, prefix, [*prefix, *draft], stop(limit))
    assert tokens == one_by_one(seed, prefix, limit)
    assert len(probabilities) == len(tokens)


@given(seed=st.integers(0, 500), edits=st.lists(st.tuples(st.integers(0, 12), st.integers(2, 6)), max_size=3))
def test_an_almost_right_draft_gives_the_text_without_draft(seed, edits):
    draft = one_by_one(seed)
    for at, token in edits:
        draft[at:at] = [token]
    assert greedy_decode(Oracle(seed), START, (), draft, stop())[0] == one_by_one(seed)


@given(seed=st.integers(0, 500), prefix=TOKENS, draft=TOKENS)
def test_a_draft_that_contradicts_the_prefix_is_harmless(seed, prefix, draft):
    limit = max(12, len(prefix))
    tokens, _ = greedy_decode(Oracle(seed), START, prefix, draft, stop(limit))
    assert tokens == one_by_one(seed, prefix, limit)


@given(seed=st.integers(0, 200), prefix=TOKENS)
def test_probabilities_are_those_of_the_chosen_tokens(seed, prefix):
    limit = max(12, len(prefix))
    tokens, probabilities = greedy_decode(Oracle(seed), START, prefix, (), stop(limit))
    scores = Oracle(seed).feed([START, *tokens])
    softmax = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert probabilities == pytest.approx([softmax[at, token] for at, token in enumerate(tokens)], rel=1e-4)


def long_text():
    return next((seed, text) for seed in range(500) if len(text := one_by_one(seed)) == 12)


def test_a_right_draft_is_verified_in_one_call():
    seed, text = long_text()
    guided = Oracle(seed)
    greedy_decode(guided, START, (), text, stop())
    assert guided.calls == 2  # The start token, and the draft.


def test_a_substituted_word_does_not_waste_the_rest_of_the_draft():
    seed, text = long_text()
    alone, guided = Oracle(seed), Oracle(seed)
    greedy_decode(alone, START, (), (), stop())
    draft = [*text[:4], 2 if text[4] != 2 else 3, *text[5:]]
    assert greedy_decode(guided, START, (), draft, stop())[0] == text
    assert guided.calls < alone.calls / 2


def test_the_limit_counts_the_draft():
    seed, text = long_text()
    assert greedy_decode(Oracle(seed), START, (), text, stop(limit=5))[0] == text[:5]


def test_a_prefix_over_the_limit_is_kept_whole():
    assert greedy_decode(Oracle(0), START, [3] * 9, (), stop(limit=4))[0] == [3] * 9


def test_a_cut_ends_the_text_with_and_without_draft():
    seed, text = long_text()
    at_six = stop(keep=lambda tokens: 3 if len(tokens) == 6 else len(tokens))
    for draft in ((), text):
        tokens, probabilities = greedy_decode(Oracle(seed), START, (), draft, at_six)
        assert tokens == text[:3]
        assert len(probabilities) == 3


def test_an_impossible_forced_token_has_probability_zero():
    class Certain(Oracle):
        def feed(self, tokens):
            return np.full((len(tokens), VOCABULARY), -1000.0, np.float32) + 1000.0 * np.eye(VOCABULARY)[END]

    _, probabilities = greedy_decode(Certain(0), START, [4], (), stop())
    assert probabilities == [0.0]
