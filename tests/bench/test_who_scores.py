"""How well it is told who speaks, on examples whose rates are known by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bench.who_scores import best_pairs, diarization_errors, right_words

TRUTH = [(0.0, 10.0, "A"), (12.0, 20.0, "B"), (24.0, 27.0, "A"), (30.0, 40.0, "C")]


def test_the_truth_has_no_errors_whatever_its_speakers_are_called():
    told = [(start, end, {"A": "x", "B": "y", "C": "z"}[who]) for start, end, who in TRUTH]
    errors = diarization_errors(TRUTH, told)
    assert errors.rate == 0
    # 31 s, less a quarter of a second within each of eight borders.
    assert errors.total == pytest.approx(31 - 8 * 0.25, abs=0.05)


def test_the_example_of_pyannote_metrics():
    """The example of its documentation: 51.6 % without a collar: 2 s missed, 7 s false, 7 s confused."""
    told = [(2.0, 13.0, "a"), (13.0, 14.0, "d"), (14.0, 20.0, "b"), (22.0, 38.0, "c"), (38.0, 40.0, "d")]
    errors = diarization_errors(TRUTH, told, collar=0.0)
    assert errors.total == pytest.approx(31, abs=0.02)
    assert (errors.missed, errors.false) == pytest.approx((2, 7), abs=0.02)
    assert errors.confused == pytest.approx(7, abs=0.02)
    assert errors.rate == pytest.approx(16 / 31, abs=0.002)


def test_two_who_speak_at_once_are_counted_twice():
    truth = [(0.0, 10.0, "A"), (5.0, 10.0, "B")]
    errors = diarization_errors(truth, [(0.0, 10.0, "x")], collar=0.0)
    assert (errors.missed, errors.total) == pytest.approx((5, 15), abs=0.02)


def test_borders_are_left_out():
    errors = diarization_errors([(1.0, 5.0, "A"), (5.0, 9.0, "B")], [(1.2, 5.2, "x"), (5.2, 8.8, "y")])
    assert errors.rate == 0


def test_words_count_under_the_best_assignment():
    pairs = [(1, "A")] * 5 + [(2, "B")] * 3 + [(1, "B")] * 2 + [(None, "A")]
    assert right_words(pairs) == 8
    # Somebody who is split has one of both parts.
    assert right_words([(1, "A")] * 4 + [(2, "A")] * 3) == 4


@pytest.mark.parametrize("seed", range(4))
def test_the_best_assignment_is_that_of_trying_all(seed: int):
    counts = np.random.default_rng(seed).integers(0, 50, (3, 5))
    ways = itertools.permutations(range(5), 3)
    tried = max(sum(int(counts[row, at]) for row, at in enumerate(places)) for places in ways)
    assert best_pairs(counts) == tried == best_pairs(counts.T)
