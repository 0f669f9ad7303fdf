"""Token times from scripted looks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.models.speech.engine import WordSpan
from lipstream.models.speech.whisper.alignment import token_times, with_openings

RATE = 50.0
LOUD, QUIET = -20.0, -70.0


def looks_at(spans: list[tuple[int, int]], frames: int, heads: int = 2) -> np.ndarray:
    """Heads that look at the frames of each token, and a little at all others."""
    looks = np.full((heads, len(spans), frames), 0.01, np.float32)
    for token, (first, last) in enumerate(spans):
        looks[:, token, first:last] = 1.0
    return looks / looks.sum(axis=2, keepdims=True)


def levels_of(spans: list[tuple[int, int]], frames: int) -> np.ndarray:
    levels = np.full(frames, QUIET, np.float32)
    for first, last in spans:
        levels[first:last] = LOUD
    return levels


def test_tokens_lie_where_the_heads_look():
    spans = [(10, 25), (25, 40), (40, 60)]
    times = token_times(looks_at(spans, 80), [True] * 3, levels_of([(10, 60)], 80), RATE)
    assert times * RATE == pytest.approx(np.array(spans), abs=2)


def test_a_silence_belongs_to_no_token():
    said = [(10, 30), (90, 110)]
    # The heads look into the pause as well.
    times = token_times(looks_at([(0, 55), (55, 120)], 120), [True] * 2, levels_of(said, 120), RATE) * RATE
    assert times == pytest.approx(np.array(said), abs=3)


def test_a_token_alone_takes_what_is_loud():
    times = token_times(looks_at([(30, 50)], 100), [True], levels_of([(30, 50)], 100), RATE) * RATE
    assert times[0] == pytest.approx([30, 50], abs=2)


def test_signs_get_no_time_of_their_own():
    looks = looks_at([(0, 20), (10, 20), (10, 20), (30, 50), (45, 50)], 50)
    times = token_times(looks, [False, True, False, True, False], levels_of([(10, 20), (30, 50)], 50), RATE)
    assert times[0].tolist() == [times[1, 0]] * 2
    assert times[2].tolist() == [times[1, 1]] * 2
    assert times[4].tolist() == [times[3, 1]] * 2


def test_without_audible_tokens_or_with_more_than_frames_the_sound_is_divided_evenly():
    even = token_times(looks_at([(0, 1)] * 4, 2), [True] * 4, levels_of([], 2), RATE)
    assert even == pytest.approx(np.array([[0.0, 0.01], [0.01, 0.02], [0.02, 0.03], [0.03, 0.04]]))
    assert token_times(looks_at([(0, 50)], 50), [False], levels_of([], 50), RATE).tolist() == [[0.0, 1.0]]
    assert token_times(np.zeros((2, 0, 50), np.float32), [], levels_of([], 50), RATE).shape == (0, 2)


@given(
    frames=st.integers(1, 40),
    audible=st.lists(st.booleans(), max_size=8),
    seed=st.integers(0, 1000),
    flat=st.booleans(),
)
def test_times_stay_in_order_and_in_range(frames, audible, seed, flat):
    random = np.random.default_rng(seed)
    looks = random.dirichlet(np.ones(frames), size=(3, len(audible))).astype(np.float32)
    levels = np.full(frames, QUIET, np.float32) if flat else random.uniform(-80, 0, frames).astype(np.float32)
    times = token_times(looks, audible, levels, RATE)
    assert times.shape == (len(audible), 2)
    assert bool(np.isfinite(times).all())
    edges = times.reshape(-1)
    assert bool((np.diff(edges) >= 0).all())
    assert bool((edges >= 0).all())
    assert bool((edges <= np.float32(frames / RATE)).all())


def test_a_sign_that_opens_a_word_lies_at_its_beginning():
    times = np.array([[0.0, 0.5], [0.5, 0.5], [2.0, 2.5], [2.5, 2.5]], np.float32)
    spans = [WordSpan("costs", 0, 1), WordSpan("$5.", 1, 4)]
    moved = with_openings(times, spans, [True, False, True, False])
    assert moved.tolist() == [[0.0, 0.5], [2.0, 2.0], [2.0, 2.5], [2.5, 2.5]]
    assert times[1].tolist() == [0.5, 0.5]
    assert with_openings(times[:2], [WordSpan("...", 0, 2)], [False, False]).tolist() == times[:2].tolist()


def test_a_word_lasts_as_long_as_the_sign_behind_it_is_read_from_its_sound():
    """A token looks at the beginning of its sound and the comma at the end, so the word before took the rest."""
    looks = looks_at([(10, 20), (20, 24), (24, 50), (60, 80)], 80)
    levels = levels_of([(10, 50), (60, 80)], 80)
    audible, closing = [True, True, False, True], [False, False, True, False]
    times = token_times(looks, audible, levels, RATE, closing) * RATE
    assert times[1] == pytest.approx([20, 50], abs=2)
    assert times[3] == pytest.approx([60, 80], abs=2)
