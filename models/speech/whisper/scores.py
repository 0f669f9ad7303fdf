"""Scores (logits) to probabilities, and the best of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lipstream.models.speech.engine import Float32


def log_softmax(scores: Float32) -> Float32:
    """(..., V) scores, some of which may be -inf, to logarithms of probabilities."""
    shifted = scores - scores.max(axis=-1, keepdims=True)
    found: Float32 = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return found


def softmax(scores: Float32) -> Float32:
    """(..., V) scores to probabilities."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    found: Float32 = powers / powers.sum(axis=-1, keepdims=True)
    return found


def best_of(values: npt.NDArray[Any], count: int) -> list[int]:
    """Places of the `count` largest of (N,) values, the largest first."""
    count = min(count, len(values))
    places = np.argpartition(values, -count)[-count:]
    return [int(place) for place in places[np.argsort(-values[places], kind="stable")]]
