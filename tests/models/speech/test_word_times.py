"""Word times keep their order and their place, whatever the aligner says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.models.speech.engine import Hypothesis, WordSpan
from lipstream.models.speech.word_times import SHORTEST_WORD, timed_words


def words_of(times, duration, probabilities=None):
    """One word a token."""
    count = len(times)
    spans = [WordSpan(f"w{index}", index, index + 1) for index in range(count)]
    chances = tuple(probabilities or [0.5] * count)
    hypothesis = Hypothesis(tuple(range(count)), chances, " ".join(span.text for span in spans))
    return timed_words(spans, np.array(times, np.float32).reshape(-1, 2), hypothesis, duration)


def test_good_times_are_left_alone():
    words = words_of([(0.5, 0.75), (0.75, 1.25), (2.0, 2.5)], duration=3.0)
    assert [(word.start, word.end) for word in words] == [(0.5, 0.75), (0.75, 1.25), (2.0, 2.5)]


def test_a_word_spans_its_tokens_and_its_confidence_is_their_geometric_mean():
    hypothesis = Hypothesis((1, 2, 3), (0.9, 0.4, 0.8), "ab c")
    spans = [WordSpan("ab", 0, 2), WordSpan("c", 2, 3)]
    times = np.array([(0.25, 0.5), (0.5, 1.0), (1.5, 2.0)], np.float32)
    first, second = timed_words(spans, times, hypothesis, duration=2.0)
    assert (first.text, first.start, first.end) == ("ab", 0.25, 1.0)
    assert first.confidence == pytest.approx(0.6)
    assert second.confidence == pytest.approx(0.8)


def test_words_without_time_get_some():
    words = words_of([(1.0, 1.0)] * 3, duration=1.0)
    assert [word.end - word.start for word in words] == pytest.approx([SHORTEST_WORD] * 3)
    assert words[-1].end == 1.0


def test_too_many_words_share_the_audio():
    words = words_of([(0.0, 0.0)] * 10, duration=0.1)
    assert [word.end - word.start for word in words] == pytest.approx([0.01] * 10)


@given(
    times=st.lists(st.tuples(st.floats(-1, 6, width=32), st.floats(-1, 6, width=32)), max_size=20),
    duration=st.floats(0, 5),
)
def test_any_times_become_ordered_and_inside(times, duration):
    words = words_of(times, duration)
    edges = [edge for word in words for edge in (word.start, word.end)]
    assert edges == sorted(edges)
    assert all(0.0 <= edge <= duration for edge in edges)
    shortest = min(SHORTEST_WORD, duration / max(1, len(words)))
    assert all(word.end - word.start >= shortest - 1e-9 for word in words)


def test_a_probability_of_zero_is_a_confidence_of_about_zero():
    (word,) = words_of([(0.0, 1.0)], duration=1.0, probabilities=[0.0])
    assert word.confidence == pytest.approx(0.0, abs=1e-12)
