"""Scores to probabilities, and the best of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lipstream.models.speech.whisper.scores import best_of, log_softmax, softmax


def test_probabilities_are_those_of_torch_also_where_something_may_not_be_said():
    scores = np.random.default_rng(0).normal(scale=20, size=(3, 50)).astype(np.float32)
    scores[1, ::2] = -np.inf
    given = torch.from_numpy(scores)
    assert softmax(scores) == pytest.approx(given.softmax(-1).numpy(), abs=1e-6)
    assert np.array_equal(np.isinf(log_softmax(scores)), np.isinf(scores))
    finite = np.isfinite(scores)
    assert log_softmax(scores)[finite] == pytest.approx(given.log_softmax(-1).numpy()[finite], abs=1e-4)


@pytest.mark.parametrize("size", [1, 5, 300, 3000, 259_325])
@pytest.mark.parametrize("count", [1, 4, 10])
def test_the_best_are_found_in_order(size, count):
    values = np.random.default_rng(size).normal(size=size).astype(np.float32)
    values[::7] = -np.inf
    assert best_of(values, count) == np.argsort(-values, kind="stable")[:count].tolist()
